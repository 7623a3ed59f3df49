"""The one picture that leaves the box: the matched face, alone, small, inside the seal.

Bystanders are never shown to an operator (DOMAIN.md 10): of the crop, only an oval about the matched face is
kept, and every other face found that reaches into it is painted over, before the picture is encoded.
"""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.records import Crop, FaceBox

MARGIN_SHARE = 0.3
LONGEST_SIDE_PX = 176
JPEG_MAX_BYTES = 11 * 1024
BYSTANDER_MARGIN_SHARE = 0.15
BYSTANDER_GRAY = 127
OVAL_SHARE = 0.52
"""Semi-axes of the oval over the sides of the whole crop: just more than inscribed, so that chin and hair stay."""

_JPEG_QUALITIES = (88, 75, 60, 40, 20)


def crop_match(image: NDArray[np.uint8], face: FaceBox, others: Iterable[FaceBox]) -> Crop:
    """The crop of a matched face, in at most JPEG_MAX_BYTES.

    image: uint8 BGR (h, w, 3). others: all other faces found in it.
    """
    left, top, right, bottom = _grown(face, MARGIN_SHARE, image)
    crop = image[top:bottom, left:right].copy()
    own = _grown(face, 0.0, image)
    for other in others:
        _paint_over(crop, (left, top), _grown(other, BYSTANDER_MARGIN_SHARE, image), own, image)
    _keep_oval(crop, (left, top), face)
    crop = _shrunk(crop)
    for quality in _JPEG_QUALITIES:
        _, data = cv2.imencode(".jpg", crop, [cv2.IMWRITE_JPEG_QUALITY, quality])
        if data.size <= JPEG_MAX_BYTES:
            break
    jpeg = data.tobytes()
    height, width = crop.shape[:2]
    crop[:] = 0
    return Crop(jpeg, width, height)


def _grown(face: FaceBox, share: float, image: NDArray[np.uint8]) -> tuple[int, int, int, int]:
    height, width = image.shape[:2]
    dx, dy = face.width_px * share, face.height_px * share
    left = int(np.clip(face.left_px - dx, 0, width - 1))
    top = int(np.clip(face.top_px - dy, 0, height - 1))
    right = int(np.clip(face.left_px + face.width_px + dx, left + 1, width))
    bottom = int(np.clip(face.top_px + face.height_px + dy, top + 1, height))
    return left, top, right, bottom


def _keep_oval(crop: NDArray[np.uint8], origin: tuple[int, int], face: FaceBox) -> None:
    """Paint over what is not about the face, wherever the picture's edge cuts: a neighbour missed stands there."""
    height, width = crop.shape[:2]
    semi_x, semi_y = (OVAL_SHARE * (1 + 2 * MARGIN_SHARE) * side for side in (face.width_px, face.height_px))
    x = (np.arange(width) + origin[0] - face.left_px - face.width_px / 2) / semi_x
    y = (np.arange(height) + origin[1] - face.top_px - face.height_px / 2) / semi_y
    crop[x[None, :] ** 2 + y[:, None] ** 2 > 1] = BYSTANDER_GRAY


def _shrunk(crop: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The crop at most LONGEST_SIDE_PX wide and high; a larger one is overwritten."""
    height, width = crop.shape[:2]
    scale = LONGEST_SIDE_PX / max(height, width)
    if scale >= 1:
        return crop
    size = (max(round(width * scale), 1), max(round(height * scale), 1))
    small = np.asarray(cv2.resize(crop, size, interpolation=cv2.INTER_AREA), np.uint8)
    crop[:] = 0
    return small


def _paint_over(
    crop: NDArray[np.uint8],
    origin: tuple[int, int],
    other: tuple[int, int, int, int],
    own: tuple[int, int, int, int],
    image: NDArray[np.uint8],
) -> None:
    """Paint over another face, and leave the matched face's own box as it was."""
    x0, y0 = origin
    left, top, right, bottom = other
    area = crop[max(top - y0, 0) : max(bottom - y0, 0), max(left - x0, 0) : max(right - x0, 0)]
    if not area.size:
        return
    area[:] = BYSTANDER_GRAY
    l, t, r, b = own  # noqa: E741
    crop[t - y0 : b - y0, l - x0 : r - x0] = image[t:b, l:r]
