"""The detector's size is the smallest that finds the narrowest face, for every camera."""

from __future__ import annotations

import pytest

from edge.formats.detector_size import View, narrowest_found_px, size_for
from edge.formats.pack import DetectorSize, DetectorSpec, NetworkInput

SIZES = ((640, 480), (320, 256), (640, 384), (960, 544), (1280, 736))


def spec(face_min_px: float = 16) -> DetectorSpec:
    sizes = tuple(
        DetectorSize(input=NetworkInput(width_px=width, height_px=height, channels="bgr"), files={})
        for width, height in SIZES
    )
    return DetectorSpec(decoder="yunet", face_min_px=face_min_px, score_min=0.6, nms_iou=0.3, sizes=sizes)


@pytest.mark.parametrize(
    ("picture", "small", "face_px", "chosen"),
    [
        ((1280, 720), (1280, 720), 16, (1280, 736)),
        ((1280, 720), (1280, 720), 24, (960, 544)),
        ((1280, 720), (1280, 720), 32, (640, 384)),
        ((1280, 720), (1280, 720), 200, (320, 256)),
        ((1280, 720), (640, 360), 32, (640, 384)),
        ((1280, 720), (640, 360), 64, (320, 256)),
        ((640, 480), (640, 480), 16, (640, 480)),
        ((320, 240), (320, 240), 16, (320, 256)),
        ((3840, 2160), (1920, 1080), 48, (1280, 736)),
    ],
)
def test_smallest_size_that_finds_the_narrowest_face_is_taken(picture, small, face_px, chosen):
    view = View(*picture, *small, face_px)
    size = size_for(spec(), view)
    assert (size.input.width_px, size.input.height_px) == chosen
    assert narrowest_found_px(spec(), size, view) <= face_px * 1.002


def test_small_stream_that_shows_too_little_is_not_enlarged():
    """24 px of 1280 are 12 of 640: no size finds them there, and none larger than the stream finds more."""
    view = View(1280, 720, 640, 360, 24)
    size = size_for(spec(), view)
    assert (size.input.width_px, size.input.height_px) == (640, 384)
    assert narrowest_found_px(spec(), size, view) == 32


def test_largest_is_taken_where_none_is_large_enough():
    view = View(3840, 2160, 3840, 2160, 24)
    assert size_for(spec(), view).input.width_px == 1280
