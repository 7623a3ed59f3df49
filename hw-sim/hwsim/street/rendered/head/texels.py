"""Where on a head each texel of its texture lies, and the noise that skin and hair are painted with."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from numba import njit
from numpy.typing import NDArray

from hwsim.street.rendered.head.skull import COLUMNS, ROWS
from hwsim.street.rendered.mesh import Floats

TEXTURE_WIDTH, TEXTURE_HEIGHT = 320, 256
_BORDER = 2


@dataclass(frozen=True, eq=False)
class Texels:
    """places: float32 (h, w, 3), cm before `warp`. broad, middle, fine: float32 (h, w), noise of unit spread."""

    places: Floats
    broad: Floats
    middle: Floats
    fine: Floats


def lay_texels(vertices: NDArray[np.float64], rng: np.random.Generator) -> Texels:
    """Texels of a built head's texture; vertices (n, 3) as in `Skull`."""
    size = (TEXTURE_HEIGHT, TEXTURE_WIDTH)
    return Texels(
        spread_to_texels(vertices),
        smooth_noise(rng, *size, 9),
        smooth_noise(rng, *size, 92, cells_down=44),
        rng.standard_normal(size).astype(np.float32),
    )


def spread_to_texels(values: NDArray[np.float64]) -> Floats:
    """Values at a head's vertices, (n,) or (n, k), between them at its texels: float32 (h, w) or (h, w, k)."""
    grid = values.reshape(ROWS, COLUMNS, *values.shape[1:]).astype(np.float32)
    ring = np.concatenate([grid[:, -_BORDER:], grid, grid[:, :_BORDER]], 1)
    across, down = _texel_columns()
    return np.asarray(cv2.remap(ring, across, down, cv2.INTER_LINEAR, None, cv2.BORDER_REPLICATE), np.float32)


@cache
def _texel_columns() -> tuple[Floats, Floats]:
    """Where each texel falls on the grid with its border; both count from their cells' middles: float32 (h, w)."""
    u = (np.arange(TEXTURE_WIDTH, dtype=np.float32) + 0.5) * (COLUMNS / TEXTURE_WIDTH) - 0.5 + _BORDER
    v = (np.arange(TEXTURE_HEIGHT, dtype=np.float32) + 0.5) * (ROWS / TEXTURE_HEIGHT) - 0.5
    across, down = np.meshgrid(u, v)
    return across.astype(np.float32), down.astype(np.float32)


def smooth_noise(
    rng: np.random.Generator, rows: int, columns: int, cells: int, wrap: bool = True, cells_down: int | None = None
) -> Floats:
    """Noise of `cells` across and `cells_down` (else as many), without a seam at its sides: float32 (rows, columns)."""
    coarse = rng.standard_normal((cells_down or cells, cells)).astype(np.float32)
    if not wrap:
        return np.asarray(cv2.resize(coarse, (columns, rows), interpolation=cv2.INTER_CUBIC), np.float32)
    ring = np.concatenate([coarse[:, -2:], coarse, coarse[:, :2]], 1)
    wide = round(columns * (cells + 4) / cells)
    margin = (wide - columns) // 2
    field = cv2.resize(ring, (wide, rows), interpolation=cv2.INTER_CUBIC)
    return np.ascontiguousarray(field[:, margin : margin + columns], np.float32)


@njit(cache=True)
def ramp(low: float, high: float, value: float) -> float:
    """0 below `low`, 1 above `high`, smooth between."""
    t = min(max((value - low) / (high - low), 0.0), 1.0)
    return t * t * (3.0 - 2.0 * t)


@njit(cache=True)
def bump(offset: float, width: float) -> float:
    """A bell of height one."""
    return np.exp(-((offset / width) ** 2))
