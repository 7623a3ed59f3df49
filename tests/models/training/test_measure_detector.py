"""Recall, false boxes and landmark errors are counted as they are defined."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from edge.records import FaceBox
from models.training.detector_targets import FACE, IGNORED, NONE
from models.training.measure_detector import Scene, measure_detector

POINTS = np.array([[0.3, 0.4], [0.7, 0.4], [0.5, 0.6], [0.35, 0.8], [0.65, 0.8]], np.float32)


def scene(number: int, *faces: tuple[int, float, float, float]) -> Scene:
    """A picture that carries its number, and faces (kind, left, top, width)."""
    kinds = np.array([face[0] for face in faces] + [NONE], np.int8)
    boxes = np.array([[*face[1:], face[3]] for face in faces] + [[0, 0, 0, 0]], np.float32)
    landmarks = boxes[:, None, :2] + POINTS * boxes[:, None, 2:]
    return Scene(np.full((8, 8, 3), number, np.uint8), kinds, boxes, landmarks.astype(np.float32))


def answer(left: float, top: float, width: float, score: float, off: float = 0.0) -> FaceBox:
    points = np.array([left, top], np.float32) + POINTS * np.float32(width) + np.float32([off * width, 0])
    return FaceBox(0, left, top, width, width, score, points)


def detector(*frames: list[FaceBox]):  # type: ignore[no-untyped-def]
    def detect(image: NDArray[np.uint8]) -> list[FaceBox]:
        return frames[int(image[0, 0, 0])]

    return detect


def test_a_perfect_detector_finds_everyone() -> None:
    scenes = [scene(0, (FACE, 10, 10, 40)), scene(1, (FACE, 30, 5, 60))]
    report = measure_detector(scenes, detector([answer(10, 10, 40, 0.9)], [answer(30, 5, 60, 0.7)]), (24,))
    assert (report.sizes[0].found, report.sizes[0].faces) == (2, 2)
    assert report.sizes[0].threshold == 0.7
    assert report.landmark_error == pytest.approx(0, abs=1e-6)


def test_landmark_errors_are_in_widths_of_the_box() -> None:
    report = measure_detector([scene(0, (FACE, 10, 10, 40))], detector([answer(10, 10, 40, 0.9, off=0.05)]), (24,))
    assert report.landmark_error == pytest.approx(0.05, rel=1e-4)
    assert report.landmark_faces == 1


def test_the_threshold_keeps_false_boxes_to_one_in_ten_frames() -> None:
    scenes = [scene(number, (FACE, 10, 10, 40)) for number in range(20)]
    frames = [[answer(10, 10, 40, 0.5 + number / 100), answer(90, 90, 30, number / 100)] for number in range(20)]
    report = measure_detector(scenes, detector(*frames), (24,))
    assert report.sizes[0].false_boxes_a_frame <= 0.1
    assert report.sizes[0].found == 20
    loud = [[answer(10, 10, 40, 0.5), answer(90, 90, 30, 0.9)] for _ in range(20)]
    assert measure_detector(scenes, detector(*loud), (24,)).sizes[0].found == 0


def test_a_second_box_on_one_face_is_false() -> None:
    twice = [answer(10, 10, 40, 0.9), answer(12, 10, 40, 0.8)]
    report = measure_detector([scene(0, (FACE, 10, 10, 40))] * 20, detector(twice), (24,))
    assert report.sizes[0].threshold > 0.8


def test_boxes_on_the_ignored_and_the_small_count_neither_way() -> None:
    frame = [answer(10, 10, 40, 0.9), answer(100, 10, 40, 0.95), answer(10, 100, 12, 0.99)]
    truth = scene(0, (FACE, 10, 10, 40), (IGNORED, 100, 10, 40), (FACE, 10, 100, 12))
    report = measure_detector([truth], detector(frame), (24, 8))
    assert (report.sizes[0].found, report.sizes[0].faces) == (1, 1)
    assert (report.sizes[1].found, report.sizes[1].faces) == (2, 2)
    assert report.sizes[0].false_boxes_a_frame == 0


def test_a_box_beside_a_face_does_not_find_it() -> None:
    report = measure_detector([scene(0, (FACE, 10, 10, 40))], detector([answer(34, 10, 40, 0.9)]), (24,))
    assert report.sizes[0].found == 0
