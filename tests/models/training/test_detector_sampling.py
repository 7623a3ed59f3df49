"""What a detector is shown: windows with their faces where they are, and places that were taken for faces."""

from __future__ import annotations

import numpy as np
import pytest

from models.training.detector_samples import blank
from models.training.detector_sampling import WINDOW_PX, WholeFrames, Windows
from models.training.detector_targets import FACE, IGNORED, NONE
from models.training.shards import Arrays

FACE_BOXES = ((20.0, 30.0, 14.0, 16.0), (150.0, 80.0, 60.0, 66.0))


def frames() -> Arrays:
    """Two grey frames, with a white box for each face."""
    images = np.full((2, 256, 320, 3), 90, np.uint8)
    kinds, boxes = np.full((2, 3), NONE, np.int8), np.zeros((2, 3, 4), np.float32)
    for row, (left, top, width, height) in enumerate(FACE_BOXES):
        images[row, int(top) : int(top + height), int(left) : int(left + width)] = 250
        kinds[row, 0], boxes[row, 0] = FACE, (left, top, width, height)
    middles = boxes[:, :, None, :2] + boxes[:, :, None, 2:] / 2
    return {"images": images, "kinds": kinds, "boxes": boxes, "landmarks": np.tile(middles, (1, 1, 5, 1))}


@pytest.mark.parametrize("seed", range(40))
def test_a_window_shows_its_faces_where_it_says(seed: int) -> None:
    image, kinds, boxes, landmarks = Windows(frames(), np.empty((0, 4), np.float32)).sample(np.random.default_rng(seed))
    assert image.shape == (WINDOW_PX, WINDOW_PX, 3)
    for face in np.flatnonzero(kinds == FACE):
        x, y = boxes[face, :2] + boxes[face, 2:] / 2
        np.testing.assert_allclose(landmarks[face], np.tile([x, y], (5, 1)), atol=0.01)
        if 0 <= x < WINDOW_PX and 0 <= y < WINDOW_PX:
            assert image[int(y), int(x)].mean() > np.median(image.mean(2))


def test_most_windows_have_a_face_and_faces_of_every_size_come() -> None:
    windows, rng = Windows(frames(), np.empty((0, 4), np.float32)), np.random.default_rng(1)
    samples = [windows.sample(rng) for _ in range(200)]
    widths = np.concatenate([boxes[kinds == FACE, 2] for _, kinds, boxes, _ in samples])
    assert len(widths) > 120
    assert widths.min() < 14
    assert widths.max() > 80


def test_a_place_that_was_taken_for_a_face_comes_into_view() -> None:
    shown = frames()
    shown["images"][0, 198:203, 298:303] = 0
    hard = np.array([[0, 300, 200, 20]], np.float32)
    rng, seen, without = np.random.default_rng(2), 0, 0
    for _ in range(100):
        seen += Windows(shown, hard).sample(rng)[0].min() < 40
        without += Windows(shown, hard[:0]).sample(rng)[0].min() < 40
    assert seen > without + 8


def test_whole_frames_come_as_large_as_they_are() -> None:
    whole, rng = WholeFrames(frames(), 0.5), np.random.default_rng(3)
    for _ in range(20):
        image, kinds, boxes, landmarks = whole.sample(rng)
        assert image.shape == (256, 320, 3)
        assert kinds.shape == (12,)
        assert boxes.shape == (12, 4)
        assert landmarks.shape == (12, 5, 2)


@pytest.mark.parametrize("seed", range(10))
def test_what_a_picture_of_another_shape_leaves_over_is_black_and_holds_no_face(seed: int) -> None:
    one = frames()
    shown = (np.full((256, 320, 3), 90, np.uint8), one["kinds"][1], one["boxes"][1], one["landmarks"][1])
    image, kinds, boxes, _ = blank(shown, np.random.default_rng(seed))
    height, width = (int((image.max((axis, 2)) > 0).sum()) for axis in (1, 0))
    assert (image[:height, :width] == 90).all()
    assert not image[height:].any()
    assert not image[:, width:].any()
    left, top, wide, high = boxes[0]
    inside = max(0.0, min(left + wide, width) - left) * max(0.0, min(top + high, height) - top) / (wide * high)
    assert kinds[0] == (FACE if inside >= 0.65 else IGNORED if inside > 0 else NONE)
