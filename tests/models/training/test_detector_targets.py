"""Which cells are asked for a face, and which own one."""

from __future__ import annotations

import numpy as np

from models.training.detector_targets import FACE, IGNORED, NONE, Targets, targets_of
from models.training.geometry import STRIDES


def of_one(kind: int, left: float, top: float, width: float, height: float) -> tuple[Targets, ...]:
    boxes = np.array([[[left, top, width, height], [0, 0, 0, 0]]], np.float32)
    landmarks = np.zeros((1, 2, 5, 2), np.float32)
    landmarks[0, 0] = [left + width / 2, top + height / 2]
    return targets_of(np.array([[kind, NONE]], np.int8), boxes, landmarks, 256, 320)


def test_the_cell_under_a_small_face_owns_it_at_the_finest_stride_alone() -> None:
    fine, middle, coarse = of_one(FACE, 100, 60, 16, 18)
    assert fine.owns[0, 69 // 8, 108 // 8] == 1
    assert fine.owns.sum() >= 1
    assert middle.owns.sum() == coarse.owns.sum() == 0


def test_every_size_of_face_is_owned_by_some_stride() -> None:
    for width in np.geomspace(10, 220, 40):
        assert sum(target.owns.sum() for target in of_one(FACE, 40, 20, width, 1.05 * width)) >= 1, width


def test_what_is_ignored_is_not_asked_and_owned_by_nobody() -> None:
    for target, stride in zip(of_one(IGNORED, 96, 64, 64, 64), STRIDES, strict=True):
        assert target.owns.sum() == 0
        assert target.asked[0, 96 // stride, 128 // stride] == 0
        assert target.asked[0, 0, 0] == 1


def test_parts_of_a_large_face_are_no_small_faces() -> None:
    fine, _, coarse = of_one(FACE, 60, 30, 150, 160)
    assert coarse.owns.sum() >= 1
    assert fine.asked.all()
    assert fine.owns.sum() == 0


def test_a_face_a_little_too_large_for_a_stride_is_not_held_against_it() -> None:
    fine, middle, _ = of_one(FACE, 96, 64, 60, 60)
    assert middle.owns.sum() >= 1
    assert fine.owns.sum() == 0
    assert fine.asked[0, 94 // 8, 126 // 8] == 0


def test_of_two_faces_the_nearer_owns_a_cell() -> None:
    boxes = np.array([[[80, 80, 24, 24], [92, 80, 24, 24]]], np.float32)
    landmarks = np.zeros((1, 2, 5, 2), np.float32)
    fine = targets_of(np.full((1, 2), FACE, np.int8), boxes, landmarks, 256, 320)[0]
    for column, box in zip(fine.column, fine.boxes, strict=True):
        centre = (column + 0.5) * 8
        own, other = (abs(centre - (left + 12)) for left in (box[0], 172 - box[0]))
        assert own <= other


def test_faces_outside_the_picture_ask_for_nothing() -> None:
    for target in of_one(FACE, -400, -400, 30, 30):
        assert target.owns.sum() == 0
        assert target.asked.all()
