"""The reading thread of a USB camera, with a stand-in for OpenCV's capture: no device can be opened here."""

from __future__ import annotations

import queue
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from edge.clock import SystemClock
from edge.drivers.v4l2 import V4l2Camera
from edge.errors import CameraCorrupt, CameraStalled, CameraVanished
from tests.clips import frame, index_of

SOON_S = 0.05
WAIT_S = 5.0


class ScriptedCapture:
    """Blocks in read until the test says what comes; counts releases."""

    def __init__(self, opened: bool = True) -> None:
        self.coming: queue.Queue[NDArray[np.uint8] | None] = queue.Queue()
        self.reads: queue.Queue[int] = queue.Queue()
        self.releases = 0
        self._opened = opened
        self._count = 0

    def isOpened(self) -> bool:
        return self._opened

    def set(self, prop: int, value: float) -> bool:
        return True

    def get(self, prop: int) -> float:
        return 0.0

    def read(self) -> tuple[bool, NDArray[np.uint8] | None]:
        self.reads.put(self._count)
        self._count += 1
        picture = self.coming.get(timeout=WAIT_S)
        return picture is not None, picture

    def release(self) -> None:
        self.releases += 1

    def wait_for_read(self, number: int) -> None:
        """Wait until read has been called for the number-th time, from 0: what came before is kept by then."""
        while self.reads.get(timeout=WAIT_S) < number:
            pass


@pytest.fixture
def capture() -> ScriptedCapture:
    return ScriptedCapture()


@pytest.fixture
def camera(tmp_path: Path, capture: ScriptedCapture):
    device = tmp_path / "video0"
    device.touch()
    made = V4l2Camera(device, 640, 480, 15, SystemClock(), lambda _: capture)
    made.open()
    yield made
    capture.coming.put(frame(0))
    made.close()
    assert capture.releases == 1


def test_the_newest_frame_is_given_and_the_older_counted(camera, capture):
    for index in range(4):
        capture.coming.put(frame(index))
    capture.wait_for_read(4)
    newest = camera.read(WAIT_S)
    assert (index_of(newest.main), newest.frames_skipped) == (3, 3)


def test_silence_is_a_stall_and_heals(camera, capture):
    with pytest.raises(CameraStalled, match="video0"):
        camera.read(SOON_S)
    capture.coming.put(frame(1))
    assert index_of(camera.read(WAIT_S).main) == 1


def test_an_unplugged_camera_is_vanished(camera, capture, tmp_path):
    (tmp_path / "video0").unlink()
    capture.coming.put(None)
    with pytest.raises(CameraVanished, match="unplugged"):
        camera.read(WAIT_S)


def test_a_few_bad_pictures_are_passed_over(camera, capture):
    for _ in range(3):
        capture.coming.put(None)
    capture.coming.put(frame(2))
    assert index_of(camera.read(WAIT_S).main) == 2


def test_nothing_but_bad_pictures_is_corrupt(camera, capture):
    for _ in range(10):
        capture.coming.put(None)
    with pytest.raises(CameraCorrupt, match="10 reads"):
        camera.read(WAIT_S)


def test_a_device_that_does_not_open_is_vanished_and_let_go(tmp_path):
    (tmp_path / "video0").touch()
    capture = ScriptedCapture(opened=False)
    camera = V4l2Camera(tmp_path / "video0", 640, 480, 15, SystemClock(), lambda _: capture)
    with pytest.raises(CameraVanished, match="another program"):
        camera.open()
    assert capture.releases == 1


def test_a_file_that_is_no_camera_is_vanished_with_the_real_opencv(tmp_path):
    (tmp_path / "video0").write_bytes(b"no device")
    with pytest.raises(CameraVanished):
        V4l2Camera(tmp_path / "video0", 640, 480, 15, SystemClock()).open()
