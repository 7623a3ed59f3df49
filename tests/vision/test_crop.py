"""The crop that leaves the box: the matched face, nobody else's, within its bytes."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.vision import crop as crop_module
from edge.vision.crop import BYSTANDER_GRAY, JPEG_MAX_BYTES, LONGEST_SIDE_PX, crop_match
from tests.vision.made import face_at

RED, GREEN = (0, 0, 250), (0, 250, 0)


def scene(*boxes: tuple[int, int, int, int, tuple[int, int, int]]) -> np.ndarray:
    """640 x 480 px of grey with filled boxes (left, top, width, height, colour)."""
    image = np.full((480, 640, 3), 128, np.uint8)
    for left, top, width, height, colour in boxes:
        image[max(top, 0) : top + height, max(left, 0) : left + width] = colour
    return image


def opened(crop) -> np.ndarray:
    image = cv2.imdecode(np.frombuffer(crop.jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert image.shape == (crop.height_px, crop.width_px, 3)
    return image


def share(image: np.ndarray, colour: tuple[int, int, int]) -> float:
    """The share of pixels near a colour."""
    return float((np.abs(image.astype(int) - colour).max(axis=2) < 60).mean())


def test_the_matched_face_is_in_the_middle_and_whole():
    face = face_at(200, 150, 80, 100)
    image = opened(crop_match(scene((200, 150, 80, 100, GREEN)), face, ()))
    assert image.shape == (160, 128, 3)
    middle = image[40:120, 40:88]
    assert share(middle, GREEN) == 1.0


@pytest.mark.parametrize(("left", "top"), [(290, 150), (110, 150), (200, 260), (200, 30), (280, 250)])
def test_a_bystander_beside_is_painted_over(left, top):
    image = scene((left, top, 80, 100, RED), (200, 150, 80, 100, GREEN))
    face, other = face_at(200, 150, 80, 100), face_at(left, top, 80, 100)
    crop = opened(crop_match(image, face, [other]))
    assert share(crop, RED) == 0
    assert share(crop[40:120, 40:88], GREEN) > 0.97


def test_every_one_of_a_crowd_is_painted_over():
    places = [(110, 150), (290, 150), (200, 40), (200, 260), (120, 60), (285, 255)]
    image = scene(*((x, y, 80, 100, RED) for x, y in places), (200, 150, 80, 100, GREEN))
    crop = crop_match(image, face_at(200, 150, 80, 100), [face_at(x, y, 80, 100) for x, y in places])
    assert share(opened(crop), RED) == 0


def test_hair_and_ears_beyond_a_bystanders_box_are_painted_over_too():
    image = scene((276, 140, 90, 120, RED), (200, 150, 70, 100, GREEN))
    crop = opened(crop_match(image, face_at(200, 150, 70, 100), [face_at(285, 150, 80, 100)]))
    assert share(crop, RED) == 0


def test_a_bystander_behind_does_not_touch_the_matched_face():
    image = scene((180, 130, 140, 160, RED), (200, 150, 80, 100, GREEN))
    crop = opened(crop_match(image, face_at(200, 150, 80, 100), [face_at(180, 130, 140, 160)]))
    assert share(crop, RED) == 0
    assert share(crop[36:124, 30:98], GREEN) > 0.9


def test_a_bystander_whom_the_detector_missed_does_not_show_in_the_corners():
    image = scene((155, 100, 40, 45, RED), (200, 150, 80, 100, GREEN))
    assert share(opened(crop_match(image, face_at(200, 150, 80, 100), ())), RED) < 0.03


def test_a_bystander_elsewhere_changes_nothing():
    image = scene((500, 300, 60, 60, RED), (200, 150, 80, 100, GREEN))
    face = face_at(200, 150, 80, 100)
    assert crop_match(image, face, [face_at(500, 300, 60)]).jpeg == crop_match(image, face, ()).jpeg


@pytest.mark.parametrize(
    ("left", "top"), [(-10, 150), (570, 150), (200, -10), (200, 390), (-10, -10), (570, 390), (0, 0), (560, 380)]
)
def test_a_face_at_the_edge_of_the_picture_is_kept(left, top):
    image = scene((left, top, 80, 100, GREEN))
    crop = opened(crop_match(image, face_at(left, top, 80, 100), ()))
    x0, y0 = max(left - 24, 0), max(top - 30, 0)
    centre = crop[top + 25 - y0 if top > 0 else 0 : top + 75 - y0, left + 20 - x0 if left > 0 else 0 : left + 60 - x0]
    assert share(centre, GREEN) > 0.97


@pytest.mark.parametrize("size", [40, 120, 470])
def test_pure_noise_stays_within_its_bytes(size):
    image = np.random.default_rng(6).integers(0, 256, (480, 640, 3), np.uint8)
    crop = crop_match(image, face_at(80, 5, size), ())
    assert len(crop.jpeg) <= JPEG_MAX_BYTES
    assert max(crop.width_px, crop.height_px) <= LONGEST_SIDE_PX
    opened(crop)


def test_the_hardest_picture_there_is_stays_within_its_bytes():
    image = (np.indices((480, 640)).sum(axis=0) % 2 * 255).astype(np.uint8)[..., None].repeat(3, 2)
    image[..., 1] = np.random.default_rng(7).choice([0, 255], (480, 640))
    image[..., 2] = np.random.default_rng(8).choice([0, 255], (480, 640))
    assert len(crop_match(image, face_at(200, 150, 105, 105), ()).jpeg) <= JPEG_MAX_BYTES


@given(
    left=st.floats(-900, 900),
    top=st.floats(-900, 900),
    width=st.floats(0.1, 1500),
    height=st.floats(0.1, 1500),
    other=st.tuples(st.floats(-900, 900), st.floats(-900, 900), st.floats(0.1, 900)),
)
@settings(max_examples=60)
def test_any_face_gives_a_small_picture(left, top, width, height, other):
    image = scene((0, 0, 320, 480, GREEN))
    crop = crop_match(image, face_at(left, top, width, height), [face_at(*other)])
    assert 1 <= min(crop.width_px, crop.height_px) <= max(crop.width_px, crop.height_px) <= LONGEST_SIDE_PX
    assert len(crop.jpeg) <= JPEG_MAX_BYTES


def test_the_frame_is_not_changed_and_no_copy_of_the_crop_outlives_it(monkeypatch):
    copies = []

    class Watched(np.ndarray):
        def copy(self, order="C"):
            copies.append(np.asarray(self).copy(order))
            return copies[-1]

    image = scene((200, 150, 300, 300, RED))
    before = image.copy()
    crop_module.crop_match(image.view(Watched), face_at(200, 150, 300, 300), ())
    assert np.array_equal(image, before)
    assert len(copies) == 1
    assert not copies[0].any()


def test_paint_is_grey():
    image = scene((290, 150, 80, 100, RED), (200, 150, 80, 100, GREEN))
    crop = opened(crop_match(image, face_at(200, 150, 80, 100), [face_at(290, 150, 80, 100)]))
    assert share(crop[60:100, 112:], (BYSTANDER_GRAY,) * 3) > 0.9
