"""Cloth: colours people wear and the patterns woven or printed on them, as textures."""

from __future__ import annotations

from enum import Enum

import cv2
import numpy as np
from numpy.typing import NDArray

from hwsim.street.rendered.mesh import Floats

WIDTH_PX, HEIGHT_PX = 192, 160
"""A garment's texture: once round the body, and from its top to its hem."""

SOBER = ("14161c", "1d2536", "2b2d33", "3a3d42", "55585c", "6d6a64", "8b8378", "4a3b2e", "2f3a2b", "3d2430")
LIGHT = ("e8e6df", "cfc7b4", "b9c4cf", "d9cfc0", "a9a69f", "c2b59b", "e3d4d0", "bccab4")
BRIGHT = ("a3242b", "1f4e8c", "2c7a52", "d08a1e", "6a2f78", "c4567c", "1f8a93", "d9b92e", "b5512a", "3e8fd0")
DENIM = ("1c2a45", "2b4166", "47638a", "7b93ad", "20242e")

Colour = NDArray[np.float32]


class Pattern(Enum):
    """What is on a cloth besides its colour."""

    PLAIN = "plain"
    STRIPES_ACROSS = "stripes across"
    STRIPES_DOWN = "stripes down"
    CHECK = "check"
    DOTS = "dots"
    FLOWERS = "flowers"
    BLOCKS = "blocks"
    QUILTED = "quilted"
    RIBBED = "ribbed"


def linear(code: str) -> Colour:
    """A colour as sRGB hexadecimal, in linear RGB: float32 (3,)."""
    value = np.array([int(code[i : i + 2], 16) for i in (0, 2, 4)], np.float32) / 255
    return np.asarray(np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4), np.float32)


def pick(rng: np.random.Generator, *palettes: tuple[str, ...]) -> Colour:
    """A colour of the palettes, dyed a little differently each time: float32 (3,)."""
    codes = [code for palette in palettes for code in palette]
    dyed = linear(codes[int(rng.integers(len(codes)))]) * rng.uniform(0.75, 1.25) * rng.uniform(0.93, 1.07, 3)
    return np.clip(dyed, 0.004, 0.85).astype(np.float32)


def smooth_noise(rng: np.random.Generator, shape: tuple[int, int], cells: int) -> Floats:
    """Noise that wraps from side to side, about -1..1, so many cells across: float32 shape."""
    height, width = shape
    rows = max(2, round(cells * height / width))
    grid = rng.uniform(-1, 1, (rows, cells)).astype(np.float32)
    wrapped = np.concatenate([grid, grid[:, :2]], axis=1)
    large = cv2.resize(wrapped, (round(width * (cells + 2) / cells), height), interpolation=cv2.INTER_CUBIC)
    start = width // cells // 2
    return np.ascontiguousarray(large[:, start : start + width], np.float32)


def weave(
    rng: np.random.Generator, colour: Colour, pattern: Pattern = Pattern.PLAIN, second: Colour | None = None
) -> Floats:
    """A cloth's texture, its front at the middle column: float32 (HEIGHT_PX, WIDTH_PX, 4), linear RGB and shine."""
    shape = (HEIGHT_PX, WIDTH_PX)
    cloth = np.empty((*shape, 4), np.float32)
    cloth[..., :3], cloth[..., 3] = colour, 0.25
    other = colour * 0.35 if second is None else second
    share = _pattern_share(rng, pattern)[..., None]
    cloth[..., :3] += (other - cloth[..., :3]) * share
    folds = (
        0.10 * smooth_noise(rng, shape, 7) + 0.07 * smooth_noise(rng, shape, 17) + 0.04 * smooth_noise(rng, shape, 60)
    )
    cloth[..., :3] *= (1 + folds)[..., None]
    return np.clip(cloth, 0.003, 1)


def _pattern_share(rng: np.random.Generator, pattern: Pattern) -> Floats:
    """How much of the second colour each texel takes: float32 (HEIGHT_PX, WIDTH_PX), 0..1."""
    rows, columns = np.mgrid[:HEIGHT_PX, :WIDTH_PX].astype(np.float32)
    share = np.zeros((HEIGHT_PX, WIDTH_PX), np.float32)
    period = float(rng.choice([8, 12, 16, 24]))
    if pattern is Pattern.STRIPES_ACROSS:
        share = (rows % period < period * rng.uniform(0.2, 0.6)).astype(np.float32)
    elif pattern is Pattern.STRIPES_DOWN:
        share = (columns % period < period * rng.uniform(0.15, 0.5)).astype(np.float32)
    elif pattern is Pattern.CHECK:
        width = period * rng.uniform(0.3, 0.6)
        share = 0.5 * (rows % period < width) + 0.5 * (columns % period < width)
    elif pattern is Pattern.DOTS:
        offset = (rows // period % 2) * period / 2
        share = (np.hypot(rows % period - period / 2, (columns + offset) % period - period / 2) < period / 4).astype(
            np.float32
        )
    elif pattern is Pattern.FLOWERS:
        share = (smooth_noise(rng, share.shape, 30) > 0.25).astype(np.float32)
    elif pattern is Pattern.BLOCKS:
        share = (rows > HEIGHT_PX * rng.uniform(0.25, 0.6)).astype(np.float32)
    elif pattern is Pattern.QUILTED:
        share = 0.55 * np.exp(-(((rows % 16) - 8) ** 2) / 5)
    elif pattern is Pattern.RIBBED:
        share = 0.25 * (columns % 4 < 2)
    return np.asarray(cv2.GaussianBlur(np.asarray(share, np.float32), (0, 0), 0.6), np.float32)
