"""A USB or other Video4Linux camera, through OpenCV; written, not tested on hardware.

OpenCV's read blocks for as long as the driver likes, so a thread of its own reads and keeps the newest frame.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Protocol, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.clock import Clock
from edge.devices import CameraGeometry, Capture
from edge.errors import CameraCorrupt, CameraError, CameraStalled, CameraVanished

_BAD_READS_MAX = 10
_CLOSE_WAIT_S = 2.0


class VideoCapture(Protocol):
    """What is used of cv2.VideoCapture."""

    def isOpened(self) -> bool: ...

    def set(self, prop: int, value: float) -> bool: ...

    def get(self, prop: int) -> float: ...

    def read(self) -> tuple[bool, NDArray[np.uint8] | None]: ...

    def release(self) -> None: ...


def _open_v4l2(device: str) -> VideoCapture:
    return cast(VideoCapture, cv2.VideoCapture(device, cv2.CAP_V4L2))


class V4l2Camera:
    """A camera at /dev/videoN, asked for MJPG and one buffer; taken_s is the clock when a frame came.

    open_capture: opens the device; a parameter, so that the thread's manners can be tested without one.
    """

    def __init__(
        self,
        device: Path,
        width_px: int,
        height_px: int,
        frames_per_s: float,
        clock: Clock,
        open_capture: Callable[[str], VideoCapture] = _open_v4l2,
    ) -> None:
        self.name = str(device)
        self._device = device
        self._wanted = {
            cv2.CAP_PROP_FOURCC: float(cv2.VideoWriter.fourcc(*"MJPG")),
            cv2.CAP_PROP_FRAME_WIDTH: float(width_px),
            cv2.CAP_PROP_FRAME_HEIGHT: float(height_px),
            cv2.CAP_PROP_FPS: frames_per_s,
            cv2.CAP_PROP_BUFFERSIZE: 1.0,
        }
        self._frames_per_s = frames_per_s
        self._clock = clock
        self._open_capture = open_capture
        self._reader: _Reader | None = None

    def open(self) -> CameraGeometry:
        """Start the camera with what it offers nearest to what was asked.

        Raises: CameraVanished when there is no such device or it will not open.
        """
        self.close()
        if not self._device.exists():
            raise CameraVanished(f"camera {self._device} is not there; plug it in, or check camera.path")
        try:
            capture = self._open_capture(str(self._device))
        except cv2.error as error:
            raise CameraVanished(f"camera {self._device} does not open: {error}") from error
        if not capture.isOpened():
            capture.release()
            raise CameraVanished(f"camera {self._device} does not open; another program may hold it")
        for prop, value in self._wanted.items():
            capture.set(prop, value)
        geometry = CameraGeometry(
            int(capture.get(cv2.CAP_PROP_FRAME_WIDTH)),
            int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT)),
            0,
            0,
            capture.get(cv2.CAP_PROP_FPS) or self._frames_per_s,
        )
        self._reader = _Reader(self._device, capture, self._clock)
        self._reader.start()
        return geometry

    def read(self, timeout_s: float) -> Capture:
        """The newest frame not yet read. Raises: CameraStalled, CameraVanished, CameraCorrupt."""
        if self._reader is None:
            raise CameraVanished(f"camera {self._device} is not open")
        return self._reader.take(timeout_s)

    def close(self) -> None:
        """Stop the thread; one that the driver holds fast is left behind, and lets go of the device later."""
        if self._reader is not None:
            self._reader.stop()
        self._reader = None


class _Reader(threading.Thread):
    """Owns the capture from start to release and keeps the newest frame."""

    def __init__(self, device: Path, capture: VideoCapture, clock: Clock) -> None:
        super().__init__(name="v4l2-reader", daemon=True)
        self._device = device
        self._source = capture
        self._clock = clock
        self._changed = threading.Condition()
        self._newest: Capture | None = None
        self._failure: CameraError | None = None
        self._stopping = False

    def take(self, timeout_s: float) -> Capture:
        with self._changed:
            self._changed.wait_for(lambda: self._newest is not None or self._failure is not None, timeout_s)
            newest, self._newest = self._newest, None
            if newest is not None:
                return newest
            if self._failure is not None:
                raise self._failure
        raise CameraStalled(f"camera {self._device} gave no frame for {timeout_s:g} s")

    def stop(self) -> None:
        with self._changed:
            self._stopping = True
        self.join(_CLOSE_WAIT_S)

    def run(self) -> None:
        bad_reads = 0
        try:
            while not self._stopping:
                try:
                    read, main = self._source.read()
                except cv2.error:
                    read, main = False, None
                if read and main is not None and main.ndim == 3:
                    bad_reads = 0
                    self._keep(main)
                    continue
                bad_reads += 1
                if not self._device.exists():
                    return self._fail(CameraVanished(f"camera {self._device} was unplugged"))
                if bad_reads >= _BAD_READS_MAX:
                    return self._fail(
                        CameraCorrupt(f"camera {self._device} gave no picture in {bad_reads} reads; try another cable")
                    )
        finally:
            self._source.release()

    def _keep(self, main: NDArray[np.uint8]) -> None:
        with self._changed:
            skipped = 0 if self._newest is None else self._newest.frames_skipped + 1
            self._newest = Capture(main, None, self._clock.monotonic_s(), frames_skipped=skipped)
            self._changed.notify_all()

    def _fail(self, failure: CameraError) -> None:
        with self._changed:
            self._failure = failure
            self._changed.notify_all()
