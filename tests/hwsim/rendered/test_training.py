"""Frames to train on: the same for a seed, labelled as they are drawn, of every kind."""

from __future__ import annotations

import functools

import numpy as np
from hwsim.street.rendered.training import BATCH, TRAINING_IDENTITIES, TrainingFrame, sample_frame

SIZE_PX = (320, 256)
SEEDS = range(7 * BATCH, 7 * BATCH + 24)


@functools.cache
def frame(seed: int) -> TrainingFrame:
    return sample_frame(seed, SIZE_PX)


def test_a_seed_gives_the_same_frame_whatever_came_before():
    for seed in (SEEDS[5], SEEDS[0]):
        again = sample_frame(seed, SIZE_PX)
        assert np.array_equal(again.picture, frame(seed).picture)
        assert [label.box_px for label in again.faces] == [label.box_px for label in frame(seed).faces]


def test_pictures_are_of_the_size_asked_for():
    assert frame(SEEDS[0]).picture.shape == (256, 320, 3)
    assert frame(SEEDS[0]).picture.dtype == np.uint8


def test_seeds_bring_empty_frames_and_full_ones_near_faces_and_far_ones():
    counts = [len(frame(seed).faces) for seed in SEEDS]
    widths = [label.box_px[2] for seed in SEEDS for label in frame(seed).faces if label.visible > 0.5]
    assert min(counts) == 0
    assert max(counts) >= 4
    assert min(widths) < 16 < 60 < max(widths)


def test_labels_are_in_order_left_eye_left_mirrored_or_not():
    seen = [label for seed in SEEDS for label in frame(seed).faces if label.facing > 0.8]
    assert len(seen) > 10
    for label in seen:
        eye, other, nose, mouth, other_mouth = label.landmarks_px
        assert eye[0] < other[0]
        assert mouth[0] < other_mouth[0]
        assert eye[1] < nose[1] < mouth[1]


def test_landmarks_lie_in_their_boxes():
    for label in (label for seed in SEEDS for label in frame(seed).faces if label.facing > 0.5):
        left, top, width, height = label.box_px
        assert (label.landmarks_px > (left - 0.1 * width, top - 0.1 * height)).all()
        assert (label.landmarks_px < (left + 1.1 * width, top + 1.1 * height)).all()
        assert 0.0 <= label.visible <= 1.0
        assert label.identity in TRAINING_IDENTITIES
