"""The street as a camera: every frame when fast, the newest when live, and the truth of what was shown."""

from __future__ import annotations

import functools

import numpy as np
from hwsim.street.camera import StreetCamera
from hwsim.street.compose import StreetComposer, StreetPlan

from tests.fake_clock import FakeClock
from tests.hwsim.drawn_people import draw_portraits


@functools.cache
def street() -> StreetComposer:
    return StreetComposer(draw_portraits(2), StreetPlan(1, 320, 180, 5.0))


def test_a_fast_street_shows_every_frame_with_its_truth():
    clock = FakeClock()
    camera = StreetCamera(street(), "fast", clock, clock.pause)
    camera.open()
    captures = []
    while (capture := camera.read(1.0)) is not None:
        captures.append(capture)
    assert len(captures) == street().header.frames
    assert clock.waits == []
    truth = camera.truth()
    assert [frame.taken_s for frame in truth.frames] == [capture.taken_s for capture in captures]
    assert np.array_equal(captures[7].main, street().frame(7)[0])
    assert captures[7].lores is not None
    assert captures[7].lores.shape == (90, 160, 3)


def test_a_live_street_waits_for_each_frames_time():
    clock = FakeClock()
    camera = StreetCamera(street(), "realtime", clock, clock.pause)
    camera.open()
    for _ in range(4):
        camera.read(1.0)
    assert np.allclose(clock.waits, 0.2)


def test_a_live_street_passes_over_frames_nobody_read_in_time_and_counts_them():
    clock = FakeClock()
    camera = StreetCamera(street(), "realtime", clock, clock.pause)
    camera.open()
    camera.read(1.0)
    clock.advance(0.9)
    late = camera.read(1.0)
    assert late is not None
    assert (late.taken_s, late.frames_skipped) == (0.8, 3)
    assert [frame.frame for frame in camera.truth().frames] == [0, 4]


def test_a_live_street_that_was_slept_through_still_shows_its_last_frame():
    clock = FakeClock()
    camera = StreetCamera(street(), "realtime", clock, clock.pause)
    camera.open()
    camera.read(1.0)
    clock.advance(1000.0)
    last = camera.read(1.0)
    assert last is not None
    assert last.frames_skipped == street().header.frames - 2
    assert camera.read(1.0) is None


def test_truth_outlives_the_close():
    camera = StreetCamera(street(), "fast", FakeClock(), lores=False)
    camera.open()
    assert camera.read(1.0).lores is None
    camera.close()
    assert len(camera.truth().frames) == 1
