"""What people wear: cuts and colours, drawn by lot."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np

Colour = tuple[float, float, float]
"""BGR, 0..255."""

_TOPS: tuple[Colour, ...] = (
    (52, 46, 44), (92, 58, 34), (60, 66, 70), (38, 34, 30), (120, 96, 58), (52, 60, 122), (70, 104, 132),
    (76, 84, 58), (150, 150, 146), (46, 44, 96), (128, 112, 104), (40, 88, 70), (170, 138, 96), (66, 128, 190),
    (196, 190, 184), (112, 60, 96),
)  # fmt: skip
_LEGS: tuple[Colour, ...] = (
    (44, 40, 38), (104, 74, 48), (84, 60, 42), (66, 62, 60), (92, 110, 128), (56, 62, 66), (34, 32, 34),
)  # fmt: skip
_SHIRTS: tuple[Colour, ...] = ((228, 226, 222), (214, 196, 170), (176, 170, 168), (120, 118, 190), (60, 58, 56))
_SHOES: tuple[Colour, ...] = ((30, 30, 32), (40, 56, 84), (190, 190, 188), (58, 58, 62))
_BRIGHT: tuple[Colour, ...] = ((48, 44, 160), (140, 76, 40), (60, 150, 190), (90, 110, 60), (120, 60, 120))


class Cut(Enum):
    """An upper garment: where it ends over stature, its half width there, its neck and its opening, in metres."""

    COAT = (0.30, 0.215, (0.075, 0.02), 0.26)
    JACKET = (0.47, 0.190, (0.075, 0.02), 0.20)
    PULLOVER = (0.48, 0.180, (0.075, 0.03), 0.0)

    def __init__(self, ends_at: float, flare: float, neck_m: tuple[float, float], opening_m: float) -> None:
        self.ends_at = ends_at
        self.flare = flare
        self.neck_m = neck_m
        self.opening_m = opening_m


@dataclass(frozen=True)
class Outfit:
    """One person's clothes; colours BGR, hem_m the half width of a trouser leg at the ankle."""

    cut: Cut
    top: Colour
    shirt: Colour
    legs: Colour
    shoes: Colour
    skin: Colour
    hem_m: float
    scarf: Colour | None
    tie: Colour | None
    strap: Colour | None


def choose_outfit(rng: np.random.Generator, skin: Colour) -> Outfit:
    """Clothes by lot. skin: of the face, for neck and hands."""

    def one_of(colours: tuple[Colour, ...]) -> Colour:
        chosen = np.clip(np.asarray(colours[rng.integers(len(colours))]) * rng.uniform(0.85, 1.2), 16, 235)
        return (float(chosen[0]), float(chosen[1]), float(chosen[2]))

    cut = tuple(Cut)[rng.choice(3, p=(0.3, 0.4, 0.3))]
    return Outfit(
        cut=cut,
        top=one_of(_TOPS),
        shirt=one_of(_SHIRTS),
        legs=one_of(_LEGS),
        shoes=one_of(_SHOES),
        skin=skin,
        hem_m=float(rng.uniform(0.045, 0.065)),
        scarf=one_of(_BRIGHT) if rng.random() < 0.2 else None,
        tie=one_of(_BRIGHT) if cut is not Cut.PULLOVER and rng.random() < 0.25 else None,
        strap=one_of(_SHOES) if rng.random() < 0.25 else None,
    )
