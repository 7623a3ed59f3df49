"""Light: lamps from directions, sky and ground; named moments from noon to sodium, and samples of any."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Lighting:
    """Camera space: x right, y down, z away; linear RGB.

    lamps: float32 (k, 6), unit direction towards the lamp, then its colour. sky, ground: float32 (3,), ambient
    light on surfaces that face up and down. up: float32 (3,), where up is.
    """

    lamps: NDArray[np.float32]
    sky: NDArray[np.float32]
    ground: NDArray[np.float32]
    up: NDArray[np.float32]


UP = np.array([0, -1, 0], np.float32)


def lamp(bearing_rad: float, height_rad: float, colour: NDArray[np.float64]) -> list[float]:
    """One lamp's row. bearing: 0 behind the camera, to the right as it grows; height above the horizon."""
    direction = (
        np.sin(bearing_rad) * np.cos(height_rad),
        -np.sin(height_rad),
        -np.cos(bearing_rad) * np.cos(height_rad),
    )
    return [float(value) for value in (*direction, *colour)]


def even_light() -> Lighting:
    """As where photographs for documents are taken: broad, from the front, no colour."""
    white = np.ones(3)
    lamps = [lamp(-0.6, 0.4, 0.42 * white), lamp(0.6, 0.4, 0.42 * white)]
    return Lighting(np.array(lamps, np.float32), np.full(3, 0.5, np.float32), np.full(3, 0.3, np.float32), UP)


def sample_light(rng: np.random.Generator) -> Lighting:
    """Any light a face may be met in: one main lamp, sometimes a second of another colour, more or less sky."""
    ambient = rng.uniform(0.12, 0.75)
    warmth = np.clip(1 + rng.normal(size=3) * [0.06, 0.0, 0.09], 0.75, 1.3)
    strength = rng.uniform(0.25, 1.15) * (1.25 - ambient)
    lamps = [lamp(rng.uniform(-1.9, 1.9), rng.uniform(-0.1, 1.2), strength * warmth)]
    if rng.random() < 0.4:
        tint = np.clip(1 + rng.normal(size=3) * 0.12, 0.6, 1.4)
        lamps.append(lamp(rng.uniform(-2.5, 2.5), rng.uniform(-0.3, 1.0), rng.uniform(0.1, 0.5) * tint))
    sky_tint = np.clip(1 + rng.normal(size=3) * [0.05, 0.0, 0.07], 0.8, 1.25)
    ground_tint = np.clip(sky_tint + rng.normal(size=3) * 0.05, 0.6, 1.4)
    return Lighting(
        np.array(lamps, np.float32),
        (ambient * 1.1 * sky_tint).astype(np.float32),
        (ambient * rng.uniform(0.35, 0.8) * ground_tint).astype(np.float32),
        UP,
    )
