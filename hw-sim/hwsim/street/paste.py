"""Put a cut-out into a picture: at any scale and angle, blurred, lit, and mixed by its alpha."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

BLUR_MIN_PX = 0.35
"""A blur of a smaller sigma cannot be seen, and is not made."""


@dataclass(frozen=True, eq=False)
class Sprite:
    """A cut-out at full size and halved again and again: uint8 BGRA, colours premultiplied.

    anchor_px: the point of the full-size cut-out, x and y, that is put where the caller says.
    """

    levels: tuple[NDArray[np.uint8], ...]
    anchor_px: tuple[float, float]

    @classmethod
    def of(cls, bgra: NDArray[np.uint8], anchor_px: tuple[float, float]) -> Sprite:
        """Halve down to a quarter; beyond that a face is not a face any more."""
        levels = [bgra]
        while len(levels) < 3 and min(levels[-1].shape[:2]) >= 16:
            height, width = (max(1, side // 2) for side in levels[-1].shape[:2])
            smaller = cv2.resize(levels[-1], (width, height), interpolation=cv2.INTER_AREA)
            levels.append(np.asarray(smaller, np.uint8))
        return cls(tuple(levels), anchor_px)


@dataclass(frozen=True)
class Placing:
    """Where and how: the anchor's place in the picture, scale, turn, and blur as sigmas."""

    x_px: float
    y_px: float
    scale: float
    turn_deg: float = 0.0
    blur_x_px: float = 0.0
    blur_y_px: float = 0.0


@dataclass(frozen=True, eq=False)
class Placed:
    """A cut-out as it falls into the picture: left and top of the part inside, uint8 BGRA of that part."""

    left_px: int
    top_px: int
    bgra: NDArray[np.uint8]

    @property
    def alpha(self) -> NDArray[np.uint8]:
        """uint8 (h, w)."""
        return self.bgra[:, :, 3]


def place(sprite: Sprite, placing: Placing, frame_size: tuple[int, int]) -> Placed | None:
    """Warp a cut-out into a picture of a width and height; None when no part of it falls inside."""
    level = 0
    while level + 1 < len(sprite.levels) and placing.scale * 2 ** (level + 1) <= 1.4:
        level += 1
    bgra = sprite.levels[level]
    height, width = bgra.shape[:2]
    full_height, full_width = sprite.levels[0].shape[:2]
    step_x, step_y = full_width / width, full_height / height
    turn = np.deg2rad(placing.turn_deg)
    cos, sin = placing.scale * np.cos(turn), placing.scale * np.sin(turn)
    anchor_x, anchor_y = sprite.anchor_px
    matrix = np.array(
        [
            [cos * step_x, -sin * step_y, placing.x_px - cos * anchor_x + sin * anchor_y],
            [sin * step_x, cos * step_y, placing.y_px - sin * anchor_x - cos * anchor_y],
        ]
    )
    corners = matrix @ np.array([[0, width, 0, width], [0, 0, height, height], [1, 1, 1, 1]], np.float64)
    blurred = max(placing.blur_x_px, placing.blur_y_px) > BLUR_MIN_PX
    margin = 1 + (int(3 * max(placing.blur_x_px, placing.blur_y_px)) if blurred else 0)
    left, top = (max(0, int(np.floor(side.min())) - margin) for side in corners)
    right = min(frame_size[0], int(np.ceil(corners[0].max())) + margin)
    bottom = min(frame_size[1], int(np.ceil(corners[1].max())) + margin)
    if right <= left or bottom <= top:
        return None
    matrix[:, 2] -= (left, top)
    way = cv2.INTER_CUBIC if placing.scale * step_x > 1.25 else cv2.INTER_LINEAR
    warped = cv2.warpAffine(bgra, matrix, (right - left, bottom - top), flags=way, borderMode=cv2.BORDER_CONSTANT)
    if blurred:
        sigma_x, sigma_y = (max(sigma, 0.3) for sigma in (placing.blur_x_px, placing.blur_y_px))
        size = (2 * int(np.ceil(2.2 * sigma_x)) + 1, 2 * int(np.ceil(2.2 * sigma_y)) + 1)
        warped = cv2.GaussianBlur(warped, size, sigma_x, sigmaY=sigma_y, borderType=cv2.BORDER_REPLICATE)
    return Placed(left, top, np.asarray(warped, np.uint8))


def blend(picture: NDArray[np.uint8], placed: Placed, light: float, presence: float = 1.0) -> None:
    """Mix a placed cut-out over a picture, uint8 BGR, in place; light multiplies its colours, presence its alpha."""
    height, width = placed.bgra.shape[:2]
    part = picture[placed.top_px : placed.top_px + height, placed.left_px : placed.left_px + width]
    colours = cv2.cvtColor(placed.bgra, cv2.COLOR_BGRA2BGR)
    if light * presence != 1:
        colours = cv2.convertScaleAbs(colours, alpha=light * presence)
    alpha = cv2.extractChannel(placed.bgra, 3)
    through = cv2.convertScaleAbs(alpha, alpha=-presence, beta=255) if presence != 1 else cv2.bitwise_not(alpha)
    behind = cv2.multiply(part, cv2.merge((through, through, through)), scale=1 / 255)
    cv2.add(behind, colours, dst=part)
