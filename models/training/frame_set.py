"""The detector's training set: rendered frames, with what is a face in them, what is none, and what is neither."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from hwsim.street.rendered.training import BATCH, Label, TrainingFrame, sample_frame

from models.training.detector_targets import FACE, IGNORED, NONE
from models.training.shards import Arrays, make_shards

SIZE_PX = (320, 256)
FACES_MAX = 8
FRAMES_A_SHARD = BATCH

CLOSE_UP_SEEDS = 40
"""Added to the seed of a run: close-ups show other people than its frames do."""

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


def make_close_up_set(folder: Path, seed: int, frames: int, workers: int, report: Callable[[int, int], None]) -> None:
    """The same of faces twice as large: windows of SIZE_PX out of frames twice that, with somebody in each.

    Raises: TrainingInvalid when the folder holds another set.
    """
    settings = {"kind": "close-ups", "seed": seed, "frames": frames, "size_px": list(SIZE_PX)}
    shards = -(-frames // FRAMES_A_SHARD)
    make_shards(folder, settings, shards, functools.partial(_close_up_shard, seed, frames), workers, report)


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
    return _stacked(sample_frame(frame_seed, SIZE_PX) for frame_seed in _seeds(seed, frames, number))


def _close_up_shard(seed: int, frames: int, number: int) -> Arrays:
    cv2.setNumThreads(1)
    double = (2 * SIZE_PX[0], 2 * SIZE_PX[1])
    seeds = _seeds(seed + CLOSE_UP_SEEDS, frames, number)
    return _stacked(_window(sample_frame(frame_seed, double), frame_seed) for frame_seed in seeds)


def _seeds(seed: int, frames: int, number: int) -> range:
    """Of the frames of a shard: a batch of the sampler, or its beginning."""
    first = number * FRAMES_A_SHARD
    offset = seed * 10_000_000 // BATCH * BATCH
    return range(offset + first, offset + min(first + FRAMES_A_SHARD, frames))


def _stacked(frames: Iterable[TrainingFrame]) -> Arrays:
    made = list(frames)
    labels = [labelled(frame, FACES_MAX) for frame in made]
    stacked = {name: np.stack([label[name] for label in labels]) for name in labels[0]}
    return {"images": np.stack([frame.picture for frame in made]), **stacked}


def _window(frame: TrainingFrame, seed: int) -> TrainingFrame:
    """A part of a frame, SIZE_PX large, round a face where there is one."""
    rng = np.random.default_rng([seed, 7])
    height, width = frame.picture.shape[:2]
    left, top = int(rng.integers(width - SIZE_PX[0] + 1)), int(rng.integers(height - SIZE_PX[1] + 1))
    shown = [face for face in frame.faces if face.visible > 0 and face.facing > FACING_NONE]
    if shown:
        face = shown[int(rng.integers(len(shown)))]
        middle_x, middle_y = face.box_px[0] + face.box_px[2] / 2, face.box_px[1] + face.box_px[3] / 2
        left = int(np.clip(middle_x - rng.uniform(0.2, 0.8) * SIZE_PX[0], 0, width - SIZE_PX[0]))
        top = int(np.clip(middle_y - rng.uniform(0.2, 0.8) * SIZE_PX[1], 0, height - SIZE_PX[1]))
    picture = frame.picture[top : top + SIZE_PX[1], left : left + SIZE_PX[0]]
    return TrainingFrame(np.ascontiguousarray(picture), tuple(_moved(face, left, top) for face in frame.faces))


def _moved(face: Label, left: int, top: int) -> Label:
    """The face as a window shows it; what of it the window cuts off is no longer visible."""
    x, y, width, height = face.box_px
    x, y = x - left, y - top
    inside_x = max(0.0, min(x + width, SIZE_PX[0]) - max(x, 0.0)) / max(width, 1e-6)
    inside_y = max(0.0, min(y + height, SIZE_PX[1]) - max(y, 0.0)) / max(height, 1e-6)
    points = face.landmarks_px - np.array([left, top], np.float32)
    return replace(face, box_px=(x, y, width, height), landmarks_px=points, visible=face.visible * inside_x * inside_y)
