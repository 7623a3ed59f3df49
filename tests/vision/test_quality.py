"""The quality gate: each reason to refuse a face, with a picture that has that fault and no other."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.config import QualitySettings
from edge.records import Reason
from edge.vision.quality import QualityGate, turn_of_head
from tests.vision.made import face_at

SETTINGS = QualitySettings()


def street(level: float = 128, contrast: float = 40) -> np.ndarray:
    """400 x 300 px of grain around a level."""
    grain = np.random.default_rng(8).normal(level, contrast, (300, 400, 3))
    return np.clip(grain, 0, 255).astype(np.uint8)


def assess(image: np.ndarray, face=None, **settings):
    gate = QualityGate(SETTINGS.model_copy(update=settings))
    return gate.assess(image, face_at(100, 80, 60) if face is None else face)


def turned(face, nose_offset: float):
    """The face with its nose moved sideways, in half eye distances."""
    points = face.landmarks.copy()
    points[2, 0] += nose_offset * (points[1, 0] - points[0, 0]) / 2
    return replace(face, landmarks=points)


def test_a_sharp_frontal_well_lit_face_passes():
    quality = assess(street())
    assert quality.refusal is None
    assert quality.width_px == 60
    assert 0 < quality.score <= 1


@pytest.mark.parametrize(("width_px", "refused"), [(23.9, True), (24.0, False), (15.0, True)])
def test_narrow_face_is_too_small(width_px, refused):
    quality = assess(street(), face_at(100, 80, width_px))
    assert quality.refusal is (Reason.TOO_SMALL if refused else None)


def test_blurred_face_is_too_blurred():
    quality = assess(cv2.GaussianBlur(street(), (0, 0), 6))
    assert quality.refusal is Reason.TOO_BLURRED


@pytest.mark.parametrize(("offset", "refused"), [(0.0, False), (0.5, False), (0.6, True), (-0.6, True), (3.0, True)])
def test_profile_is_turned_away_to_either_side(offset, refused):
    quality = assess(street(), turned(face_at(100, 80, 60), offset))
    assert quality.refusal is (Reason.TURNED_AWAY if refused else None)


@pytest.mark.parametrize("level", [8, 250])
def test_dark_and_glaring_faces_are_badly_exposed(level):
    assert assess(street(level, 8)).refusal is Reason.BADLY_EXPOSED


@pytest.mark.parametrize(("left", "top"), [(-20, 80), (360, 80), (100, -30), (100, 262)])
def test_face_with_a_landmark_outside_is_cut_by_the_edge(left, top):
    assert assess(street(), face_at(left, top, 60)).refusal is Reason.CUT_BY_EDGE


@pytest.mark.parametrize(("left", "top"), [(-500, 80), (900, 80), (100, -400), (398, 100)])
def test_face_outside_the_picture_is_cut_by_the_edge_and_no_crash(left, top):
    quality = assess(street(), face_at(left, top, 60))
    assert quality.refusal is Reason.CUT_BY_EDGE
    assert 0 <= quality.score <= 1


def test_face_whose_box_but_no_landmark_leaves_the_picture_passes():
    assert assess(street(), face_at(-10, 80, 60)).refusal is None


def test_sharpness_does_not_grow_with_size_alone():
    small = cv2.GaussianBlur(street(contrast=200), (0, 0), 2)
    large = cv2.resize(small, None, fx=3, fy=3, interpolation=cv2.INTER_CUBIC)
    near = assess(small, face_at(100, 80, 64))
    far = assess(large, face_at(300, 240, 192))
    assert far.sharpness == pytest.approx(near.sharpness, rel=0.35)


def test_wider_sharper_and_more_frontal_faces_score_higher():
    best = assess(street(), face_at(100, 80, 80)).score
    assert best > assess(street(), face_at(100, 80, 40)).score
    assert best > assess(street(), turned(face_at(100, 80, 80), 0.4)).score
    assert best > assess(cv2.GaussianBlur(street(), (0, 0), 3), face_at(100, 80, 80)).score


@given(
    left=st.floats(-600, 600),
    top=st.floats(-600, 600),
    width=st.floats(0.01, 2000),
    height=st.floats(0.01, 2000),
    offset=st.floats(-10, 10),
)
def test_any_face_gets_a_score_from_0_to_1(left, top, width, height, offset):
    quality = assess(street(), turned(face_at(left, top, width, height), offset))
    assert 0 <= quality.score <= 1
    assert 0 <= quality.yaw <= 1


@given(st.floats(-np.pi, np.pi), st.floats(1, 500), st.floats(0, 1))
def test_turn_of_head_is_the_same_for_a_tilted_and_for_a_larger_face(tilt, size, offset):
    upright = turned(face_at(0, 0, 100), offset).landmarks
    rotation = np.array([[np.cos(tilt), -np.sin(tilt)], [np.sin(tilt), np.cos(tilt)]], np.float32)
    moved = (upright @ rotation.T) * np.float32(size / 100) + np.float32(300)
    assert turn_of_head(moved) == pytest.approx(turn_of_head(upright), abs=0.02)


def test_eyes_in_one_point_are_a_profile():
    points = face_at(0, 0, 50).landmarks.copy()
    points[1] = points[0]
    assert turn_of_head(points) == 1.0
