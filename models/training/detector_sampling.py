"""What a detector is shown in training: whole frames, or windows of them where there is something to learn."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from models.training.detector_samples import (
    FACE_MIN_PX,
    Sample,
    blank,
    ignore_small,
    magnified,
    mirror,
    pad_rows,
    tile,
    zoom,
)
from models.training.detector_targets import FACE
from models.training.shards import Arrays

MOSAIC_SHARE, GREY_SHARE, BLANK_SHARE = 0.25, 0.1, 0.35
BLANK_WINDOWS_SHARE = 0.12
"""Of the windows, black at the right or below: enough to learn that what stands beside the black is no face."""

WINDOW_PX = 160
FACE_SHARE, HARD_SHARE = 0.7, 0.2
"""Of the windows, round a face, and round a place that was taken for one; the others are anywhere."""
FACES_PX, FACES_SHARES = ((9.0, 30.0), (24.0, 150.0)), (0.35, 0.65)
"""How wide a window shows its face: one range or the other, and how often each."""
SCALE_MIN, SCALE_MAX = WINDOW_PX / 256, 1.5
"""Smaller, and a frame would not fill its window; larger, and most large faces would be blurs."""
MARGIN_SHARE = 0.12
"""A face's middle comes no nearer to a window's edge, unless it is as near to the frame's."""


class WholeFrames:
    """Frames as they are; some tiled four to one; zoom_share of the others with one face magnified; some black at the
    right or below, as the van shows pictures of another shape to a detector."""

    def __init__(self, frames: Arrays, zoom_share: float = 0.0):
        """frames: images uint8 (n, h, w, 3) BGR; kinds int8 (n, f); boxes float32 (n, f, 4), left, top, width,
        height; landmarks float32 (n, f, 5, 2), in pixels."""
        self._frames, self._zoom_share = frames, zoom_share

    def sample(self, rng: np.random.Generator) -> Sample:
        """An image float32 and the kinds, boxes and landmarks in it."""
        mosaic = rng.random() < MOSAIC_SHARE
        rows = rng.integers(0, len(self._frames["images"]), 4 if mosaic else 1)
        parts = [_frame(self._frames, int(row)) for row in rows]
        shown = pad_rows(tile(parts) if mosaic else parts[0], 4 * len(parts[0][1]))
        if not mosaic and self._zoom_share and rng.random() < self._zoom_share:
            shown = zoom(shown, rng)
        shown = _varied(shown, rng)
        return blank(shown, rng) if rng.random() < BLANK_SHARE else shown


class Windows:
    """Windows of WINDOW_PX: most of a frame teaches nothing, and these cost a third of it."""

    def __init__(self, frames: Arrays, hard: NDArray[np.float32]):
        """frames: as for `WholeFrames`. hard: float32 (k, 4), as `hard_places` gives them."""
        self._frames, self._hard = frames, hard
        rows, faces = np.nonzero((frames["kinds"] == FACE) & (frames["boxes"][..., 2] >= FACE_MIN_PX))
        order = np.argsort(frames["boxes"][rows, faces, 2], kind="stable")
        self._rows, self._faces = rows[order], faces[order]
        self._widths = frames["boxes"][self._rows, self._faces, 2]

    def sample(self, rng: np.random.Generator) -> Sample:
        """An image float32 and the kinds, boxes and landmarks in it."""
        lot = rng.random()
        if lot < FACE_SHARE:
            row, middle, scale = self._face(rng)
        elif lot < FACE_SHARE + HARD_SHARE and len(self._hard):
            place = self._hard[int(rng.integers(len(self._hard)))]
            row, middle, scale = int(place[0]), place[1:3], float(np.exp(rng.uniform(*np.log((SCALE_MIN, 1.6)))))
        else:
            row = int(rng.integers(len(self._frames["images"])))
            height, width = self._frames["images"].shape[1:3]
            middle = (rng.uniform(0, 1, 2) * (width, height)).astype(np.float32)
            scale = float(np.exp(rng.uniform(*np.log((SCALE_MIN, 1.6)))))
        shown = _varied(self._window(row, middle, scale, rng), rng)
        return blank(shown, rng) if rng.random() < BLANK_WINDOWS_SHARE else shown

    def _face(self, rng: np.random.Generator) -> tuple[int, NDArray[np.float32], float]:
        """A face's frame, its middle, and how much larger to show it."""
        wanted_px = float(np.exp(rng.uniform(*np.log(FACES_PX[rng.choice(len(FACES_PX), p=FACES_SHARES)]))))
        first, last = np.searchsorted(self._widths, (wanted_px / SCALE_MAX, wanted_px / SCALE_MIN))
        first = min(int(first), len(self._widths) - 1)
        chosen = int(rng.integers(first, max(int(last), first + 1)))
        row = int(self._rows[chosen])
        box = self._frames["boxes"][row, self._faces[chosen]]
        return row, box[:2] + box[2:] / 2, float(np.clip(wanted_px / box[2], SCALE_MIN, SCALE_MAX))

    def _window(self, row: int, middle: NDArray[np.float32], scale: float, rng: np.random.Generator) -> Sample:
        """The part of a frame with that point somewhere in it; never more than the frame has."""
        height, width = self._frames["images"].shape[1:3]
        to = rng.uniform(MARGIN_SHARE, 1 - MARGIN_SHARE, 2) * WINDOW_PX
        room = np.array([width, height]) * scale - WINDOW_PX
        shift = -np.clip(middle * scale - to, 0, np.maximum(room, 0)).astype(np.float32)
        return magnified(_frame(self._frames, row), scale, shift, (WINDOW_PX, WINDOW_PX), cv2.INTER_LINEAR)


def _frame(frames: Arrays, row: int) -> Sample:
    return frames["images"][row], frames["kinds"][row], frames["boxes"][row], frames["landmarks"][row]


def _varied(shown: Sample, rng: np.random.Generator) -> Sample:
    """Mirrored, lighter, darker, tinted or grey; the smallest faces set aside."""
    image, kinds, boxes, landmarks = shown
    if rng.random() < 0.5:
        image, boxes, landmarks = mirror(image, boxes, landmarks)
    light = image.astype(np.float32) * np.float32(np.exp(rng.normal(0, 0.2)))
    light += rng.normal(0, 8.0, 3).astype(np.float32)
    if rng.random() < GREY_SHARE:
        light[:] = light.mean(2, keepdims=True)
    return np.clip(light, 0, 255), ignore_small(kinds, boxes), boxes, landmarks
