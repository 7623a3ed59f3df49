"""What may stand behind a face: shapes, lines and blotches of any colour, in focus or out of it."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray


def sample_clutter(rng: np.random.Generator, side_px: int) -> NDArray[np.float32]:
    """Linear BGR light, float32 (side, side, 3)."""
    side = max(side_px, 16)
    top, bottom = rng.random(3) ** 1.3 * 0.7, rng.random(3) * 0.6
    share = np.linspace(0, 1, side, dtype=np.float32)[:, None, None]
    image = np.repeat((top * (1 - share) + bottom * share).astype(np.float32), side, axis=1)
    for _ in range(rng.integers(2, 12)):
        x, y = (int(value) for value in rng.integers(-side // 4, side, 2))
        wide, high = (int(value) for value in rng.integers(3, side, 2))
        colour = (rng.random(3) ** 1.5 * 0.9).tolist()
        kind = rng.random()
        if kind < 0.5:
            cv2.rectangle(image, (x, y), (x + wide, y + high), colour, -1)
        elif kind < 0.7:
            cv2.circle(image, (x, y), wide // 3 + 1, colour, -1)
        elif kind < 0.85:
            cv2.line(image, (x, y), (x + wide, y + high), colour, int(rng.integers(1, 9)))
        else:
            cells = int(rng.integers(2, 24))
            blotches = rng.standard_normal((cells, cells)).astype(np.float32)
            image *= 1 + 0.35 * cv2.resize(blotches, (side, side))[..., None]
    sigma = rng.uniform(0, 5)
    if sigma > 0.5:
        image = np.asarray(cv2.GaussianBlur(image, (0, 0), sigma), np.float32)
    return np.clip(image[:side_px, :side_px], 0, 2)
