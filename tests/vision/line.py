"""Both pipeline threads over seeing networks: pictures in, alarms and counts out, every frame's return counted."""

from __future__ import annotations

import threading
from collections import Counter

import numpy as np

from edge.config import DecisionSettings, QualitySettings
from edge.evidence.statistics import Counters
from edge.records import Alarm, DetectedFrame, Frame
from edge.vision.align import Aligner
from edge.vision.decide import Rules
from edge.vision.detect import Detector
from edge.vision.detect_loop import DetectLoop, carry_over, release_dropped
from edge.vision.embed import Embedder
from edge.vision.face_loop import FaceLoop, FaceStages
from edge.vision.mailbox import Mailbox
from edge.vision.quality import QualityGate
from edge.vision.track import Tracker
from tests.fake_clock import FakeClock
from tests.vision.made import (
    SeeingDetector,
    SeeingEmbedder,
    detector_spec,
    embedder_spec,
    gallery_of,
    picture,
)

FRAMES_PER_S = 8.0
WAIT_S = 20.0


class Counted:
    """Makes frames, and counts how often each was given back."""

    def __init__(self) -> None:
        self.released: Counter[int] = Counter()
        self.made = 0

    def frame(self, image: np.ndarray) -> Frame:
        number = self.made
        self.made += 1
        return Frame(number, image, None, number / FRAMES_PER_S, 1000.0, lambda: self.released.update([number]))

    def assert_each_given_back_once(self) -> None:
        assert self.released == Counter(dict.fromkeys(range(self.made), 1))


class Line:
    """Detect and face loop with seeing networks, run one after the other in the test's thread or in their own."""

    def __init__(self, listed: tuple[int, ...] = (1, 2, 3), **rules: float) -> None:
        self.counted = Counted()
        self.clock = FakeClock()
        self.counters = Counters()
        self.alarms: list[Alarm] = []
        self.publish = self.alarms.append
        self.detector, self.embedder = SeeingDetector(), SeeingEmbedder()
        self.gallery = gallery_of(*listed)
        self.frames: Mailbox[Frame] = Mailbox(on_drop=lambda frame: frame.release())
        self.detected: Mailbox[DetectedFrame] = Mailbox(merge=carry_over, on_drop=release_dropped)
        settings = DecisionSettings()
        values = {"threshold": 0.5, "frames_min": 2, "margin_min": 0.03, "cooldown_s": 60.0}
        self.stages = FaceStages(
            gate=QualityGate(QualitySettings()),
            aligner=Aligner(embedder_spec()),
            embedder=Embedder(self.embedder, embedder_spec()),
            gallery=self.gallery,
            rules=Rules(**{**values, **rules}),  # type: ignore[arg-type]
            templates_max=settings.templates_max,
            hits_min=2,
            face_width_min_px=24.0,
        )

    def detect_loop(self, lock_step: bool = True) -> DetectLoop:
        detector = Detector(self.detector, detector_spec())
        return DetectLoop(
            detector, Tracker(2.0), self.frames, self.detected, self.counters, self.clock, lock_step=lock_step
        )

    def face_loop(self) -> FaceLoop:
        return FaceLoop(self.stages, self.detected, lambda alarm: self.publish(alarm), self.counters, self.clock)

    def run(self, *images: np.ndarray) -> None:
        """Every picture through both threads in lock-step; raises what they raised."""
        errors: list[Exception] = []

        def guarded(run) -> None:
            try:
                run()
            except Exception as error:  # noqa: BLE001 (raised again below)
                errors.append(error)

        threads = [threading.Thread(target=guarded, args=(run,)) for run in (self.detect_loop().run, self.faces_run)]
        for thread in threads:
            thread.start()
        for image in images:
            if errors or not self.frames.put_wait(self.counted.frame(image), WhileAlive(threads[0])):
                break
        self.frames.close()
        for thread in threads:
            thread.join(WAIT_S)
            assert not thread.is_alive()
        if errors:
            raise errors[0]

    def faces_run(self) -> None:
        self.face_loop().run()

    def entries(self) -> list[str]:
        return [alarm.match.entry_id for alarm in self.alarms]


class WhileAlive(threading.Event):
    """Set once a thread has died: nobody will take the frame."""

    def __init__(self, thread: threading.Thread) -> None:
        super().__init__()
        self._thread = thread

    def is_set(self) -> bool:
        return not self._thread.is_alive()


def walking(k: int, count: int, top: int = 30) -> list[np.ndarray]:
    return [picture((k, 10 + 5 * index, top, 40)) for index in range(count)]


EMPTY = picture()
GAP = [EMPTY] * 25
"""Longer than a lost passage waits."""
