"""The pipeline: capture, detect and compare in threads of their own, from the camera's opening to its closing."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from edge.clock import Clock
from edge.config import Settings
from edge.devices import Camera
from edge.evidence.statistics import Counters
from edge.records import Alarm, DetectedFrame, Frame
from edge.vision.capture import CaptureLoop, CaptureOutcome
from edge.vision.decide import Rules
from edge.vision.detect_loop import DetectLoop, carry_over, release_dropped
from edge.vision.enrol import FaceNetworks
from edge.vision.face_loop import FaceLoop, FaceStages, Searched
from edge.vision.mailbox import Mailbox
from edge.vision.quality import QualityGate
from edge.vision.track import Tracker

POLL_S = 0.5


@dataclass(frozen=True)
class PipelineParts:
    """What a pipeline is made of; camera, networks, counters and clock outlive it."""

    settings: Settings
    camera: Camera
    networks: FaceNetworks
    counters: Counters
    clock: Clock


class Pipeline:
    """One opening of the camera. `capture` is for whoever reports how the camera fares."""

    def __init__(
        self, parts: PipelineParts, gallery: Searched, threshold: float, publish: Callable[[Alarm], None]
    ) -> None:
        settings, clock = parts.settings, parts.clock
        self._stop = threading.Event()
        frames: Mailbox[Frame] = Mailbox(on_drop=lambda frame: frame.release())
        detected: Mailbox[DetectedFrame] = Mailbox(merge=carry_over, on_drop=release_dropped)
        self.capture = CaptureLoop(parts.camera, settings.camera, frames, clock)
        self._detect = DetectLoop(
            parts.networks.detector,
            Tracker(settings.tracking.lost_after_s),
            frames,
            detected,
            parts.counters,
            clock,
            settings.camera.pace == "fast",
        )
        stages = _face_stages(settings, parts.networks, gallery, threshold)
        self._faces = FaceLoop(stages, detected, publish, parts.counters, clock)

    def run(self, go_on: Callable[[], bool]) -> CaptureOutcome:
        """Until the source ends, fails for good, or go_on, asked every POLL_S, says no.

        Raises: what the first thread that failed raised.
        """
        threads = _Threads(self._stop)
        threads.start("detect", self._detect.run)
        threads.start("faces", self._faces.run)
        outcomes: list[CaptureOutcome] = []
        threads.start("capture", lambda: outcomes.append(self.capture.run(self._stop)))
        while threads.alive():
            if not go_on():
                self._stop.set()
            threads.join_one(POLL_S)
        threads.raise_first()
        return outcomes[0]


class _Threads:
    """The pipeline's threads; the first that fails stops the others, and its error is raised in the end."""

    def __init__(self, stop: threading.Event) -> None:
        self._stop = stop
        self._threads: list[threading.Thread] = []
        self._errors: list[BaseException] = []

    def start(self, name: str, run: Callable[[], object]) -> None:
        def guarded() -> None:
            try:
                run()
            except Exception as error:  # noqa: BLE001 (raised again by raise_first, in the main thread)
                self._errors.append(error)
                self._stop.set()

        thread = threading.Thread(target=guarded, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def alive(self) -> bool:
        return any(thread.is_alive() for thread in self._threads)

    def join_one(self, timeout_s: float) -> None:
        """Wait a while for the last thread that is still at work."""
        for thread in reversed(self._threads):
            if thread.is_alive():
                thread.join(timeout_s)
                return

    def raise_first(self) -> None:
        if self._errors:
            raise self._errors[0]


def _face_stages(settings: Settings, networks: FaceNetworks, gallery: Searched, threshold: float) -> FaceStages:
    decision = settings.decision
    return FaceStages(
        gate=QualityGate(settings.quality),
        aligner=networks.aligner,
        embedder=networks.embedder,
        gallery=gallery,
        rules=Rules(
            threshold=threshold,
            frames_min=decision.frames_min,
            margin_min=decision.margin_min,
            cooldown_s=decision.cooldown_s,
        ),
        templates_max=decision.templates_max,
        hits_min=settings.tracking.hits_min,
        face_width_min_px=settings.quality.face_width_min_px,
    )
