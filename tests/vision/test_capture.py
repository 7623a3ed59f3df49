"""The capture stage: faults are named, counted and retried within a bound, and no clip is shown twice."""

from __future__ import annotations

import functools
import itertools
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hwsim.picamera2 import Picamera2, Sensor

from edge.camera_choice import open_camera
from edge.config import CameraSettings
from edge.devices import CameraGeometry, Capture
from edge.drivers.image_folder import ImageFolder
from edge.drivers.picamera import PiCamera
from edge.drivers.v4l2 import V4l2Camera
from edge.drivers.video_file import VideoFile
from edge.errors import CameraCorrupt, CameraError, CameraStalled, CameraUnsupported, CameraVanished, MailboxClosed
from edge.records import Frame
from edge.vision.capture import CameraState, CaptureEnd, CaptureLoop
from edge.vision.mailbox import Mailbox
from tests.clips import frame, index_of, write_clip, write_folder
from tests.fake_clock import FakeClock

WAIT_S = 10.0
LIVE = CameraSettings(kind="picamera2", retries_max=3, retry_wait_s=1.0)
CLIP = LIVE.model_copy(update={"kind": "file", "path": Path("clip.mp4")})


class Stop(threading.Event):
    """An event whose waits only move the clock; after `stop_after` of them it is set."""

    def __init__(self, clock: FakeClock, stop_after: int | None = None) -> None:
        super().__init__()
        self._clock = clock
        self._stop_after = stop_after

    def wait(self, timeout: float | None = None) -> bool:
        if not self.is_set():
            self._clock.pause(timeout or 0.0)
            if len(self._clock.waits) == self._stop_after:
                self.set()
        return self.is_set()


class ScriptedCamera:
    """Plays one list per opening: a number skips so many frames and gives one, an error is raised.

    A list that begins with an error fails to open; None is the end.
    """

    name = "scripted"

    def __init__(self, *openings: list[int | CameraError | None]) -> None:
        self._openings = iter(openings)
        self._steps: list[int | CameraError | None] = []
        self.opened = self.closed = self.released = 0
        self._taken = itertools.count()

    def open(self) -> CameraGeometry:
        self.opened += 1
        self._steps = list(next(self._openings))
        if isinstance(self._steps[0], CameraError):
            raise self._steps[0]
        return CameraGeometry(8, 6, 0, 0, 10.0)

    def read(self, timeout_s: float) -> Capture | None:
        step = self._steps.pop(0)
        if isinstance(step, CameraError):
            raise step
        if step is None:
            return None
        pixels = np.zeros((6, 8, 3), np.uint8)
        return Capture(pixels, None, float(next(self._taken)), self._release, frames_skipped=step)

    def close(self) -> None:
        self.closed += 1

    def _release(self) -> None:
        self.released += 1


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def mailbox() -> Mailbox[Frame]:
    return Mailbox(on_drop=lambda dropped: dropped.release())


def run(camera, clock, mailbox, settings=LIVE, stop_after=None):
    loop = CaptureLoop(camera, settings, mailbox, clock)
    return loop, loop.run(Stop(clock, stop_after))


def test_a_camera_that_never_opens_is_retried_with_doubling_waits_and_then_fails(clock, mailbox):
    errors = [CameraVanished(f"attempt {number}") for number in range(4)]
    camera = ScriptedCamera(*([error] for error in errors))
    loop, outcome = run(camera, clock, mailbox)
    assert (outcome.end, outcome.error) == (CaptureEnd.FAILED, errors[-1])
    assert clock.waits == [1.0, 2.0, 4.0]
    assert loop.health.state is CameraState.FAILED
    assert loop.health.last_error == "attempt 3"
    assert (loop.health.retries, loop.health.faults) == (3, {"camera_vanished": 4})


def test_a_good_frame_starts_the_count_of_retries_anew(clock, mailbox):
    openings = [[0, CameraStalled("stall")] for _ in range(6)] + [[CameraVanished("gone")] for _ in range(3)]
    loop, outcome = run(ScriptedCamera(*openings), clock, mailbox)
    assert outcome.end is CaptureEnd.FAILED
    assert clock.waits == [1.0] * 6 + [2.0, 4.0]
    assert loop.health.faults == {"camera_stalled": 6, "camera_vanished": 3}
    assert loop.health.frames_read == 6


def test_waits_stop_doubling_at_a_minute(clock, mailbox):
    settings = LIVE.model_copy(update={"retries_max": 1000})
    run(ScriptedCamera(*([CameraVanished("gone")] for _ in range(1001))), clock, mailbox, settings)
    assert max(clock.waits) == 60.0
    assert len(clock.waits) == 1000


def test_a_missing_driver_is_not_retried(clock, mailbox):
    loop, outcome = run(ScriptedCamera([CameraUnsupported("install it")]), clock, mailbox)
    assert outcome.end is CaptureEnd.FAILED
    assert clock.waits == []
    assert loop.health.faults == {"camera_unsupported": 1}


def test_a_wait_is_interrupted_by_stop(clock, mailbox):
    _, outcome = run(ScriptedCamera([CameraVanished("gone")], [0]), clock, mailbox, stop_after=1)
    assert outcome.end is CaptureEnd.STOPPED


def test_a_clip_that_breaks_off_is_not_played_again(clock, mailbox):
    error = CameraCorrupt("broke off")
    camera = ScriptedCamera([0, 0, error], [0])
    loop, outcome = run(camera, clock, mailbox, CLIP)
    assert (outcome.end, outcome.error) == (CaptureEnd.FAILED, error)
    assert (camera.opened, loop.health.frames_read) == (1, 2)


def test_a_clip_that_does_not_open_is_retried(clock, mailbox):
    _, outcome = run(ScriptedCamera([CameraVanished("not mounted yet")], [0, None]), clock, mailbox, CLIP)
    assert outcome.end is CaptureEnd.ENDED
    assert outcome.error is None


def test_the_end_is_told_and_the_camera_closed(clock, mailbox):
    camera = ScriptedCamera([0, None])
    loop, outcome = run(camera, clock, mailbox, CLIP)
    assert outcome.end is CaptureEnd.ENDED
    assert loop.health.state is CameraState.ENDED
    assert loop.health.last_error is None
    assert camera.closed >= 1
    assert mailbox.take(0).id == 0
    with pytest.raises(MailboxClosed):
        mailbox.take(0)


def test_an_unforeseen_error_closes_camera_and_mailbox_and_is_not_hidden(clock, mailbox):
    camera = ScriptedCamera([0])
    loop = CaptureLoop(camera, LIVE, mailbox, clock)
    with pytest.raises(IndexError):
        loop.run(Stop(clock))
    assert camera.closed >= 1
    assert mailbox.take(0).id == 0
    with pytest.raises(MailboxClosed):
        mailbox.take(0)


def test_frame_ids_count_the_frames_passed_over(clock):
    kept: list[Frame] = []
    mailbox: Mailbox[Frame] = Mailbox(on_drop=kept.append)
    loop, _ = run(ScriptedCamera([0, 2, 0, CameraStalled("stall")], [1, None]), clock, mailbox)
    ids = [dropped.id for dropped in kept] + [mailbox.take(0).id]
    assert ids == [0, 3, 4, 6]
    assert (loop.health.frames_read, loop.health.frames_skipped) == (4, 3)


def test_frames_nobody_takes_are_given_back_once(clock, mailbox):
    camera = ScriptedCamera([0, 0, 0, 0, None])
    run(camera, clock, mailbox)
    assert (camera.released, mailbox.drops) == (3, 3)


def test_frames_carry_the_time_of_reception(clock, mailbox):
    run(ScriptedCamera([0, None]), clock, mailbox)
    received = mailbox.take(0)
    assert (received.taken_s, received.received_s) == (0.0, clock.monotonic_s())


def test_a_closed_mailbox_ends_capture(clock, mailbox):
    mailbox.close()
    camera = ScriptedCamera([0, 0, None])
    _, outcome = run(camera, clock, mailbox)
    assert outcome.end is CaptureEnd.STOPPED
    assert camera.released == 1


def test_pace_fast_loses_no_frame_of_a_clip(clock, mailbox, tmp_path):
    settings = CameraSettings(kind="file", path=write_clip(tmp_path / "clip.mp4", 20), pace="fast")
    loop = CaptureLoop(open_camera(settings, clock), settings, mailbox, clock)
    indices = []
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(loop.run, threading.Event())
        for expected in range(20):
            taken = mailbox.take(WAIT_S)
            assert taken.id == expected
            indices.append(index_of(taken.main))
        assert running.result(WAIT_S).end is CaptureEnd.ENDED
    assert indices == [index % 12 for index in range(20)]
    assert mailbox.drops == 0


def test_a_corrupt_clip_fails_with_its_name(clock, mailbox, tmp_path):
    path = tmp_path / "bad.mp4"
    path.write_bytes(b"no video")
    settings = CLIP.model_copy(update={"path": path})
    loop, outcome = run(open_camera(settings, clock), clock, mailbox, settings)
    assert isinstance(outcome.error, CameraCorrupt)
    assert "bad.mp4" in loop.health.last_error
    assert (loop.health.faults, len(clock.waits)) == ({"camera_corrupt": 4}, 3)


def test_a_picture_broken_in_the_middle_fails_the_folder(clock, mailbox, tmp_path):
    folder = write_folder(tmp_path / "pictures", 3)
    (folder / "001.png").write_bytes(b"no picture")
    settings = CameraSettings(kind="folder", path=folder, pace="realtime")
    loop, outcome = run(open_camera(settings, clock), clock, mailbox, settings)
    assert outcome.end is CaptureEnd.FAILED
    assert "001.png" in loop.health.last_error
    assert loop.health.frames_read == 1


def test_a_stalled_pi_camera_is_opened_again_and_goes_on(clock, mailbox):
    sensor = Sensor((frame(index) for index in itertools.count()), stall_after=2, vanish_after=4)
    settings = LIVE.model_copy(update={"stall_timeout_s": 0.05, "lores_width_px": 0})
    camera = open_camera(settings, clock, functools.partial(Picamera2, frames=sensor))
    loop, outcome = run(camera, clock, mailbox, settings)
    assert isinstance(outcome.error, CameraVanished)
    assert loop.health.frames_read == 4
    assert loop.health.faults == {"camera_stalled": 2, "camera_vanished": 3}


@pytest.mark.parametrize(
    ("kind", "driver"), [("file", VideoFile), ("folder", ImageFolder), ("v4l2", V4l2Camera), ("picamera2", PiCamera)]
)
def test_each_kind_names_its_driver_and_touches_nothing_yet(clock, kind, driver):
    assert isinstance(open_camera(CameraSettings(kind=kind, path=Path("/nowhere")), clock), driver)
