"""The Raspberry Pi camera's driver against the look-alike, and the look-alike against picamera2's manners."""

from __future__ import annotations

import functools
import itertools
import sys

import numpy as np
import pytest
from hwsim.picamera2 import Picamera2, Sensor

from edge.drivers.picamera import PiCamera
from edge.errors import CameraCorrupt, CameraStalled, CameraUnsupported, CameraVanished
from tests.clips import frame, index_of

SOON_S = 0.05


def endless(**faults) -> Sensor:
    return Sensor((frame(index) for index in itertools.count()), **faults)


class Recorded:
    """Makes look-alikes on one sensor and keeps them, to look at their pools."""

    def __init__(self, sensor: Sensor) -> None:
        self.sensor = sensor
        self.devices: list[Picamera2] = []

    def __call__(self, camera_number: int) -> Picamera2:
        self.devices.append(Picamera2(camera_number, frames=self.sensor))
        return self.devices[-1]


def camera_on(made: Recorded, size=(168, 120), lores=(84, 60)) -> PiCamera:
    return PiCamera(*size, *lores, 10.0, made)


def test_every_request_goes_back_exactly_once():
    made = Recorded(endless())
    camera = camera_on(made)
    camera.open()
    for _ in range(20):
        camera.read(1.0).release()
        assert made.devices[0].requests_out == 0
    camera.close()


@pytest.mark.parametrize("lores", [(84, 60), (128, 96), (100, 62), (168, 120)])
def test_padding_of_the_detection_stream_is_cut_off(lores):
    camera = camera_on(Recorded(endless()), lores=lores)
    geometry = camera.open()
    picture = camera.read(1.0).lores
    assert (geometry.lores_width_px, geometry.lores_height_px) == lores
    assert picture.shape == (lores[1], lores[0], 3)
    assert picture.flags.c_contiguous
    right = picture[:, -8:].reshape(-1, 3).astype(float)
    assert np.abs(right - 20).max() < 6, "the padding's colour shows"
    camera.close()


def test_odd_sizes_are_delivered_as_granted_not_as_asked():
    camera = camera_on(Recorded(endless()), size=(167, 121), lores=(81, 61))
    geometry = camera.open()
    capture = camera.read(1.0)
    assert capture.main.shape == (120, 166, 3) == (geometry.height_px, geometry.width_px, 3)
    assert capture.lores.shape == (60, 80, 3)
    camera.close()


def test_time_is_the_sensors():
    made = Recorded(endless())
    camera = camera_on(made)
    camera.open()
    first = camera.read(1.0).taken_s
    assert camera.read(1.0).taken_s == pytest.approx(first + 0.1)
    assert camera.read(1.0).taken_s == made.sensor.time_ns / 1e9
    camera.close()


def test_frames_lost_by_the_sensor_are_counted_as_skipped():
    made = Recorded(endless())
    camera = camera_on(made)
    camera.open()
    camera.read(1.0)
    made.sensor.time_ns += 300_000_000
    assert camera.read(1.0).frames_skipped == 3
    camera.close()


def test_a_stall_is_named_and_closing_does_not_hang_behind_it():
    made = Recorded(endless(stall_after=2))
    camera = camera_on(made)
    camera.open()
    camera.read(1.0)
    camera.read(1.0)
    for _ in range(2):
        with pytest.raises(CameraStalled, match=r"0\.05 s"):
            camera.read(SOON_S)
    camera.close()
    camera.open()
    assert index_of(camera.read(1.0).main) == 2
    camera.close()


def test_a_frame_that_comes_after_a_stall_is_given_back_too():
    made = Recorded(endless())
    camera = camera_on(made)
    camera.open()
    held = [made.devices[0].capture_request() for _ in range(6)]
    with pytest.raises(CameraStalled):
        camera.read(SOON_S)
    held.pop().release()
    assert index_of(camera.read(1.0).main) == 6
    assert made.devices[0].requests_out == len(held)
    held.append(made.devices[0].capture_request())
    with pytest.raises(CameraStalled):
        camera.read(SOON_S)
    held.pop().release()
    camera.close()
    assert made.devices[0].requests_out == len(held)


def test_a_camera_whose_cable_comes_off_stalls_and_is_gone_when_opened_again():
    camera = camera_on(Recorded(endless(vanish_after=1)))
    camera.open()
    camera.read(1.0)
    with pytest.raises(CameraStalled):
        camera.read(SOON_S)
    with pytest.raises(CameraVanished, match="not found"):
        camera.open()


def test_a_short_buffer_is_corrupt_and_its_request_goes_back():
    made = Recorded(endless(corrupt={1}))
    camera = camera_on(made)
    camera.open()
    camera.read(1.0)
    with pytest.raises(CameraCorrupt):
        camera.read(1.0)
    assert made.devices[0].requests_out == 0
    assert index_of(camera.read(1.0).main) == 2
    camera.close()


def test_a_camera_held_by_another_program_is_vanished():
    sensor = endless()
    other = Picamera2(0, frames=sensor)
    with pytest.raises(CameraVanished, match="no other program"):
        camera_on(Recorded(sensor)).open()
    other.close()


def test_a_refused_configuration_is_a_named_error_and_lets_the_camera_go():
    made = Recorded(endless())
    with pytest.raises(CameraVanished, match="refuses"):
        camera_on(made, lores=(1680, 1200)).open()
    assert not made.sensor.opened


def test_without_picamera2_the_error_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "picamera2", None)
    with pytest.raises(CameraUnsupported, match=r"apt install python3-picamera2.*--system-site-packages"):
        PiCamera(640, 480, 0, 0, 15).open()


@pytest.fixture
def device():
    made = Picamera2(frames=endless())
    made.configure(
        made.create_video_configuration({"size": (168, 120), "format": "RGB888"}, {"size": (84, 60)}, controls={})
    )
    made.start()
    yield made
    made.cancel_all_and_flush()
    made.close()


def test_look_alike_refuses_one_release_too_many(device):
    request = device.capture_request()
    request.acquire()
    request.release()
    request.release()
    with pytest.raises(RuntimeError):
        request.release()
    with pytest.raises(RuntimeError):
        request.make_array("main")


def test_look_alike_starves_when_requests_are_kept(device):
    kept = [device.capture_request(wait=1.0) for _ in range(6)]
    with pytest.raises(TimeoutError):
        device.capture_request(wait=SOON_S)
    device.cancel_all_and_flush()
    kept.pop().release()
    assert index_of(device.capture_request(wait=1.0).make_array("main")) == 6


def test_look_alike_pads_yuv_rows(device):
    request = device.capture_request()
    assert request.make_array("lores").shape == (90, 128)
    assert request.make_array("main").shape == (120, 168, 3)
    request.release()


def test_look_alike_shows_controls_only_when_a_request_comes_round_again(device):
    device.set_controls({"ExposureTime": 4000})
    exposures = []
    for _ in range(8):
        request = device.capture_request()
        exposures.append(request.get_metadata()["ExposureTime"])
        request.release()
    assert exposures == [10_000] * 6 + [4000] * 2


def test_look_alike_has_picamera2s_defaults():
    device = Picamera2(frames=[frame(0)])
    configuration = device.create_video_configuration(lores={})
    assert (configuration["main"]["format"], configuration["lores"]["format"]) == ("XBGR8888", "YUV420")
    assert configuration["buffer_count"] == 6
    device.configure(configuration)
    device.start()
    request = device.capture_request()
    red, green, blue, padding = request.make_array("main")[360, 10]
    assert (red, green, blue, padding) == (10, 40, 220, 255)
    request.release()
    device.close()


def test_look_alike_takes_frames_from_any_iterable():
    device_class = functools.partial(Picamera2, frames=[frame(3)])
    camera = PiCamera(168, 120, 0, 0, 10.0, device_class)
    assert camera.open().lores_width_px == 0
    capture = camera.read(1.0)
    assert capture.lores is None
    assert index_of(capture.main) == 3
    camera.close()
