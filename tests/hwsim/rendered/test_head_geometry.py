"""Built heads: landmarks lie on the face and on its features, move with them, and boxes are a face's size."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hwsim.street.rendered.head.head import build_head
from hwsim.street.rendered.head.identity import Identity, sample_identity
from hwsim.street.rendered.head.lens import Pose
from hwsim.street.rendered.head.look import neutral_look
from hwsim.street.rendered.head.portrait import render_face
from hwsim.street.rendered.head.warp import Expression
from hwsim.street.rendered.light import even_light
from hwsim.street.view import FACE_WIDTH_M

SEEDS = (3, 17, 29)
POSES = (Pose(), Pose(yaw_deg=30), Pose(-25, 12, 8), Pose(roll_deg=-15, distance_cm=90))
SIDE_PX, FACE_PX = 240, 150.0
PX_A_CM = FACE_PX / (100 * FACE_WIDTH_M)


def picture(identity: Identity, pose: Pose):
    return render_face(
        identity, neutral_look(identity), pose, even_light(), SIDE_PX, SIDE_PX, face_width_px=FACE_PX, supersampling=1
    )


def bald(seed: int) -> Identity:
    """Somebody whose hair covers no feature."""
    identity = sample_identity(seed)
    return replace(
        identity,
        hairstyle=replace(identity.hairstyle, cut="bald"),
        beard=replace(identity.beard, cut="none", density=0.0),
    )


def changed_places(identity: Identity, pose: Pose, **complexion: object) -> tuple[np.ndarray, np.ndarray]:
    """Columns and rows of the pixels that another complexion changes, and the landmarks."""
    other = replace(identity, complexion=replace(identity.complexion, **complexion))
    before, after = picture(identity, pose), picture(other, pose)
    rows, columns = np.nonzero(np.abs(before.pixels - after.pixels).max(2) > 0.02)
    return np.stack([columns, rows], 1) + 0.5, before.landmarks_px


@pytest.mark.parametrize("seed", SEEDS)
def test_landmarks_lie_on_the_face(seed: int):
    head = build_head(person := sample_identity(seed), neutral_look(person))
    face = head.parts[0].vertices
    for landmark in head.landmarks_cm:
        assert np.linalg.norm(face - landmark, axis=1).min() < 0.35


@pytest.mark.parametrize("pose", POSES, ids=str)
@pytest.mark.parametrize("seed", SEEDS)
def test_eye_landmarks_lie_in_the_irises_in_every_pose(seed: int, pose: Pose):
    places, landmarks = changed_places(bald(seed), pose, iris=np.array([0.0, 0.9, 0.0]), lid_open_cm=0.6)
    for eye in landmarks[:2]:
        near = places[np.linalg.norm(places - eye, axis=1) < 1.3 * PX_A_CM]
        assert len(near) > 10
        assert np.linalg.norm(near.mean(0) - eye) < 0.35 * PX_A_CM


@pytest.mark.parametrize("pose", POSES, ids=str)
@pytest.mark.parametrize("seed", SEEDS)
def test_mouth_landmarks_lie_at_the_lips_ends_in_every_pose(seed: int, pose: Pose):
    identity = bald(seed)
    identity = replace(identity, shape=replace(identity.shape, upper_lip_cm=0.5, lower_lip_cm=0.5))
    places, landmarks = changed_places(identity, pose, lip_red=-30.0)
    along = (landmarks[4] - landmarks[3]) / np.linalg.norm(landmarks[4] - landmarks[3])
    reach = (places - landmarks[3]) @ along / ((landmarks[4] - landmarks[3]) @ along)
    assert -0.12 < np.quantile(reach, 0.01) < 0.15
    assert 0.85 < np.quantile(reach, 0.99) < 1.12


@pytest.mark.parametrize("seed", SEEDS)
def test_nose_landmark_is_the_foremost_point_of_the_nose(seed: int):
    head = build_head(person := sample_identity(seed), neutral_look(person))
    tip, face = head.landmarks_cm[2], head.parts[0].vertices
    nose = face[(np.abs(face[:, 0] - tip[0]) < 1.5) & (np.abs(face[:, 1] - tip[1]) < 1.5)]
    assert tip[2] > nose[:, 2].max() - 0.35


def test_landmarks_go_left_to_right_and_top_to_bottom():
    for seed in SEEDS:
        left_eye, right_eye, nose, left_mouth, right_mouth = picture(sample_identity(seed), Pose()).landmarks_px
        assert left_eye[0] < nose[0] < right_eye[0]
        assert left_mouth[0] < nose[0] < right_mouth[0]
        assert max(left_eye[1], right_eye[1]) < nose[1] < min(left_mouth[1], right_mouth[1])


def test_a_smile_draws_the_mouth_wider_and_an_open_jaw_lowers_the_chin():
    person = sample_identity(5)
    look = neutral_look(person)
    rest = build_head(person, look)
    smiling = build_head(person, replace(look, expression=Expression(smile=1.0)))
    gaping = build_head(person, replace(look, expression=Expression(jaw=1.0)))
    assert np.ptp(smiling.landmarks_cm[3:, 0]) > np.ptp(rest.landmarks_cm[3:, 0]) + 0.4
    assert gaping.face_cm[:, 1].min() < rest.face_cm[:, 1].min() - 0.4
    np.testing.assert_allclose(smiling.landmarks_cm[:2], rest.landmarks_cm[:2], atol=0.02)


def test_face_boxes_are_as_wide_as_the_street_takes_faces_to_be():
    widths = []
    for seed in range(12):
        box = picture(person := sample_identity(seed), Pose())
        left, top, right, bottom = box.box_px
        widths.append((right - left) / FACE_PX)
        assert 0.9 < (bottom - top) / (right - left) < 1.5, person.seed
        assert (box.landmarks_px > (left, top)).all(), person.seed
        assert (box.landmarks_px < (right, bottom)).all(), person.seed
    assert abs(np.mean(widths) - 1) < 0.05
    assert np.ptp(widths) < 0.35


def test_turning_yaw_moves_the_nose_to_the_pictures_right_and_pitch_moves_it_down():
    person = sample_identity(8)
    straight, turned, bowed = (picture(person, pose).landmarks_px for pose in (Pose(), Pose(20), Pose(0, 15)))
    middle = slice(0, 2)
    assert (turned[2] - turned[middle].mean(0))[0] > (straight[2] - straight[middle].mean(0))[0] + PX_A_CM
    assert (bowed[2] - bowed[middle].mean(0))[1] > (straight[2] - straight[middle].mean(0))[1] + 0.5 * PX_A_CM
