"""What a detector finds on frames with truth: recall by size at a rate of false boxes, and how far landmarks are off.

A face is found when a box overlaps its own by half or more (intersection over union). What the truth calls ignored,
and faces below the size in question, count neither way.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge.records import FaceBox
from models.intervals import Interval, clopper_pearson
from models.training.detector_targets import FACE, NONE

OVERLAP_MIN = 0.5
FALSE_BOXES_A_FRAME = 0.1
IGNORED_OVERLAP_MIN = 0.3

LANDMARKS_FROM_PX = 32.0


@dataclass(frozen=True, eq=False)
class Scene:
    """A frame and its truth: image uint8 (h, w, 3) BGR; kinds (f,), boxes (f, 4), landmarks (f, 5, 2), in pixels."""

    image: NDArray[np.uint8]
    kinds: NDArray[np.int8]
    boxes: NDArray[np.float32]
    landmarks: NDArray[np.float32]


@dataclass(frozen=True)
class SizeReport:
    """Faces from `face_min_px` wide. threshold: the lowest with at most FALSE_BOXES_A_FRAME; recall there."""

    face_min_px: float
    faces: int
    found: int
    recall: Interval
    threshold: float
    false_boxes_a_frame: float
    recall_at_half: Interval


@dataclass(frozen=True)
class DetectorReport:
    """landmark_error: mean distance of the five points from the truth, in widths of the box, over found faces of at
    least LANDMARKS_FROM_PX, above the threshold of the first size."""

    frames: int
    sizes: tuple[SizeReport, ...]
    landmark_error: float
    landmark_faces: int


@dataclass(frozen=True)
class _Answer:
    score: float
    truth: int | None
    landmark_error: float


def measure_detector(
    scenes: Iterable[Scene],
    detect: Callable[[NDArray[np.uint8]], Sequence[FaceBox]],
    sizes_px: Sequence[float],
) -> DetectorReport:
    """Run `detect` on every scene. It should give boxes of low scores too: the threshold is chosen here."""
    seen = [(scene, tuple(detect(scene.image))) for scene in scenes]
    reports, error, counted = [], np.nan, 0
    for face_min_px in sizes_px:
        answers = [_judge(scene, found, face_min_px) for scene, found in seen]
        wanted = sum(int(_wanted(scene, face_min_px).sum()) for scene, _ in seen)
        reports.append(_report(answers, wanted, face_min_px))
        if face_min_px == sizes_px[0]:
            limit = reports[0].threshold
            errors = [
                answer.landmark_error
                for (scene, _), frame in zip(seen, answers, strict=True)
                for answer in frame
                if answer.truth is not None
                and answer.score >= limit
                and scene.boxes[answer.truth, 2] >= LANDMARKS_FROM_PX
            ]
            error, counted = (float(np.mean(errors)) if errors else np.nan), len(errors)
    return DetectorReport(len(seen), tuple(reports), float(error), counted)


def _wanted(scene: Scene, face_min_px: float) -> NDArray[np.bool_]:
    return (scene.kinds == FACE) & (scene.boxes[:, 2] >= face_min_px)


def _judge(scene: Scene, found: Sequence[FaceBox], face_min_px: float) -> list[_Answer]:
    """The boxes that count, best first: each finds one face, or none."""
    wanted = _wanted(scene, face_min_px)
    open_faces = wanted.copy()
    excused = (scene.kinds != NONE) & ~wanted
    answers = []
    for face in sorted(found, key=lambda one: -one.score):
        overlaps = _overlaps(face, scene.boxes)
        mine = np.where(open_faces, overlaps, 0.0)
        best = int(mine.argmax()) if len(mine) else -1
        if best >= 0 and mine[best] >= OVERLAP_MIN:
            open_faces[best] = False
            off = np.linalg.norm(face.landmarks - scene.landmarks[best], axis=1).mean() / scene.boxes[best, 2]
            answers.append(_Answer(face.score, best, float(off)))
        elif not (excused & (overlaps >= IGNORED_OVERLAP_MIN)).any():
            answers.append(_Answer(face.score, None, np.nan))
    return answers


def _report(frames: Sequence[Sequence[_Answer]], wanted: int, face_min_px: float) -> SizeReport:
    answers = sorted((answer for frame in frames for answer in frame), key=lambda one: -one.score)
    allowed = FALSE_BOXES_A_FRAME * len(frames)
    false, found, threshold = 0, 0, 1.0
    for score, equal in itertools.groupby(answers, key=lambda one: one.score):
        right = [answer.truth is not None for answer in equal]
        if false + len(right) - sum(right) > allowed:
            break
        false, found, threshold = false + len(right) - sum(right), found + sum(right), score
    at_half = sum(answer.truth is not None and answer.score >= 0.5 for answer in answers)
    return SizeReport(
        face_min_px,
        wanted,
        found,
        clopper_pearson(found, wanted),
        threshold,
        false / len(frames),
        clopper_pearson(at_half, wanted),
    )


def _overlaps(face: FaceBox, boxes: NDArray[np.float32]) -> NDArray[np.float64]:
    """Intersection over union with every box (f, 4): float64 (f,)."""
    near = np.maximum(boxes[:, :2], (face.left_px, face.top_px))
    far = np.minimum(boxes[:, :2] + boxes[:, 2:], (face.left_px + face.width_px, face.top_px + face.height_px))
    shared = np.clip(far - near, 0, None).astype(np.float64).prod(axis=1)
    union = boxes[:, 2:].astype(np.float64).prod(axis=1) + face.width_px * face.height_px - shared
    return np.asarray(shared / np.maximum(union, 1e-9), np.float64)
