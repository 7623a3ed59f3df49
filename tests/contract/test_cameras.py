"""What every camera promises, whichever stands behind it; a new one is one line in BACKENDS."""

from __future__ import annotations

import functools
import itertools
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest
from hwsim.picamera2 import Picamera2, Sensor
from hwsim.street.camera import StreetCamera
from hwsim.street.truth import TruthFrame, TruthHeader
from numpy.typing import NDArray

from edge.clock import SystemClock
from edge.devices import Camera, Capture
from edge.drivers.image_folder import ImageFolder
from edge.drivers.picamera import PiCamera
from edge.drivers.v4l2 import V4l2Camera
from edge.drivers.video_file import VideoFile
from edge.errors import CameraError, CameraVanished
from tests.clips import FRAMES_PER_S, HEIGHT_PX, WIDTH_PX, frame, index_of, write_clip, write_folder

COUNT = 6
TIMEOUT_S = 10.0


def _clip(suffix: str, tmp_path: Path) -> Camera:
    return VideoFile(write_clip(tmp_path / f"clip{suffix}", COUNT), "fast", SystemClock())


def _folder(tmp_path: Path) -> Camera:
    return ImageFolder(write_folder(tmp_path / "pictures", COUNT), FRAMES_PER_S, "fast", SystemClock())


def _picamera(tmp_path: Path) -> Camera:
    device_class = functools.partial(Picamera2, frames=Sensor(frame(index) for index in itertools.count()))
    return PiCamera(WIDTH_PX, HEIGHT_PX, WIDTH_PX // 2, HEIGHT_PX // 2, FRAMES_PER_S, device_class)


def _v4l2(tmp_path: Path) -> Camera:
    device = tmp_path / "video0"
    device.touch()
    return V4l2Camera(device, WIDTH_PX, HEIGHT_PX, FRAMES_PER_S, SystemClock(), lambda _: UsbCapture())


@dataclass(frozen=True)
class Backend:
    """How to make a camera that shows tests.clips.frame(0), frame(1), …, and a missing one of its kind
    (None: it cannot be missing)."""

    make: Callable[[Path], Camera]
    missing: Callable[[Path], Camera] | None
    finite: bool


class UsbCapture:
    """Stands in for cv2.VideoCapture on a device: blocks in read, at 200 frames a second."""

    def __init__(self) -> None:
        self._released = threading.Event()
        self._index = 0

    def isOpened(self) -> bool:
        return True

    def set(self, prop: int, value: float) -> bool:
        return prop != cv2.CAP_PROP_FPS

    def get(self, prop: int) -> float:
        return {cv2.CAP_PROP_FRAME_WIDTH: WIDTH_PX, cv2.CAP_PROP_FRAME_HEIGHT: HEIGHT_PX}.get(prop, 0.0)

    def read(self) -> tuple[bool, NDArray[np.uint8] | None]:
        if self._released.wait(0.005):
            return False, None
        self._index += 1
        return True, frame(self._index - 1)

    def release(self) -> None:
        self._released.set()


class PatternStreet:
    """In place of a composed street: tests.clips.frame(index), and nobody in it."""

    header = TruthHeader(
        seed=1, frames_per_s=FRAMES_PER_S, width_px=WIDTH_PX, height_px=HEIGHT_PX, frames=COUNT, people=()
    )

    def frame(self, index: int) -> tuple[NDArray[np.uint8], TruthFrame]:
        return frame(index), TruthFrame(frame=index, taken_s=index / FRAMES_PER_S, people=())


BACKENDS = {
    "mp4": Backend(functools.partial(_clip, ".mp4"), lambda _: _missing_clip(), finite=True),
    "avi": Backend(functools.partial(_clip, ".avi"), lambda _: _missing_clip(), finite=True),
    "gif": Backend(functools.partial(_clip, ".gif"), lambda _: _missing_clip(), finite=True),
    "folder": Backend(_folder, lambda path: ImageFolder(path / "no", 1.0, "fast", SystemClock()), finite=True),
    "picamera": Backend(_picamera, lambda _: _unplugged_picamera(), finite=False),
    "street": Backend(lambda _: StreetCamera(PatternStreet(), "fast", SystemClock()), None, finite=True),
    "v4l2": Backend(_v4l2, lambda _: V4l2Camera(Path("/dev/video99"), 640, 480, 15, SystemClock()), finite=False),
}


def _missing_clip() -> Camera:
    return VideoFile(Path("/nowhere/clip.mp4"), "fast", SystemClock())


def _unplugged_picamera() -> Camera:
    device_class = functools.partial(Picamera2, frames=Sensor([], vanish_after=0))
    return PiCamera(640, 480, 0, 0, 15, device_class)


@pytest.fixture(params=BACKENDS.values(), ids=BACKENDS.keys())
def backend(request: pytest.FixtureRequest) -> Backend:
    return request.param


@pytest.fixture
def camera(backend: Backend, tmp_path: Path):
    made = backend.make(tmp_path)
    yield made
    made.close()


def read_some(camera: Camera) -> list[Capture]:
    """The next captures, at most COUNT, each given back."""
    captures = []
    while len(captures) < COUNT and (capture := camera.read(TIMEOUT_S)) is not None:
        captures.append(capture)
        capture.release()
    return captures


def test_geometry_is_that_of_the_frames(camera):
    geometry = camera.open()
    capture = camera.read(TIMEOUT_S)
    assert capture.main.shape == (geometry.height_px, geometry.width_px, 3)
    assert (geometry.width_px, geometry.height_px) == (WIDTH_PX, HEIGHT_PX)
    assert geometry.frames_per_s == pytest.approx(FRAMES_PER_S)
    if geometry.lores_width_px:
        assert capture.lores.shape == (geometry.lores_height_px, geometry.lores_width_px, 3)
    else:
        assert capture.lores is None
    capture.release()


def test_pixels_are_bytes_in_the_order_blue_green_red(camera):
    camera.open()
    capture = camera.read(TIMEOUT_S)
    for picture in filter(lambda picture: picture is not None, (capture.main, capture.lores)):
        assert picture.dtype == np.uint8
        blue, green, red = picture[:, : picture.shape[1] // 8].reshape(-1, 3).mean(axis=0)
        assert blue > 170
        assert green < 80
        assert red < 60
    capture.release()


def test_both_streams_show_the_same_instant(camera):
    camera.open()
    for capture in read_some(camera):
        assert capture.lores is None or index_of(capture.lores) == index_of(capture.main)


def test_frames_come_in_order_and_time_goes_on(camera):
    camera.open()
    captures = read_some(camera)
    assert len(captures) == COUNT
    taken_s = [capture.taken_s for capture in captures]
    assert all(earlier < later for earlier, later in itertools.pairwise(taken_s))
    position = -1
    for capture in captures:
        position += 1 + capture.frames_skipped
        assert index_of(capture.main) == position % 12


def test_frames_are_the_readers_own(camera):
    camera.open()
    first = camera.read(TIMEOUT_S)
    index = index_of(first.main)
    read_some(camera)
    assert index_of(first.main) == index
    first.release()


def test_a_finite_source_ends_and_stays_ended(camera, backend):
    if not backend.finite:
        pytest.skip("a live camera has no end")
    camera.open()
    assert len(read_some(camera)) == COUNT
    assert camera.read(TIMEOUT_S) is None
    assert camera.read(TIMEOUT_S) is None


def test_close_is_harmless_before_open_and_twice(camera):
    camera.close()
    camera.open()
    camera.close()
    camera.close()


def test_it_opens_again_after_close(camera, backend):
    camera.open()
    first = camera.read(TIMEOUT_S)
    first.release()
    camera.close()
    camera.open()
    again = camera.read(TIMEOUT_S)
    assert again is not None
    if backend.finite:
        assert (again.taken_s, index_of(again.main)) == (first.taken_s, 0)
    else:
        assert again.taken_s > first.taken_s
    again.release()


def test_opening_an_open_camera_starts_it_anew(camera):
    camera.open()
    camera.open()
    assert len(read_some(camera)) == COUNT


def test_reading_a_closed_camera_is_a_named_error(camera):
    with pytest.raises(CameraVanished, match="not open"):
        camera.read(TIMEOUT_S)
    camera.open()
    camera.close()
    with pytest.raises(CameraVanished, match="not open"):
        camera.read(TIMEOUT_S)


def test_a_missing_source_is_vanished(backend, tmp_path):
    if backend.missing is None:
        pytest.skip("a composed street is never missing")
    camera = backend.missing(tmp_path)
    with pytest.raises(CameraVanished) as caught:
        camera.open()
    assert isinstance(caught.value, CameraError)
    camera.close()


def test_it_has_a_name(camera):
    assert camera.name
