"""A person who does not exist: everything about a head that lasts, drawn from one seed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hwsim.street.rendered.head.complexion import Complexion, sample_complexion
from hwsim.street.rendered.head.draws import Draws
from hwsim.street.rendered.head.hairstyle import BeardStyle, HairStyle, sample_beard, sample_hairstyle
from hwsim.street.rendered.head.shape import Shape, sample_shape

SEXES = ("female", "male")
AGE_BANDS_YEARS = ((18, 34), (35, 54), (55, 85))
TONE_BANDS = 6
_AGE_MIN_YEARS, _AGE_MAX_YEARS = 18, 85


@dataclass(frozen=True)
class Glasses:
    """One pair; lengths in centimetres. `colour` is linear RGB."""

    squareness: float
    half_width_cm: float
    half_height_cm: float
    rim_cm: float
    drop: float
    colour: tuple[float, float, float]


@dataclass(frozen=True, eq=False)
class Identity:
    """One person. `sex`, `age_years` and `tone_band` (1 palest to 6 darkest) are declared, for reports by group."""

    seed: int
    sex: str
    age_years: int
    darkness: float
    shape: Shape
    complexion: Complexion
    hairstyle: HairStyle
    beard: BeardStyle
    glasses: Glasses
    wears_glasses: bool

    @property
    def tone_band(self) -> int:
        return min(int(self.darkness * TONE_BANDS), TONE_BANDS - 1) + 1

    @property
    def age_band(self) -> str:
        low, high = next(band for band in AGE_BANDS_YEARS if self.age_years <= band[1])
        return f"{low}-{high}"


def sample_identity(seed: int) -> Identity:
    """The person of a seed: sexes, ages 18 to 85 and tones of skin come in equal shares over seeds."""
    draws = Draws(np.random.default_rng([seed, 1]))
    male = draws.chance(0.5)
    age_years = int(draws.between(_AGE_MIN_YEARS, _AGE_MAX_YEARS + 1))
    age = (age_years - _AGE_MIN_YEARS) / (_AGE_MAX_YEARS - _AGE_MIN_YEARS)
    darkness = draws.between(0.0, 1.0)
    masculinity = draws.bell(0.8 if male else -0.45, 0.3)
    return Identity(
        seed=seed,
        sex=SEXES[male],
        age_years=age_years,
        darkness=darkness,
        shape=sample_shape(draws, masculinity, age, darkness),
        complexion=sample_complexion(draws, male, masculinity, age, darkness),
        hairstyle=sample_hairstyle(draws, male, age),
        beard=sample_beard(draws, male),
        glasses=sample_glasses(draws),
        wears_glasses=draws.chance(0.2 + 0.2 * age),
    )


def sample_glasses(draws: Draws) -> Glasses:
    colours = (
        (0.02, 0.02, 0.02), (0.10, 0.05, 0.03), (0.30, 0.30, 0.32), (0.25, 0.18, 0.06), (0.05, 0.05, 0.14),
        (0.22, 0.02, 0.03), (0.45, 0.42, 0.38),
    )  # fmt: skip
    return Glasses(
        squareness=draws.between(1.8, 4.0),
        half_width_cm=draws.around(2.5, 0.35),
        half_height_cm=draws.around(1.75, 0.5),
        rim_cm=draws.pick((0.06, 0.11, 0.18, 0.26), (0.25, 0.3, 0.3, 0.15)),
        drop=draws.around(0.3, 0.25),
        colour=draws.pick(colours, (0.35, 0.15, 0.15, 0.1, 0.1, 0.05, 0.1)),
    )
