"""A Raspberry Pi camera through picamera2; written against its source, not tested on hardware.

Both streams come from one request. Its pixels are copied out and the request goes back at once: a copy costs
less than a millisecond, while a buffer held by a slow stage starves the sensor.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
from collections.abc import Callable
from typing import Any, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.devices import CameraGeometry, Capture
from edge.errors import CameraCorrupt, CameraStalled, CameraUnsupported, CameraVanished

_BUFFERS = 6
_TIMED_OUT = (TimeoutError, concurrent.futures.TimeoutError)  # one class only since Python 3.11


def _installed_picamera2() -> Callable[[int], Any]:
    """The Picamera2 class of the operating system. Raises: CameraUnsupported."""
    try:
        from picamera2 import Picamera2
    except ImportError as error:
        raise CameraUnsupported(
            f"picamera2 cannot be imported ({error}); on Raspberry Pi OS: apt install python3-picamera2, and make "
            "the virtual environment with --system-site-packages"
        ) from error
    return cast(Callable[[int], Any], Picamera2)


class PiCamera:
    """Full-resolution BGR, and a smaller stream of the same instant for the detector (lores sizes 0: none).

    picamera2_class: called with a camera number; None takes the installed one at `open`. taken_s is the
    sensor's time stamp.
    """

    def __init__(
        self,
        width_px: int,
        height_px: int,
        lores_width_px: int,
        lores_height_px: int,
        frames_per_s: float,
        picamera2_class: Callable[[int], Any] | None = None,
        camera_number: int = 0,
    ) -> None:
        self.name = f"picamera {camera_number}"
        self._number = camera_number
        self._size = (width_px, height_px)
        self._lores_size = (lores_width_px, lores_height_px)
        self._frames_per_s = frames_per_s
        self._class = picamera2_class
        self._device: Any = None
        self._job: Any = None
        self._has_lores = False
        self._lores_width_px = 0
        self._taken_s: float | None = None

    def open(self) -> CameraGeometry:
        """Start the camera; its sizes are what libcamera made of those asked for.

        Raises: CameraUnsupported when picamera2 is not installed, CameraVanished when there is no such camera,
        another process holds it, or it refuses the configuration.
        """
        self.close()
        device_class = self._class or _installed_picamera2()
        try:
            self._device = device_class(self._number)
        except (RuntimeError, IndexError) as error:
            raise CameraVanished(
                f"{self.name} does not open: {error}; check its cable, and that no other program holds it"
            ) from error
        try:
            return self._start(self._device)
        except (RuntimeError, ValueError) as error:
            self.close()
            raise CameraVanished(f"{self.name} refuses {self._size}, detection {self._lores_size}: {error}") from error

    def read(self, timeout_s: float) -> Capture:
        """The next completed request. Raises: CameraStalled, CameraVanished, CameraCorrupt."""
        if self._device is None:
            raise CameraVanished(f"{self.name} is not open")
        request = self._next_request(timeout_s)
        try:
            main = request.make_array("main")
            lores = self._lores_to_bgr(request.make_array("lores")) if self._has_lores else None
            taken_s = request.get_metadata()["SensorTimestamp"] / 1e9
        except (RuntimeError, ValueError, KeyError, cv2.error) as error:
            raise CameraCorrupt(f"{self.name} gave a request that cannot be read: {error}") from error
        finally:
            request.release()
        skipped = 0
        if self._taken_s is not None:
            skipped = max(0, round((taken_s - self._taken_s) * self._frames_per_s) - 1)
        self._taken_s = taken_s
        return Capture(main, lores, taken_s, frames_skipped=skipped)

    def close(self) -> None:
        """Stop the camera. A job that never ended is cancelled first: the stop would queue up behind it."""
        device, self._device = self._device, None
        if device is None:
            return
        device.cancel_all_and_flush()
        if self._job is not None:
            # A job that ended between the timeout and the cancelling holds a request.
            with contextlib.suppress(concurrent.futures.CancelledError, *_TIMED_OUT):
                device.wait(self._job, timeout=0).release()
            self._job = None
        with contextlib.suppress(RuntimeError):  # a camera whose cable is off may not stop in good order
            device.close()

    def _start(self, device: Any) -> CameraGeometry:
        duration_us = round(1e6 / self._frames_per_s)
        self._has_lores = min(self._lores_size) > 0
        # libcamera's RGB888 names the order in a little-endian word: in memory it is B, G, R.
        configuration = device.create_video_configuration(
            main={"size": self._size, "format": "RGB888"},
            lores={"size": self._lores_size, "format": "YUV420"} if self._has_lores else None,
            buffer_count=_BUFFERS,
            controls={"FrameDurationLimits": (duration_us, duration_us)},
        )
        device.configure(configuration)
        device.start()
        self._taken_s = None
        granted = device.camera_configuration()
        width_px, height_px = granted["main"]["size"]
        lores_width_px, lores_height_px = granted["lores"]["size"] if self._has_lores else (0, 0)
        self._lores_width_px = lores_width_px
        return CameraGeometry(width_px, height_px, lores_width_px, lores_height_px, self._frames_per_s)

    def _next_request(self, timeout_s: float) -> Any:
        """A job that timed out stays in picamera2's queue and would take a request: the next read waits for it."""
        try:
            if self._job is None:
                self._job = self._device.capture_request(wait=False)
            request = self._device.wait(self._job, timeout=timeout_s)
        except _TIMED_OUT as error:
            raise CameraStalled(f"{self.name} gave no frame for {timeout_s:g} s") from error
        except (RuntimeError, concurrent.futures.CancelledError) as error:
            self._job = None
            raise CameraVanished(f"{self.name} stopped: {error}") from error
        self._job = None
        return request

    def _lores_to_bgr(self, yuv: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """BGR (h, w, 3) of planes (h * 3 // 2, stride): the padding converts along and is cut off afterwards."""
        bgr = cv2.cvtColor(yuv, cv2.COLOR_YUV2BGR_I420)
        return np.ascontiguousarray(bgr[:, : self._lores_width_px], dtype=np.uint8)
