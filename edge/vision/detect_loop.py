"""The detecting thread: frames in, passages out, at the camera's pace."""

from __future__ import annotations

import threading

from edge.clock import Clock
from edge.errors import MailboxClosed
from edge.evidence.statistics import Counters
from edge.records import DetectedFrame, Frame, TrackUpdate
from edge.vision.detect import Detector
from edge.vision.mailbox import Mailbox
from edge.vision.track import Tracker


def carry_over(old: DetectedFrame, new: DetectedFrame) -> DetectedFrame:
    """What a frame that is dropped for a newer one leaves to it: that passages ended is always said."""
    update = TrackUpdate(new.update.frame_id, new.update.tracked, old.update.ended + new.update.ended)
    return DetectedFrame(new.frame, new.faces, update, new.detected_s)


def release_dropped(item: DetectedFrame) -> None:
    """Give a dropped frame's buffers back to the camera."""
    if item.frame is not None:
        item.frame.release()


class DetectLoop:
    """Detect, then track; nothing else, so that the newest frame is always the one looked at."""

    def __init__(
        self,
        detector: Detector,
        tracker: Tracker,
        frames: Mailbox[Frame],
        detected: Mailbox[DetectedFrame],
        counters: Counters,
        clock: Clock,
        lock_step: bool,
    ) -> None:
        """lock_step: wait for the next stage instead of dropping (a clip at pace `fast`)."""
        self._detector = detector
        self._tracker = tracker
        self._frames = frames
        self._detected = detected
        self._counters = counters
        self._clock = clock
        self._lock_step = lock_step
        self._never = threading.Event()

    def run(self) -> None:
        """Until the frames' mailbox closes; then every passage is ended, and the next mailbox closed."""
        last_id = 0
        try:
            while (frame := self._take()) is not None:
                last_id = frame.id
                self._pass_on(self._look_at(frame))
                self._counters.frames_dropped("before_detect", self._frames.drops)
                self._counters.frames_dropped("before_embed", self._detected.drops)
        finally:
            self._frames.abandon()
            final = DetectedFrame(None, (), self._tracker.finish(last_id), self._clock.monotonic_s())
            self._detected.put_wait(final, self._never)
            self._detected.close()

    def _take(self) -> Frame | None:
        while True:
            try:
                frame = self._frames.take(timeout_s=1.0)
            except MailboxClosed:
                return None
            if frame is not None:
                return frame

    def _look_at(self, frame: Frame) -> DetectedFrame:
        try:
            faces = self._detector.detect(frame)
            update = self._tracker.update(frame.id, frame.taken_s, faces)
        except Exception:
            frame.release()
            raise
        return DetectedFrame(frame, faces, update, self._clock.monotonic_s())

    def _pass_on(self, item: DetectedFrame) -> None:
        if self._lock_step:
            self._detected.put_wait(item, self._never)
        else:
            self._detected.put(item)
