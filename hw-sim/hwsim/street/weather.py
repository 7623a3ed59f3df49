"""What stands between a face and its pixels: sun and shade, clouds, blur, sensor noise."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

EXPOSURE_SHARE = 0.16
"""Exposure over frame period: motion blur reaches over so much of a frame's movement."""

FOCUS_M = 4.0
DEFOCUS_PX_M = 3.0
"""Blur's sigma at 1280 px across is this times the difference of inverse distances."""

CLOUD_PERIOD_S = 11.0
SHADE_LIGHT = 0.66
SHADE_FROM_X_M, SHADE_TO_X_M = -0.9, -1.7
"""Left of this strip the facades' shadow lies on the street; between, it sets in."""

NOISE_SIGMA = 2.2
_NOISE_MARGIN_PX = 64


class Weather:
    """Light and noise for every frame, from a seed."""

    def __init__(self, seed: int, width_px: int, height_px: int) -> None:
        rng = np.random.default_rng([seed, 5])
        self._phase = float(rng.uniform(0, 2 * np.pi))
        self._depth = float(rng.uniform(0.07, 0.16))
        self._seed = seed
        shape = (height_px + _NOISE_MARGIN_PX, width_px + _NOISE_MARGIN_PX, 3)
        noise = np.rint(rng.standard_normal(shape, np.float32) * NOISE_SIGMA)
        self._lighter = np.maximum(noise, 0).astype(np.uint8)
        self._darker = np.maximum(-noise, 0).astype(np.uint8)
        self._size = (height_px, width_px)

    def exposure(self, time_s: float) -> float:
        """The whole picture's brightness: clouds, and a camera that follows them late."""
        turn = 2 * np.pi * time_s / CLOUD_PERIOD_S + self._phase
        return float(1.08 + self._depth * (np.sin(turn) + 0.4 * np.sin(2.7 * turn)))

    def sunlight(self, x_m: NDArray[np.float32] | float) -> NDArray[np.float32]:
        """Light on the street at a place across it: 1 in the sun, SHADE_LIGHT in the facades' shadow."""
        t = np.clip((np.asarray(x_m, np.float32) - SHADE_TO_X_M) / (SHADE_FROM_X_M - SHADE_TO_X_M), 0, 1)
        return np.asarray(SHADE_LIGHT + (1 - SHADE_LIGHT) * t, np.float32)

    def defocus_px(self, z_m: float) -> float:
        """Sigma of the lens's blur at a distance, in pixels."""
        return DEFOCUS_PX_M * abs(1 / z_m - 1 / FOCUS_M) * self._size[1] / 1280

    def noise(self, frame: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """What to add to and what to take from a frame, uint8 (h, w, 3) each."""
        rng = np.random.default_rng([self._seed, 6, frame])
        top, left = (int(side) for side in rng.integers(0, _NOISE_MARGIN_PX, 2))
        rows, columns = slice(top, top + self._size[0]), slice(left, left + self._size[1])
        return self._lighter[rows, columns], self._darker[rows, columns]
