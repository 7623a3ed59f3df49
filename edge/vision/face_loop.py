"""The comparing thread: the best faces of each passage through quality, align, embed, fuse, search, decide."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from edge.clock import Clock
from edge.errors import LandmarksDegenerate, MailboxClosed
from edge.evidence.statistics import Counters
from edge.records import (
    Alarm,
    DetectedFrame,
    EndedTrack,
    FaceBox,
    Frame,
    Match,
    Quality,
    Reason,
    SearchResult,
    TrackedFace,
    Withheld,
)
from edge.vision.align import Aligner
from edge.vision.crop import crop_match
from edge.vision.decide import Rules, decide
from edge.vision.embed import Embedder
from edge.vision.fuse import Passage
from edge.vision.mailbox import Mailbox
from edge.vision.quality import QualityGate

EMBEDDINGS_PER_FRAME_MAX = 4
"""More faces than this in one frame wait for the next: latency first, and everyone gets a turn."""


class Searched(Protocol):
    """What is searched: a gallery, or whatever holds the one in force."""

    def search(self, probe: NDArray[np.float32], threshold: float) -> SearchResult: ...


@dataclass(frozen=True)
class FaceStages:
    """The stages this thread drives, in their order."""

    gate: QualityGate
    aligner: Aligner
    embedder: Embedder
    gallery: Searched
    rules: Rules
    templates_max: int
    hits_min: int
    face_width_min_px: float


@dataclass
class _View:
    """A face that is worth embedding now."""

    tracked: TrackedFace
    quality: Quality
    passage: Passage


class FaceLoop:
    """Owns every passage and its templates; overwrites them when the passage ends."""

    def __init__(
        self,
        stages: FaceStages,
        detected: Mailbox[DetectedFrame],
        publish: Callable[[Alarm], None],
        counters: Counters,
        clock: Clock,
    ) -> None:
        self._stages = stages
        self._detected = detected
        self._publish = publish
        self._counters = counters
        self._clock = clock
        self._passages: dict[int, Passage] = {}
        self._last_alert_s: dict[str, float] = {}

    def run(self) -> None:
        """Until the mailbox closes; every template is overwritten on the way out, whatever happened."""
        try:
            while True:
                try:
                    item = self._detected.take(timeout_s=1.0)
                except MailboxClosed:
                    return
                if item is not None:
                    self._handle(item)
        finally:
            for passage in self._passages.values():
                passage.wipe()
            self._passages.clear()
            self._detected.abandon()

    def _handle(self, item: DetectedFrame) -> None:
        try:
            if item.frame is not None:
                self._compare(item.frame, item)
                self._counters.frame_processed()
            for ended in item.update.ended:
                self._end(ended)
        finally:
            if item.frame is not None:
                item.frame.release()

    def _compare(self, frame: Frame, item: DetectedFrame) -> None:
        views = [view for tracked in item.update.tracked if (view := self._view(frame, tracked)) is not None]
        views.sort(key=lambda view: (view.passage.frames_fused, -view.quality.score))
        assessed_s = self._clock.monotonic_s()
        for view in views[:EMBEDDINGS_PER_FRAME_MAX]:
            done_s = {"detect": item.detected_s, "quality": assessed_s}
            self._embed_and_decide(frame, item.faces, view, done_s)

    def _view(self, frame: Frame, tracked: TrackedFace) -> _View | None:
        passage = self._passages.get(tracked.track_id)
        if passage is None:
            passage = self._passages[tracked.track_id] = Passage(self._stages.templates_max)
        quality = self._stages.gate.assess(frame.main, tracked.face)
        if quality.refusal is not None:
            passage.refusal = quality.refusal
            return None
        return _View(tracked, quality, passage) if passage.wants(quality.score, frame.taken_s) else None

    def _embed_and_decide(
        self, frame: Frame, faces: tuple[FaceBox, ...], view: _View, done_s: dict[str, float]
    ) -> None:
        stages, passage, face = self._stages, view.passage, view.tracked.face
        try:
            aligned = stages.aligner.align(frame.main, face.landmarks)
        except LandmarksDegenerate:
            passage.refusal = Reason.TURNED_AWAY
            return
        try:
            template = stages.embedder.embed(aligned, view.quality.score, frame.id)
        finally:
            aligned[:] = 0
        passage.add(template, frame.taken_s)
        passage.compared = True
        done_s["embed"] = self._clock.monotonic_s()
        if passage.frames_fused < stages.rules.frames_min:
            passage.decision = Withheld(Reason.TOO_FEW_FRAMES)
            return
        probe = passage.fused()
        try:
            result = stages.gallery.search(probe, stages.rules.threshold)
        finally:
            probe.fill(0)
        done_s["search"] = self._clock.monotonic_s()
        passage.decision = decide(result, passage.frames_fused, self._last_alert_s, frame.taken_s, stages.rules)
        if isinstance(passage.decision, Match):
            self._alert(frame, faces, face, passage, passage.decision, done_s)

    def _alert(
        self,
        frame: Frame,
        faces: tuple[FaceBox, ...],
        face: FaceBox,
        passage: Passage,
        match: Match,
        done_s: dict[str, float],
    ) -> None:
        """Alert once in a passage for an entry; another entry is another person, whose passage begins here."""
        before = passage.alerted
        passage.rest(match, frame.taken_s)
        self._last_alert_s[match.entry_id] = frame.taken_s
        if before is not None and before.entry_id == match.entry_id:
            return
        if before is not None:
            self._counters.passage_ended(True, None)
        others = (other for other in faces if other is not face)
        crop = crop_match(frame.main, face, others)
        self._publish(Alarm(match, face, crop, frame.taken_s, frame.received_s, done_s))

    def _end(self, ended: EndedTrack) -> None:
        passage = self._passages.pop(ended.track_id, None)
        if passage is None:
            self._counters.passage_ended(False, self._unseen_reason(ended))
            return
        passage.wipe()
        if passage.alerted is not None:
            self._counters.passage_ended(True, None)
        elif isinstance(passage.decision, Withheld):
            self._counters.passage_ended(passage.compared, passage.decision.reason)
        else:
            self._counters.passage_ended(False, self._refused_reason(ended, passage))

    def _unseen_reason(self, ended: EndedTrack) -> Reason:
        """Why a passage ended of which no frame reached this thread."""
        small = ended.width_max_px < self._stages.face_width_min_px
        return Reason.TOO_SMALL if small else Reason.TOO_BRIEF

    def _refused_reason(self, ended: EndedTrack, passage: Passage) -> Reason:
        if ended.frames < self._stages.hits_min and passage.refusal is not Reason.TOO_SMALL:
            return Reason.TOO_BRIEF
        return passage.refusal
