"""Rain: streaks in the air before the camera, and drops on the glass that bend and blur what lies behind them."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from hwsim.street.rendered.mesh import Floats

STREAKS_AT_MOST = 420
DROPS_AT_MOST = 26


@dataclass(frozen=True, eq=False)
class WetGlass:
    """Where each pixel is looked at through the drops: float32 (h, w) each; clear: (h, w, 1), 1 between the drops."""

    map_x: Floats
    map_y: Floats
    clear: Floats

    def look_through(self, picture: Floats) -> Floats:
        """float32 (h, w, 3), a new array."""
        bent = cv2.remap(picture, self.map_x, self.map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
        soft = cv2.blur(bent, (7, 7))
        return np.asarray(soft + (bent - soft) * self.clear, np.float32)


def wet_glass(rng: np.random.Generator, width_px: int, height_px: int, rain: float) -> WetGlass:
    """Drops by lot, more of them in heavier rain. Each shows what is behind it upside down, as a lens would."""
    map_x, map_y = (m.astype(np.float32) for m in np.meshgrid(np.arange(width_px), np.arange(height_px)))
    clear = np.ones((height_px, width_px), np.float32)
    for _ in range(round(DROPS_AT_MOST * rain * float(rng.uniform(0.5, 1.0)))):
        radius = float(rng.uniform(0.006, 0.028)) * width_px
        x, y = float(rng.uniform(0, width_px)), float(rng.uniform(0, height_px))
        columns = slice(max(0, int(x - radius)), min(width_px, int(x + radius) + 1))
        rows = slice(max(0, int(y - 1.2 * radius)), min(height_px, int(y + 1.2 * radius) + 1))
        across = (np.arange(width_px)[columns][None] - x) / radius
        down = (np.arange(height_px)[rows][:, None] - y) / (1.2 * radius)
        inside = np.clip(1.25 - 1.25 * np.hypot(across, down), 0, 1).astype(np.float32)
        map_x[rows, columns] -= inside * across.astype(np.float32) * radius * 2.6
        map_y[rows, columns] -= inside * down.astype(np.float32) * radius * 2.6
        clear[rows, columns] *= 1 - 0.8 * np.minimum(1, 2 * inside)
    return WetGlass(map_x, map_y, clear[..., None])


def add_streaks(picture: Floats, rng: np.random.Generator, rain: float, colour: Floats) -> None:
    """Falling drops, drawn out by the shutter, into a picture of linear light, float32 (h, w, 3)."""
    height, width = picture.shape[:2]
    veil = np.zeros((height, width), np.float32)
    lean = float(rng.normal(0.08, 0.03))
    for _ in range(round(STREAKS_AT_MOST * rain * width / 640)):
        near = float(rng.random()) ** 3
        length = (0.015 + 0.09 * near) * height
        x, y = float(rng.uniform(-10, width)), float(rng.uniform(-length, height))
        start, end = (round(x), round(y)), (round(x + lean * length), round(y + length))
        cv2.line(veil, start, end, 0.10 + 0.25 * float(rng.random()), 1 if near < 0.6 else 2, cv2.LINE_AA)
    veil = np.asarray(cv2.blur(veil, (2, 3)), np.float32)
    picture += veil[..., None] * (colour - 0.4 * picture)
