"""Align: the least-squares similarity, exactly where there is an exact one, and never a mirror."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.errors import LandmarksDegenerate
from edge.vision.align import Aligner, similarity_transform
from tests.vision.made import ALIGNED_PX, POINTS, embedder_spec


def similarity(scale: float, turn: float, x: float, y: float) -> np.ndarray:
    """(2, 3)."""
    cos, sin = scale * np.cos(turn), scale * np.sin(turn)
    return np.array([[cos, -sin, x], [sin, cos, y]])


def applied(matrix: np.ndarray, points: np.ndarray) -> np.ndarray:
    return points @ matrix[:, :2].T + matrix[:, 2]


@given(
    scale=st.floats(0.05, 20),
    turn=st.floats(-np.pi, np.pi),
    x=st.floats(-2000, 2000),
    y=st.floats(-2000, 2000),
)
def test_a_known_similarity_is_recovered(scale, turn, x, y):
    source = POINTS.astype(np.float64) * 100
    matrix = similarity(scale, turn, x, y)
    assert similarity_transform(source, applied(matrix, source)) == pytest.approx(matrix, abs=1e-9 * (1 + abs(x + y)))


@given(st.integers(0, 2**32 - 1))
def test_no_other_similarity_brings_the_points_nearer(seed):
    random = np.random.default_rng(seed)
    source, target = random.normal(0, 30, (5, 2)), random.normal(0, 30, (5, 2))
    matrix = similarity_transform(source, target)
    best = ((applied(matrix, source) - target) ** 2).sum()
    for _ in range(20):
        nudge = similarity(random.normal(0, 0.01), random.normal(0, 3), *random.normal(0, 1, 2))
        assert ((applied(matrix + nudge, source) - target) ** 2).sum() >= best - 1e-9


@given(st.integers(0, 2**32 - 1))
def test_a_mirrored_face_is_never_mirrored_back(seed):
    random = np.random.default_rng(seed)
    source = random.normal(0, 30, (5, 2))
    matrix = similarity_transform(source, source * [-1, 1])
    a, b, c, d = matrix[0, 0], matrix[0, 1], matrix[1, 0], matrix[1, 1]
    assert (a, b) == pytest.approx((d, -c))
    assert a * d - b * c >= 0


@pytest.mark.parametrize(
    "points",
    [np.zeros((5, 2)), np.full((5, 2), 731.25), np.full((5, 2), np.nan), np.full((5, 2), np.inf)],
    ids=["origin", "elsewhere", "nan", "inf"],
)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_landmarks_in_one_point_are_degenerate(points):
    with pytest.raises(LandmarksDegenerate):
        Aligner(embedder_spec()).align(np.zeros((40, 40, 3), np.uint8), points.astype(np.float32))


@pytest.mark.parametrize("turn", [0.0, 0.4, -1.2])
def test_landmarks_come_to_lie_where_the_embedder_wants_them(turn):
    image = np.zeros((300, 400, 3), np.uint8)
    landmarks = applied(similarity(90, turn, 170, 80), POINTS).astype(np.float32)
    for x, y in landmarks:
        cv2.circle(image, (round(float(x)), round(float(y))), 5, (255, 255, 255), -1)
    aligned = Aligner(embedder_spec()).align(image, landmarks)
    assert (aligned.shape, aligned.dtype) == ((ALIGNED_PX, ALIGNED_PX, 3), np.uint8)
    for x, y in POINTS * ALIGNED_PX:
        assert aligned[round(float(y)), round(float(x))].min() > 150


def test_what_lies_beyond_the_picture_is_its_edge_and_not_black():
    image = np.full((30, 30, 3), 90, np.uint8)
    aligned = Aligner(embedder_spec()).align(image, POINTS * 60 - 20)
    assert aligned.min() == aligned.max() == 90


def test_picture_is_not_changed_by_aligning():
    image = np.random.default_rng(3).integers(0, 256, (80, 80, 3), np.uint8)
    before = image.copy()
    Aligner(embedder_spec()).align(image, POINTS * 50)
    assert np.array_equal(image, before)
