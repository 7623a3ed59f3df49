"""First stage: keeps the camera open, numbers its frames and hands them on.

A fault closes the camera; it is opened again after doubling waits, so many times in a row at most. A clip or
folder that fails after its first frame is not: it would show everyone twice (docs/decisions/clips-fail-whole.md).
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum

from edge.clock import Clock
from edge.config import CameraSettings
from edge.devices import Camera, CameraGeometry, Capture
from edge.errors import CameraError, CameraUnsupported
from edge.records import Frame
from edge.vision.mailbox import Mailbox

_RETRY_WAIT_MAX_S = 60.0


class CameraState(str, Enum):
    """Where the camera stands; a stopped one has ended."""

    OPENING = "opening"
    DELIVERING = "delivering"
    RETRYING = "retrying"
    FAILED = "failed"
    ENDED = "ended"


@dataclass(frozen=True)
class CameraHealth:
    """What health says of the camera. retries: re-openings in all; faults: count by `CameraError.reason`."""

    state: CameraState = CameraState.OPENING
    last_error: str | None = None
    retries: int = 0
    faults: Mapping[str, int] = field(default_factory=dict)
    frames_read: int = 0
    frames_skipped: int = 0


class CaptureEnd(str, Enum):
    """Why capturing is over."""

    ENDED = "ended"
    FAILED = "failed"
    STOPPED = "stopped"


@dataclass(frozen=True)
class CaptureOutcome:
    """How capturing ended; error is set when it failed."""

    end: CaptureEnd
    error: CameraError | None = None


class CaptureLoop:
    """Reads one camera in the caller's thread and puts frames into a mailbox, which it closes at the end.

    Frame ids count the source's frames from 0, those passed over included, so that in a clip an id is the
    frame's index.
    """

    def __init__(self, camera: Camera, settings: CameraSettings, mailbox: Mailbox[Frame], clock: Clock) -> None:
        self._camera = camera
        self._settings = settings
        self._mailbox = mailbox
        self._clock = clock
        self._finite = settings.kind in ("file", "folder")
        self._retries_in_row = 0
        self._health = CameraHealth()
        self._geometry: CameraGeometry | None = None

    @property
    def health(self) -> CameraHealth:
        """A snapshot; from any thread."""
        return self._health

    @property
    def geometry(self) -> CameraGeometry | None:
        """What the camera delivers; None before it first opened."""
        return self._geometry

    def run(self, stop: threading.Event) -> CaptureOutcome:
        """Capture until the source ends, fails for good, `stop` is set or the mailbox is closed."""
        try:
            outcome = self._keep_delivering(stop)
        finally:
            self._camera.close()
            self._mailbox.close()
        failed = outcome.end is CaptureEnd.FAILED
        self._health = replace(self._health, state=CameraState.FAILED if failed else CameraState.ENDED)
        return outcome

    def _keep_delivering(self, stop: threading.Event) -> CaptureOutcome:
        while not stop.is_set():
            try:
                return self._deliver(stop)
            except CameraError as error:
                self._camera.close()
                self._note_fault(error)
                if not self._may_retry(error):
                    return CaptureOutcome(CaptureEnd.FAILED, error)
            wait_s = self._settings.retry_wait_s * 2.0 ** min(self._retries_in_row, 16)
            if stop.wait(min(wait_s, _RETRY_WAIT_MAX_S)):
                break
            self._retries_in_row += 1
            self._health = replace(self._health, retries=self._health.retries + 1)
        return CaptureOutcome(CaptureEnd.STOPPED)

    def _deliver(self, stop: threading.Event) -> CaptureOutcome:
        """From one opening to the end. Raises: CameraError."""
        self._geometry = self._camera.open()
        while not stop.is_set():
            capture = self._camera.read(self._settings.stall_timeout_s)
            if capture is None:
                return CaptureOutcome(CaptureEnd.ENDED)
            frame = self._number(capture)
            if self._settings.pace == "fast":
                accepted = self._mailbox.put_wait(frame, stop)
            else:
                accepted = self._mailbox.put(frame)
            if not accepted:
                break
        return CaptureOutcome(CaptureEnd.STOPPED)

    def _number(self, capture: Capture) -> Frame:
        self._retries_in_row = 0
        skipped = self._health.frames_skipped + capture.frames_skipped
        frame = Frame(
            id=self._health.frames_read + skipped,
            main=capture.main,
            lores=capture.lores,
            taken_s=capture.taken_s,
            received_s=self._clock.monotonic_s(),
            release=capture.release,
        )
        self._health = replace(
            self._health,
            state=CameraState.DELIVERING,
            frames_read=self._health.frames_read + 1,
            frames_skipped=skipped,
        )
        return frame

    def _note_fault(self, error: CameraError) -> None:
        faults = {**self._health.faults, error.reason: self._health.faults.get(error.reason, 0) + 1}
        self._health = replace(self._health, state=CameraState.RETRYING, last_error=str(error), faults=faults)

    def _may_retry(self, error: CameraError) -> bool:
        if isinstance(error, CameraUnsupported) or (self._finite and self._health.frames_read > 0):
            return False
        return self._retries_in_row < self._settings.retries_max
