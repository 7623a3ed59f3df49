"""What the detector should answer: which cells own a face, and where its box and landmarks are from there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.training.geometry import STRIDES

NONE, IGNORED, FACE = -1, 0, 1
"""Kinds of a row: nothing; something that is neither right nor wrong to find (tiny, hidden, in profile); a face."""

WIDEST_PX = (52.0, 120.0, np.inf)
NARROWEST_PX = (0.0, 28.0, 68.0)
"""Faces by stride, by the longer side of their box; where two strides fit, both answer: the finer one places them
better, the coarser one sees more around them."""

CENTRE_SHARE = 0.28
"""Cells this near a face's centre, as a share of its longer side, own it; at least the nearest one does."""
EDGE_SHARE = 0.4
"""Cells between those and this near are not asked."""

FOREIGN = 1.5
"""At a stride whose faces are this much smaller or larger, a face is none: its parts are asked, and say no."""


@dataclass(frozen=True, eq=False)
class Targets:
    """For one stride of a batch. asked: float32 (n, rows, columns), 1 where the answer counts; owns: 1 where a face is.

    image, row, column: int64 (k,), the owning cells; boxes: float32 (k, 4), left, top, width, height;
    landmarks: float32 (k, 5, 2), all in pixels.
    """

    asked: NDArray[np.float32]
    owns: NDArray[np.float32]
    image: NDArray[np.int64]
    row: NDArray[np.int64]
    column: NDArray[np.int64]
    boxes: NDArray[np.float32]
    landmarks: NDArray[np.float32]


def targets_of(
    kinds: NDArray[np.int8],
    boxes: NDArray[np.float32],
    landmarks: NDArray[np.float32],
    height_px: int,
    width_px: int,
) -> tuple[Targets, ...]:
    """One `Targets` a stride. kinds (n, f); boxes (n, f, 4); landmarks (n, f, 5, 2)."""
    return tuple(
        _of_stride(kinds, boxes, landmarks, height_px, width_px, stride, narrowest, widest)
        for stride, narrowest, widest in zip(STRIDES, NARROWEST_PX, WIDEST_PX, strict=True)
    )


def _of_stride(
    kinds: NDArray[np.int8],
    boxes: NDArray[np.float32],
    landmarks: NDArray[np.float32],
    height_px: int,
    width_px: int,
    stride: int,
    narrowest_px: float,
    widest_px: float,
) -> Targets:
    rows, columns = height_px // stride, width_px // stride
    count = len(kinds)
    asked = np.ones((count, rows, columns), np.float32)
    owner = np.full((count, rows, columns), -1, np.int64)
    nearest = np.full((count, rows, columns), np.inf, np.float32)
    for image, face in np.argwhere(kinds != NONE):
        left, top, width, height = boxes[image, face]
        longer = max(width, height)
        x, y = left + width / 2, top + height / 2
        window = _window(x, y, longer * EDGE_SHARE, stride, rows, columns)
        if window is None:
            continue
        across, down = window
        cells_x = (np.arange(across.start, across.stop) + 0.5) * stride
        cells_y = (np.arange(down.start, down.stop) + 0.5) * stride
        distance = np.maximum(np.abs(cells_x - x)[None, :], np.abs(cells_y - y)[:, None]).astype(np.float32)
        part = (image, down, across)
        if kinds[image, face] == FACE and not narrowest_px / FOREIGN <= longer < widest_px * FOREIGN:
            continue
        asked[part] = np.where(distance < longer * EDGE_SHARE, 0.0, asked[part])
        if kinds[image, face] != FACE or not narrowest_px <= longer < widest_px:
            continue
        owns = (distance <= max(longer * CENTRE_SHARE, 0.71 * stride)) & (distance < nearest[part])
        owner[part] = np.where(owns, face, owner[part])
        nearest[part] = np.where(owns, distance, nearest[part])
    image, row, column = np.nonzero(owner >= 0)
    faces = owner[image, row, column]
    asked[image, row, column] = 1.0
    return Targets(
        asked, (owner >= 0).astype(np.float32), image, row, column, boxes[image, faces], landmarks[image, faces]
    )


def _window(x: float, y: float, reach: float, stride: int, rows: int, columns: int) -> tuple[slice, slice] | None:
    """Columns and rows of the cells within reach of a point, one more on each side; None outside the picture."""
    first_column, last_column = (int(np.floor((x + side) / stride)) for side in (-reach - stride, reach + stride))
    first_row, last_row = (int(np.floor((y + side) / stride)) for side in (-reach - stride, reach + stride))
    across = slice(max(0, first_column), min(columns, last_column + 1))
    down = slice(max(0, first_row), min(rows, last_row + 1))
    return (across, down) if across.start < across.stop and down.start < down.stop else None
