"""A Picamera2 look-alike: the part of picamera2 that the camera driver uses, with its manners and its traps.

What it keeps of the original: a bounded pool of requests, counted references, RuntimeError on one release too
many, a sensor starved by requests not given back, padded YUV420 rows, controls that show in the metadata only
when a request comes round again, jobs that stay queued after a timeout, and one opener at a time.
What it does not: time. The sensor makes a frame when somebody asks for one.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Collection, Iterable
from concurrent.futures import CancelledError, Future
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwsim.camera_streams import as_array, as_buffer, laid_out, stream_settings

_FRAME_DURATION_US = 33_333


class Sensor:
    """What stays when a Picamera2 is closed: the view in front of the lens, the time line, and the faults.

    frames: uint8 BGR (h, w, 3) each, scaled to the streams' sizes; when they end, the sensor stalls.
    stall_after: gives no frame after so many, until opened again. vanish_after: is no longer there after so
    many. corrupt: indices of frames whose buffer is short.
    """

    def __init__(
        self,
        frames: Iterable[NDArray[np.uint8]],
        stall_after: int | None = None,
        vanish_after: int | None = None,
        corrupt: Collection[int] = (),
    ) -> None:
        self._frames = iter(frames)
        self._stall_after = stall_after
        self._vanish_after = vanish_after
        self._corrupt = frozenset(corrupt)
        self._stalled = False
        self.frames_made = 0
        self.time_ns = 1_000_000_000
        self.opened = False

    @property
    def present(self) -> bool:
        """Whether the camera is found on the bus."""
        return self._vanish_after is None or self.frames_made < self._vanish_after

    def acquire(self) -> None:
        """Take the camera for one opener. Raises: RuntimeError."""
        if not self.present:
            raise RuntimeError("Camera(s) not found (Do not forget to disable legacy camera with raspi-config).")
        if self.opened:
            raise RuntimeError("Camera __init__ sequence did not complete.")
        self.opened = True
        self._stalled = False

    def expose(self, duration_us: int) -> tuple[NDArray[np.uint8], bool] | None:
        """The next frame and whether its buffer is short; None when there is none."""
        if not self.present or self._stalled:
            return None
        if self.frames_made == self._stall_after:
            self._stalled, self._stall_after = True, None
            return None
        frame = next(self._frames, None)
        if frame is None:
            return None
        self.time_ns += duration_us * 1000
        self.frames_made += 1
        return frame, self.frames_made - 1 in self._corrupt


class Picamera2:
    """Stands in for picamera2.Picamera2; frames: what its sensor sees."""

    def __init__(self, camera_num: int = 0, *, frames: Iterable[NDArray[np.uint8]] | Sensor) -> None:
        self.lock = threading.RLock()
        self.camera_num = camera_num
        self.camera_config: dict[str, Any] | None = None
        self.started = False
        self.stop_count = 0
        self.requests_out = 0
        self._sensor = frames if isinstance(frames, Sensor) else Sensor(frames)
        self._sensor.acquire()
        self._is_open = True
        self._controls: dict[str, Any] = {}
        self._queued: deque[dict[str, Any]] = deque()
        self._jobs: list[Job] = []

    def create_video_configuration(
        self,
        main: dict[str, Any] | None = None,
        lores: dict[str, Any] | None = None,
        buffer_count: int = 6,
        controls: dict[str, Any] | None = None,
        queue: bool = True,
    ) -> dict[str, Any]:
        """A configuration with picamera2's defaults. Raises: ValueError on an unknown stream key."""
        main = stream_settings({"format": "XBGR8888", "size": (1280, 720)}, main or {})
        return {
            "use_case": "video",
            "main": main,
            "lores": None if lores is None else stream_settings({"format": "YUV420", "size": main["size"]}, lores),
            "buffer_count": buffer_count,
            "controls": controls or {},
            "queue": queue,
        }

    def configure(self, camera_config: dict[str, Any]) -> None:
        """Take a configuration. Raises: RuntimeError while started, or when the camera cannot do it."""
        if self.started:
            raise RuntimeError("Camera must be stopped before configuring")
        config = dict(camera_config)
        for name in ("main", "lores"):
            if config[name] is not None:
                config[name] = laid_out(config[name])
        if config["lores"] is not None:
            (width, height), (lores_width, lores_height) = config["main"]["size"], config["lores"]["size"]
            if lores_width > width or lores_height > height:
                raise RuntimeError("lores stream dimensions may not exceed main stream")
        self.camera_config = config
        self._controls = dict(config["controls"])

    def camera_configuration(self) -> dict[str, Any] | None:
        """What `configure` made of the configuration."""
        return self.camera_config

    def set_controls(self, controls: dict[str, Any]) -> None:
        """Set controls; they go out with the next request that is queued."""
        with self.lock:
            self._controls |= controls

    def start(self) -> None:
        """Queue every request of the pool. Raises: RuntimeError when not configured."""
        if self.camera_config is None:
            raise RuntimeError("Camera has not been configured")
        with self.lock:
            self.started = True
            self._queued.extend(dict(self._controls) for _ in range(self.camera_config["buffer_count"]))

    def stop(self) -> None:
        """Stop; like the original, queue up behind the jobs there are, and so hang behind a stuck one."""
        if not self.started:
            return
        with self.lock:
            stuck = list(self._jobs)
        for job in stuck:
            try:
                job.get_result()
            except CancelledError:
                continue
        with self.lock:
            self.started = False
            self.stop_count += 1
            self._queued.clear()

    def close(self) -> None:
        """Stop and let go of the camera. Harmless when closed."""
        if not self._is_open:
            return
        self.stop()
        self._is_open = False
        self._sensor.opened = False

    def capture_request(self, wait: bool | float | None = None) -> Any:
        """The next completed request, or with wait=False the job that will bring it.

        wait: None or True waits for ever, a number so many seconds. Raises: TimeoutError, RuntimeError.
        """
        if not self.started:
            raise RuntimeError("Camera is not started")
        job = Job()
        with self.lock:
            self._jobs.append(job)
            self.run_jobs()
        if wait is False:
            return job
        return job.get_result(None if wait is None or wait is True else wait)

    def wait(self, job: Job, timeout: float | None = None) -> CompletedRequest:
        """The job's result. Raises: TimeoutError; the job stays queued."""
        return job.get_result(timeout)

    def cancel_all_and_flush(self) -> None:
        """Cancel the jobs that wait."""
        with self.lock:
            for job in self._jobs:
                job.cancel()
            self._jobs = []

    def run_jobs(self) -> None:
        """The event loop's turn: give waiting jobs what the sensor completes. Call with the lock held."""
        while self._jobs and self.started and self._queued:
            controls = self._queued[0]
            duration_us = int(controls.get("FrameDurationLimits", (_FRAME_DURATION_US,))[0])
            exposed = self._sensor.expose(duration_us)
            if exposed is None:
                return
            self._queued.popleft()
            self.requests_out += 1
            frame, short = exposed
            metadata = {
                "SensorTimestamp": self._sensor.time_ns,
                "FrameDuration": duration_us,
                "ExposureTime": controls.get("ExposureTime", 10_000),
                "AnalogueGain": controls.get("AnalogueGain", 1.0),
                "Lux": 400.0,
            }
            self._jobs.pop(0).finish(CompletedRequest(self, frame, short, metadata))

    def requeue(self, stop_count: int) -> None:
        """A request came back: queue it again with the controls of now. Call with the lock held."""
        self.requests_out -= 1
        if self.started and stop_count == self.stop_count:
            self._queued.append(dict(self._controls))
            self.run_jobs()


class Job:
    """Stands in for picamera2.job.Job: something the event loop will bring."""

    def __init__(self) -> None:
        self._future: Future[CompletedRequest] = Future()

    def finish(self, request: CompletedRequest) -> None:
        """Bring the request."""
        self._future.set_result(request)

    def get_result(self, timeout: float | None = None) -> CompletedRequest:
        """Wait for the request. Raises: TimeoutError, CancelledError."""
        return self._future.result(timeout)

    def cancel(self) -> None:
        """Make waiting raise CancelledError."""
        self._future.set_exception(CancelledError())


class CompletedRequest:
    """Stands in for picamera2.request.CompletedRequest: one frame in every stream, counted references."""

    def __init__(self, picam2: Picamera2, frame: NDArray[np.uint8], short: bool, metadata: dict[str, Any]) -> None:
        self.picam2 = picam2
        self.ref_count = 1
        self.stop_count = picam2.stop_count
        self.config = dict(picam2.camera_config or {})
        self._frame: NDArray[np.uint8] | None = frame
        self._short = short
        self._metadata = metadata

    def acquire(self) -> None:
        """Keep the request for one more user. Raises: RuntimeError when it has gone back."""
        with self.picam2.lock:
            if self.ref_count == 0:
                raise RuntimeError("CompletedRequest: acquiring lock with ref_count 0")
            self.ref_count += 1

    def release(self) -> None:
        """Give up one use; the last one recycles the request. Raises: RuntimeError on one too many."""
        with self.picam2.lock:
            self.ref_count -= 1
            if self.ref_count < 0:
                raise RuntimeError("CompletedRequest: lock now has negative ref_count")
            if self.ref_count == 0:
                self._frame = None
                self.picam2.requeue(self.stop_count)

    def get_metadata(self) -> dict[str, Any]:
        """SensorTimestamp in ns, ExposureTime in us, AnalogueGain, Lux, FrameDuration in us."""
        return dict(self._metadata)

    def make_buffer(self, name: str) -> NDArray[np.uint8]:
        """A copy of a stream's bytes, uint8 (n,). Raises: RuntimeError when there is no such stream."""
        stream = self.config.get(name)
        if stream is None:
            raise RuntimeError(f"Stream {name!r} is not defined")
        if self._frame is None:
            raise RuntimeError("CompletedRequest: the request has gone back")
        buffer = as_buffer(self._frame, stream)
        return buffer[: buffer.size // 2] if self._short else buffer

    def make_array(self, name: str) -> NDArray[np.uint8]:
        """A stream as (h, w, channels), or for YUV420 as (h * 3 // 2, stride) with its padding.

        Raises: ValueError when the buffer is short.
        """
        return as_array(self.make_buffer(name), self.config[name])
