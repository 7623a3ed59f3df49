"""Random pictures for the tests of the builder: smooth blobs over noise, the same for the same seed."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray


def pictures(seed: int, count: int, size_px: int) -> list[NDArray[np.uint8]]:
    """uint8 BGR (size_px, size_px, 3)."""
    random = np.random.default_rng(seed)
    coarse = random.integers(0, 256, (count, 4, 4, 3), np.uint8)
    smooth = (cv2.resize(each, (size_px, size_px), interpolation=cv2.INTER_CUBIC) for each in coarse)
    return [np.clip(each + random.normal(0, 8, each.shape), 0, 255).astype(np.uint8) for each in smooth]
