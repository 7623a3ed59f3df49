"""How hair is worn: where it begins, how far it stands off, how it falls; and the beard's cut."""

from __future__ import annotations

from dataclasses import dataclass

from hwsim.street.rendered.head.draws import Draws

CUTS = ("bald", "cropped", "short", "quiff", "fringe", "bob", "long", "coils", "bun")
BEARDS = ("none", "full", "boxed", "goatee", "moustache", "chinstrap")

_MALE_SHARES = (0.12, 0.20, 0.26, 0.12, 0.09, 0.02, 0.05, 0.10, 0.04)
_FEMALE_SHARES = (0.01, 0.03, 0.09, 0.04, 0.15, 0.19, 0.26, 0.11, 0.12)


@dataclass(frozen=True)
class HairStyle:
    """Lengths in centimetres, the rest shares. `seed` fixes the strands."""

    cut: str
    seed: int
    front_y_cm: float
    """The hairline over the middle of the forehead, in head coordinates."""
    temples_cm: float
    """How far it recedes beside the middle."""
    peak_cm: float
    """How far it comes down in the middle."""
    sideburn_y_cm: float
    thinning: float
    top_cm: float
    side_cm: float
    back_cm: float
    parting: float
    """-1 to 1, where across the head the hair divides; its sides stand unequally."""
    wave: float
    length_y_cm: float
    """How low falling hair ends."""
    spread: float
    fringe_cm: float
    fringe_slope: float


@dataclass(frozen=True)
class BeardStyle:
    cut: str
    length_cm: float
    density: float
    cheek_line_y_cm: float
    seed: int


def sample_hairstyle(draws: Draws, male: bool, age: float, natural: HairStyle | None = None) -> HairStyle:
    """A way of wearing hair; with `natural`, on the same hairline as that one."""
    cut = draws.pick(CUTS, _MALE_SHARES if male else _FEMALE_SHARES)
    receding = max(0.0, draws.bell(1.9 * age - 0.2, 0.8)) if male else 0.0
    top = {
        "bald": 0.0, "cropped": 0.28, "short": 1.1, "quiff": 2.3, "fringe": 1.5, "bob": 1.5, "long": 1.2, "coils": 3.2,
        "bun": 0.6,
    }[cut]  # fmt: skip
    side = {"cropped": 0.18, "short": 0.55, "quiff": 0.45, "coils": 2.4, "bob": 1.7, "long": 1.2, "fringe": 1.2}.get(
        cut, 0.4
    )
    return HairStyle(
        cut=cut,
        seed=int(draws.generator.integers(1 << 30)),
        front_y_cm=natural.front_y_cm if natural else draws.around(5.7, 1.0) + 1.2 * receding,
        temples_cm=natural.temples_cm if natural else draws.around(0.6, 0.6) + 0.8 * receding,
        peak_cm=natural.peak_cm if natural else max(0.0, draws.bell(0.1, 0.45)),
        sideburn_y_cm=draws.around(-1.6, 1.6) if male else draws.around(-0.2, 1.0),
        thinning=natural.thinning if natural else (min(1.0, receding * draws.between(0.0, 0.7))),
        top_cm=top * draws.around(1.0, 0.5),
        side_cm=side * draws.around(1.0, 0.5),
        back_cm=side * draws.around(1.2, 0.5),
        parting=draws.between(-1.0, 1.0),
        wave=draws.around(0.3, 0.3) if cut != "coils" else draws.around(0.9, 0.4),
        length_y_cm=draws.between(-9.5, -5.0) if cut == "bob" else draws.between(-28.0, -12.0),
        spread=draws.around(1.0, 0.35),
        fringe_cm=draws.between(1.8, 4.0) if cut == "fringe" else (draws.between(0.0, 1.6) if cut == "bob" else 0.0),
        fringe_slope=draws.around(0.0, 0.35),
    )


def sample_beard(draws: Draws, male: bool) -> BeardStyle:
    """A way of wearing a beard; none for two in five men, and for women."""
    cut = draws.pick(BEARDS, (0.42, 0.22, 0.12, 0.11, 0.08, 0.05)) if male else "none"
    return BeardStyle(
        cut=cut,
        length_cm=0.0
        if cut == "none"
        else draws.pick((0.05, 0.3, 0.8, 1.6), (0.4, 0.3, 0.2, 0.1)) * draws.around(1.0, 0.3),
        density=0.0 if cut == "none" else draws.between(0.45, 1.0),
        cheek_line_y_cm=draws.around(-4.2, 1.2),
        seed=int(draws.generator.integers(1 << 30)),
    )
