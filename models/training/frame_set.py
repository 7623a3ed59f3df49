"""The detector's training set: rendered frames, with what is a face in them, what is none, and what is neither."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from hwsim.street.rendered.training import BATCH, Label, TrainingFrame, sample_frame

from models.training.detector_targets import FACE, IGNORED, NONE
from models.training.shards import Arrays, make_shards

SIZE_PX = (320, 256)
FACES_MAX = 8
FRAMES_A_SHARD = BATCH

VISIBLE_MIN, FACING_MIN = 0.65, 0.35
"""Of a face that must be found: the share that can be seen, and the cosine of the angle it is turned away."""
WIDTH_MIN_PX = 7.0
FACING_NONE = 0.05
"""Turned further away than this, it is the back of a head."""


def make_frame_set(folder: Path, seed: int, frames: int, workers: int, report: Callable[[int, int], None]) -> None:
    """Arrays as `DetectorTrainee` takes them, by shards. Raises: TrainingInvalid when the folder holds another set."""
    settings = {"kind": "frames", "seed": seed, "frames": frames, "size_px": list(SIZE_PX)}
    shards = -(-frames // FRAMES_A_SHARD)
    make_shards(folder, settings, shards, functools.partial(_shard, seed, frames), workers, report)


def labelled(frame: TrainingFrame, rows: int) -> Arrays:
    """A frame's kinds int8 (rows,), boxes float32 (rows, 4) and landmarks float32 (rows, 5, 2)."""
    height, width = frame.picture.shape[:2]
    kinds = np.full(rows, NONE, np.int8)
    boxes, landmarks = np.zeros((rows, 4), np.float32), np.zeros((rows, 5, 2), np.float32)
    for row, face in enumerate(sorted(frame.faces, key=lambda one: -one.box_px[2])[:rows]):
        kinds[row] = kind_of(face, width, height)
        boxes[row], landmarks[row] = face.box_px, face.landmarks_px
    return {"kinds": kinds, "boxes": boxes, "landmarks": landmarks}


def kind_of(face: Label, width_px: int, height_px: int) -> int:
    """Whether a face must be found, must not, or may."""
    left, top, width, height = face.box_px
    middle_x, middle_y = left + width / 2, top + height / 2
    if face.facing < FACING_NONE or face.visible == 0:
        return NONE
    inside = 0 <= middle_x < width_px and 0 <= middle_y < height_px
    must = face.visible >= VISIBLE_MIN and face.facing >= FACING_MIN and width >= WIDTH_MIN_PX and inside
    return FACE if must else IGNORED


def _shard(seed: int, frames: int, number: int) -> Arrays:
    cv2.setNumThreads(1)
    first = number * FRAMES_A_SHARD
    made = [
        sample_frame(seed * 10_000_000 // BATCH * BATCH + index, SIZE_PX)
        for index in range(first, min(first + FRAMES_A_SHARD, frames))
    ]
    labels = [labelled(frame, FACES_MAX) for frame in made]
    stacked = {name: np.stack([label[name] for label in labels]) for name in labels[0]}
    return {"images": np.stack([frame.picture for frame in made]), **stacked}
