"""What a face's surface is like: tones of skin, hair and eyes, brows, lips, lids, marks; all that lasts for years."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hwsim.street.rendered.head.draws import Draws

Rgb = NDArray[np.float64]

# sRGB by eye from pale to dark, made linear; ours, spanning the same range as the ten Monk tones.
_SKIN_SRGB = (
    (0.94, 0.79, 0.71), (0.90, 0.71, 0.59), (0.81, 0.61, 0.47), (0.69, 0.48, 0.35), (0.53, 0.35, 0.25),
    (0.37, 0.24, 0.17), (0.26, 0.17, 0.125),
)  # fmt: skip
_HAIR_SRGB = {
    "black": (0.07, 0.06, 0.055), "espresso": (0.13, 0.09, 0.07), "brown": (0.22, 0.145, 0.09),
    "chestnut": (0.33, 0.20, 0.12), "dark blond": (0.50, 0.37, 0.22), "blond": (0.70, 0.55, 0.34),
    "red": (0.47, 0.20, 0.09), "grey": (0.50, 0.49, 0.48), "white": (0.80, 0.79, 0.77),
}  # fmt: skip
_IRIS_SRGB = {
    "dark brown": (0.14, 0.08, 0.045), "brown": (0.27, 0.165, 0.08), "hazel": (0.35, 0.30, 0.15),
    "green": (0.26, 0.36, 0.24), "blue": (0.29, 0.42, 0.54), "grey": (0.42, 0.47, 0.51),
}  # fmt: skip
_GREYING_STARTS = 0.3


@dataclass(frozen=True, eq=False)
class Complexion:
    """Colours are linear RGB, float64 (3,); lengths in centimetres on the face; the rest are shares."""

    skin: Rgb
    hair: Rgb
    beard: Rgb
    iris: Rgb
    mottle: float
    rosy: float
    shine: float
    freckles: float
    marks: NDArray[np.float32]
    """Moles and spots: float32 (k, 4), x, y, radius (cm), darkness."""
    scars: NDArray[np.float32]
    """Float32 (k, 5): from x, y to x, y (cm), paleness."""

    brow_gap_cm: float
    brow_lift_cm: float
    """Height above the eye."""
    brow_weight_cm: float
    brow_length_cm: float
    brow_slope: float
    brow_arch: float
    brow_peak: float
    brow_density: float
    brow_joined: float
    brow_uneven_cm: float

    lid_open_cm: float
    lid_peak: float
    lid_tilt: float
    lid_crease_cm: float
    lid_crease: float
    epicanthus: float
    lower_lid: float
    eye_width_cm: float
    lash: float
    eye_shadow: float
    bags: float
    iris_radius_cm: float
    eye_white: float

    lip_red: float
    lip_edge: float
    bow_cm: float
    nostril: float
    smile_line: float
    brow_furrow: float
    wrinkles: float
    stubble: float


def _linear(srgb: tuple[float, float, float]) -> Rgb:
    return np.asarray(srgb, np.float64) ** 2.2


def _skin(draws: Draws, darkness: float) -> Rgb:
    scale = np.clip(darkness, 0.0, 1.0) * (len(_SKIN_SRGB) - 1)
    low = min(int(scale), len(_SKIN_SRGB) - 2)
    tone = (1 - (scale - low)) * _linear(_SKIN_SRGB[low]) + (scale - low) * _linear(_SKIN_SRGB[low + 1])
    undertone = np.array([draws.around(1.0, 0.06), draws.around(1.0, 0.05), draws.around(1.0, 0.13)])
    return tone * undertone * draws.around(1.0, 0.06)


def _hair_name(draws: Draws, darkness: float) -> str:
    if darkness < 0.42:
        names = ("black", "espresso", "brown", "chestnut", "dark blond", "blond", "red")
        return draws.pick(names, (0.16, 0.18, 0.17, 0.16, 0.14, 0.11, 0.08))
    return draws.pick(("black", "espresso", "brown"), (0.66, 0.24, 0.10))


def _marks(draws: Draws, age: float) -> NDArray[np.float32]:
    rows = [
        (
            draws.between(-5.0, 5.0),
            draws.between(-9.0, 5.0),
            abs(draws.bell(0.09, 0.08)) + 0.05,
            draws.between(0.35, 0.9),
        )
        for _ in range(int(draws.generator.poisson(2.0 + 4.0 * age)))
    ]
    if draws.chance(0.05):
        rows.append(
            (draws.between(-5.0, 5.0), draws.between(-6.0, 5.0), draws.between(0.5, 1.5), draws.between(0.25, 0.6))
        )
    return np.asarray(rows, np.float32).reshape(-1, 4)


def _scars(draws: Draws) -> NDArray[np.float32]:
    rows: list[tuple[float, ...]] = []
    while draws.chance(0.12) and len(rows) < 3:
        x, y = draws.between(-5.0, 5.0), draws.between(-8.0, 5.0)
        rows.append((x, y, x + draws.bell(0.0, 1.2), y + draws.bell(0.0, 1.2), draws.between(0.3, 0.8)))
    return np.asarray(rows, np.float32).reshape(-1, 5)


def sample_complexion(draws: Draws, male: bool, masculinity: float, age: float, darkness: float) -> Complexion:
    """One complexion; the arguments as for `sample_shape`."""
    m = masculinity
    hair_name = _hair_name(draws, darkness)
    own = _linear(_HAIR_SRGB[hair_name]) * draws.around(1.0, 0.2)
    grey = np.clip(draws.bell((age - _GREYING_STARTS - 0.1) * 1.5, 0.35), 0.0, 1.0) if age > _GREYING_STARTS else 0.0
    dyed = not male and draws.chance(0.45)
    silver = _linear(_HAIR_SRGB["white" if draws.chance(0.4) else "grey"])
    hair = own if dyed else own * (1 - grey) + silver * grey
    beard_grey = min(1.0, grey * 1.3)
    if darkness < 0.42:
        iris_name = draws.pick(tuple(_IRIS_SRGB), (0.18, 0.22, 0.14, 0.12, 0.22, 0.12))
    else:
        iris_name = draws.pick(("dark brown", "brown", "hazel"), (0.66, 0.28, 0.06))
    return Complexion(
        skin=_skin(draws, darkness),
        hair=hair,
        beard=own * draws.around(1.05, 0.25) * (1 - beard_grey) + silver * beard_grey,
        iris=_linear(_IRIS_SRGB[iris_name]) * draws.around(1.0, 0.25),
        mottle=draws.around(1.0, 0.7),
        rosy=draws.around(0.6, 0.6),
        shine=draws.around(1.0, 0.5),
        freckles=max(0.0, draws.bell(0.1, 0.7)) if darkness < 0.4 and draws.chance(0.4) else 0.0,
        marks=_marks(draws, age),
        scars=_scars(draws),
        brow_gap_cm=draws.around(1.05, 0.5),
        brow_lift_cm=draws.around(1.75 - 0.15 * m, 0.55),
        brow_weight_cm=max(0.1, draws.around(0.33 + 0.14 * m, 0.18)),
        brow_length_cm=draws.around(2.9, 0.75),
        brow_slope=draws.around(0.12, 0.26),
        brow_arch=draws.around(0.10, 0.10),
        brow_peak=draws.around(0.55, 0.25),
        brow_density=draws.around(0.68, 0.32),
        brow_joined=draws.between(0.2, 0.9) if draws.chance(0.12) else 0.0,
        brow_uneven_cm=draws.bell(0.0, 0.09),
        lid_open_cm=draws.around(0.52 - 0.04 * age, 0.18),
        lid_peak=draws.around(-0.05, 0.3),
        lid_tilt=draws.around(0.04, 0.2),
        lid_crease_cm=max(0.10, draws.around(0.30, 0.2)),
        lid_crease=max(0.0, draws.around(0.35, 0.5)),
        epicanthus=draws.between(0.4, 1.0) if draws.chance(0.28) else 0.0,
        lower_lid=draws.around(0.72, 0.18),
        eye_width_cm=draws.around(1.42, 0.22),
        lash=draws.around(0.75 - 0.2 * m, 0.2),
        eye_shadow=draws.around(0.4, 0.4),
        bags=float(np.clip(draws.around(0.25 + 0.5 * age, 0.4), 0.0, 1.0)),
        iris_radius_cm=draws.around(0.61, 0.05),
        eye_white=draws.around(0.95 - 0.25 * darkness, 0.08),
        lip_red=draws.around(0.6 - 0.2 * m, 0.5),
        lip_edge=draws.around(0.5, 0.4),
        bow_cm=draws.around(0.13, 0.13),
        nostril=draws.around(0.75, 0.25),
        smile_line=float(np.clip(draws.around(0.1 + 0.6 * age, 0.35), 0.0, 1.0)),
        brow_furrow=float(np.clip(draws.around(0.5 * age, 0.35), 0.0, 1.0)),
        wrinkles=float(np.clip(draws.around(age * 1.1 - 0.15, 0.2), 0.0, 1.0)),
        stubble=draws.between(0.05, 0.45) if male else 0.0,
    )
