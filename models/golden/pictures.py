"""Golden inputs: drawn faces, of nobody, the same to the bit on every machine.

Whole numbers only, and noise from a hash of the position: no library's random numbers, no rounding, no fonts.
"""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.int64]

_SKINS = ((132, 164, 208), (88, 120, 172), (60, 84, 128), (150, 180, 224))
_HAIRS = ((30, 34, 44), (52, 74, 104), (20, 20, 22), (70, 110, 150))


def street_picture(width_px: int, height_px: int, seed: int) -> NDArray[np.uint8]:
    """Drawn faces of several sizes before a mottled wall: uint8 BGR (1, height, width, 3)."""
    image = _wall(width_px, height_px, seed)
    wide = max(24, min(width_px, height_px) // 3)
    left, top, number = wide // 8, wide // 8, seed
    while top + wide * 3 // 2 < height_px:
        while left + wide < width_px:
            _draw_face(image, left + wide // 2, top + wide * 3 // 4, wide // 2, number)
            left += wide + wide // 2
            number += 1
        top += wide * 13 // 8
        left = wide // 8 + (number % 3) * wide // 8
        wide = max(24, wide * 3 // 4)
    return image.astype(np.uint8)[None]


def face_picture(width_px: int, height_px: int, seed: int) -> NDArray[np.uint8]:
    """One drawn face that fills the picture, as an aligned one does: uint8 BGR (1, height, width, 3)."""
    image = _wall(width_px, height_px, seed)
    _draw_face(image, width_px // 2 + seed % 3, height_px * 11 // 20, width_px * 9 // 20, seed)
    return image.astype(np.uint8)[None]


def picture_sha256(picture: NDArray[np.uint8]) -> str:
    """The hash of its pixels, by which goldens name the input they are for."""
    return hashlib.sha256(picture.tobytes()).hexdigest()


def _noise(height_px: int, width_px: int, seed: int) -> Pixels:
    """0..255 from the position alone."""
    y, x = np.mgrid[0:height_px, 0:width_px].astype(np.int64)
    mixed = (x * 73_856_093) ^ (y * 19_349_663) ^ (seed * 83_492_791 + 12_345)
    mixed = (mixed ^ (mixed >> 13)) * 1_274_126_177 & 0xFFFFFFFF
    return (mixed ^ (mixed >> 16)) & 0xFF


def _wall(width_px: int, height_px: int, seed: int) -> Pixels:
    noise = _noise(height_px, width_px, seed)
    y, x = np.mgrid[0:height_px, 0:width_px].astype(np.int64)
    light = 70 + (x * 60) // width_px + (y * 40) // height_px
    bricks = 24 * (((y // 16) + (x + 20 * ((y // 16) % 2)) // 40) % 2)
    grey = light + bricks + (noise >> 4)
    return np.stack([grey + 6, grey, grey - 8], axis=2)


def _draw_face(picture: Pixels, middle_x: int, middle_y: int, half_px: int, number: int) -> None:
    """A frontal face, `half_px` from its middle to its ear, drawn into the picture."""
    left, top = max(middle_x - half_px, 0), max(middle_y - 3 * half_px // 2, 0)
    image = picture[top : middle_y + 7 * half_px // 4, left : middle_x + half_px + 1]
    middle_x, middle_y = middle_x - left, middle_y - top
    height_px, width_px = image.shape[:2]
    y, x = np.mgrid[0:height_px, 0:width_px].astype(np.int64)
    # Positions in thousandths of the half width, so that a face is the same at every size.
    across, down = (x - middle_x) * 1000 // half_px, (y - middle_y) * 1000 // half_px
    skin, hair = np.array(_SKINS[number % 4]), np.array(_HAIRS[number // 2 % 4])
    grain = _noise(height_px, width_px, number + 77)[..., None] >> 5

    def oval(centre_x: int, centre_y: int, radius_x: int, radius_y: int) -> NDArray[np.bool_]:
        far = ((across - centre_x) * 1000 // radius_x) ** 2 + ((down - centre_y) * 1000 // radius_y) ** 2
        return far <= 1_000_000

    def paint(where: NDArray[np.bool_], colour: Pixels) -> None:
        image[where] = np.clip(colour, 0, 255)[where]

    def flat(*colour: int) -> Pixels:
        return np.zeros_like(image) + np.array(colour)

    shade = 26 - (across**2 + down**2 // 2) // 26_000 - across * 14 // 1000
    lit = skin + shade[..., None] + grain
    paint(oval(0, -250, 960, 1180), hair + grain * 2 + (shade[..., None] // 3))
    paint(oval(0, 900, 420, 700), lit - 46)
    paint(oval(0, 0, 800, 1080), lit)
    wide = 20 * (number % 5)
    for side in (-1, 1):
        eye_x = side * (330 + wide // 2)
        paint(oval(eye_x, -160, 210, 150), lit - 22)
        paint(oval(eye_x, -330 - wide // 2, 220, 46), hair + 12 + grain)
        paint(oval(eye_x, -160, 150, 74), flat(226, 230, 232))
        paint(oval(eye_x, -160, 74, 74), flat(40, 60, 74))
        paint(oval(eye_x, -160, 34, 36), flat(8, 8, 10))
        paint(oval(eye_x, -216, 170, 30), lit - 90)
        paint(oval(side * 96, 300, 52, 34), lit - 74)
    paint(oval(-60, 90, 60, 240), lit - 24)
    paint(oval(30, 120, 70, 200), lit + 18)
    paint(oval(0, 560 + wide // 2, 270 + wide, 92), np.stack([lit[..., 0] - 40, lit[..., 1] - 56, lit[..., 2] - 12], 2))
    paint(oval(0, 560 + wide // 2, 250 + wide, 18), flat(44, 40, 74))
    paint(oval(0, 700 + wide // 2, 180, 40), lit - 22)
