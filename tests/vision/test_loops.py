"""The two threads: one alert a passage, every end said, every frame given back once, no template left behind."""

from __future__ import annotations

import itertools
import threading
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edge.config import DecisionSettings, QualitySettings
from edge.errors import ModelRejected, OutboxFull
from edge.evidence.statistics import Counters
from edge.records import Alarm, DetectedFrame, EndedTrack, Frame, Match, Reason, TrackedFace, TrackUpdate
from edge.vision import face_loop
from edge.vision.align import Aligner
from edge.vision.decide import Rules
from edge.vision.detect import Detector
from edge.vision.detect_loop import DetectLoop, carry_over, release_dropped
from edge.vision.embed import Embedder
from edge.vision.face_loop import EMBEDDINGS_PER_FRAME_MAX, FaceLoop, FaceStages
from edge.vision.fuse import Passage
from edge.vision.mailbox import Mailbox
from edge.vision.quality import QualityGate
from edge.vision.track import Tracker
from tests.fake_clock import FakeClock
from tests.vision.made import (
    SeeingDetector,
    SeeingEmbedder,
    detector_spec,
    embedder_spec,
    entry_of,
    face_at,
    gallery_of,
    picture,
    residue,
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


def test_a_listed_person_alerts_once_a_passage_and_not_once_a_frame():
    line = Line()
    line.run(*walking(2, 20))
    assert line.entries() == [entry_of(2)]
    assert line.alarms[0].match == Match(entry_of(2), pytest.approx(1.0), 0.5, 2)
    line.counted.assert_each_given_back_once()
    statistics = line.counters.snapshot()
    assert (statistics.faces_seen, statistics.faces_compared, statistics.faces_withheld) == (1, 1, {})


def test_a_person_not_listed_never_alerts():
    line = Line()
    line.run(*walking(9, 20))
    assert line.alarms == []
    assert line.counters.snapshot().faces_withheld == {"below_threshold": 1}


def test_several_people_at_once_alert_each_once():
    line = Line()
    line.run(*[picture((1, 5, 10, 40), (9, 60, 10, 40), (2, 110, 10, 40), (3, 20, 70, 40))] * 12)
    assert sorted(line.entries()) == [entry_of(1), entry_of(2), entry_of(3)]
    assert line.counters.snapshot().faces_seen == 4


def test_the_same_person_passing_again_within_the_cooldown_is_withheld_and_after_it_alerts():
    line = Line(cooldown_s=6.0)
    passage = [*walking(1, 10), *GAP]
    line.run(*passage, *passage, *passage)
    assert line.entries() == [entry_of(1)] * 2
    assert line.counters.snapshot().faces_withheld == {"alerted_recently": 1}


def test_unknown_result_never_latches_over_a_later_true_match():
    line = Line()
    unknown = [picture((9, 10 + 5 * index, 30, 40)) for index in range(6)]
    line.run(*unknown, *[picture((2, min(40 + 5 * index, 100), 30, 40)) for index in range(24)])
    assert line.entries() == [entry_of(2)]


def test_swapped_track_does_not_mix_two_people_into_one_alert():
    line = Line(threshold=0.6)
    line.run(*itertools.chain.from_iterable(zip(walking(1, 8), walking(9, 8), strict=True)))
    assert len(line.embedder.handed_out) == 16
    assert line.alarms == []


def test_after_a_swapped_track_the_second_person_alerts_on_their_own_frames():
    line = Line()
    line.run(*walking(9, 4), *[picture((2, 30 + 5 * index, 30, 40)) for index in range(4)])
    (alarm,) = line.alarms
    assert (alarm.match.entry_id, alarm.match.frames_fused) == (entry_of(2), 2)
    assert alarm.match.similarity == pytest.approx(1)


def test_one_frame_is_not_enough():
    line = Line()
    line.run(picture((1, 50, 30, 40)), *GAP)
    assert line.alarms == []
    assert line.counters.snapshot().faces_withheld == {"too_few_frames": 1}


@pytest.mark.parametrize(
    ("images", "reason"),
    [
        ([picture((1, 50, 30, 20))] * 6, Reason.TOO_SMALL),
        ([picture((9, 50, 30, 40))] * 6, Reason.BELOW_THRESHOLD),
    ],
    ids=lambda value: value.name if isinstance(value, Reason) else "",
)
def test_a_passage_without_alert_ends_with_its_reason(images, reason):
    line = Line()
    line.run(*images, *GAP)
    assert line.counters.snapshot().faces_withheld == {reason.value: 1}


def test_the_crop_in_an_alarm_is_of_the_deciding_frame():
    line = Line()
    line.run(*walking(1, 10))
    (alarm,) = line.alarms
    assert alarm.taken_s == alarm.face.frame_id / FRAMES_PER_S
    assert alarm.crop.jpeg.startswith(b"\xff\xd8")
    assert list(alarm.done_s) == ["detect", "quality", "embed", "search"]


# What must not be left


def test_no_template_is_left_when_the_source_ends():
    line = Line()
    line.run(*[picture((1, 5, 10, 40), (9, 60, 10, 40), (8, 110, 60, 40))] * 12)
    assert len(line.embedder.handed_out) > 6
    assert residue(line.embedder.handed_out) == 0


def test_no_template_is_left_once_a_passage_has_ended():
    line = Line()
    left = []
    line.counters.passage_ended = lambda *_: left.append(residue(line.embedder.handed_out))  # type: ignore[method-assign]
    line.run(*walking(9, 10), *GAP, *walking(8, 5))
    assert left[0] == 0


def test_no_template_of_an_alerted_passage_waits_for_its_end():
    line = Line()
    left = []
    line.publish = lambda alarm: left.append(residue(line.embedder.handed_out))
    line.run(*walking(1, 4))
    assert left == [0]


@pytest.mark.parametrize("after", [1, 3, 6])
def test_no_template_is_left_when_the_embedder_fails(after):
    line = Line()
    line.embedder.fails_after = after
    with pytest.raises(ModelRejected):
        line.run(*[picture((8, 5, 10, 40), (9, 100, 60, 40))] * 12)
    assert len(line.embedder.handed_out) == after
    assert residue(line.embedder.handed_out) == 0
    line.counted.assert_each_given_back_once()


def test_neither_template_nor_probe_is_left_when_the_search_fails(monkeypatch):
    line = Line()
    probes = []

    def failing(probe, threshold):
        probes.append(probe)
        raise MemoryError("the search fails, as told")

    monkeypatch.setattr(line.gallery, "search", failing)
    with pytest.raises(MemoryError):
        line.run(*walking(1, 12))
    assert residue([*line.embedder.handed_out, *probes]) == 0
    line.counted.assert_each_given_back_once()


def test_every_probe_is_overwritten_after_its_search(monkeypatch):
    line = Line()
    probes = []
    search = line.gallery.search
    monkeypatch.setattr(line.gallery, "search", lambda probe, threshold: (probes.append(probe), search(probe, 0.5))[1])
    line.run(*walking(9, 12))
    assert len(probes) > 2
    assert residue(probes) == 0


def test_no_aligned_face_is_left(monkeypatch):
    line = Line()
    aligned = []
    align = line.stages.aligner.align
    monkeypatch.setattr(line.stages.aligner, "align", lambda *given: (aligned.append(align(*given)), aligned[-1])[1])
    line.embedder.fails_after = 3
    with pytest.raises(ModelRejected):
        line.run(*walking(9, 12))
    assert len(aligned) == 4
    assert residue(aligned) == 0


def test_frames_are_given_back_once_when_the_detector_fails():
    line = Line()
    line.detector.fails_after = 4
    with pytest.raises(ModelRejected):
        line.run(*walking(1, 12))
    line.counted.assert_each_given_back_once()


def test_frames_are_given_back_once_when_an_alert_cannot_be_published():
    line = Line()

    def full(alarm: Alarm) -> None:
        raise OutboxFull("as told")

    line.publish = full
    with pytest.raises(OutboxFull):
        line.run(*walking(1, 12))
    line.counted.assert_each_given_back_once()
    assert residue(line.embedder.handed_out) == 0


# Drops


def update_of(frame_id: int, *track_ids: int, ended: tuple[int, ...] = ()) -> TrackUpdate:
    tracked = tuple(TrackedFace(each, face_at(10, 10)) for each in track_ids)
    return TrackUpdate(frame_id, tracked, tuple(EndedTrack(each, 3, 40.0) for each in ended))


def test_dropped_updates_still_end_passages():
    line = Line()
    frames = [line.counted.frame(EMPTY) for _ in range(3)]
    for frame, update in zip(
        frames, (update_of(0, ended=(4,)), update_of(1, ended=(5, 6)), update_of(2, ended=(7,))), strict=True
    ):
        line.detected.put(DetectedFrame(frame, (), update, 0.0))
    line.detected.close()
    line.face_loop().run()
    assert line.counters.snapshot().faces_seen == 4
    line.counted.assert_each_given_back_once()


def test_a_passage_of_which_no_frame_came_through_is_counted_by_what_the_tracker_saw():
    line = Line()
    update = TrackUpdate(9, (), (EndedTrack(1, 8, 15.0), EndedTrack(2, 8, 60.0)))
    line.detected.put(DetectedFrame(None, (), update, 0.0))
    line.detected.close()
    line.face_loop().run()
    assert line.counters.snapshot().faces_withheld == {"too_brief": 1, "too_small": 1}


def test_at_the_camera_s_pace_frames_are_dropped_counted_and_given_back():
    line = Line()
    loop = line.detect_loop(lock_step=False)
    for image in walking(1, 5):
        line.frames.put(line.counted.frame(image))
    line.frames.close()
    faces = threading.Thread(target=line.faces_run)
    faces.start()
    loop.run()
    faces.join(WAIT_S)
    line.counted.assert_each_given_back_once()
    statistics = line.counters.snapshot()
    assert statistics.frames_processed == 1
    assert statistics.frames_dropped["before_detect"] == 4
    assert statistics.faces_seen == 1


def test_the_source_s_end_ends_everyone_in_view():
    line = Line()
    line.run(*[picture((8, 5, 10, 40), (9, 100, 60, 40))] * 3)
    assert line.counters.snapshot().faces_seen == 2


def test_more_faces_than_a_frame_s_share_wait_and_everyone_gets_a_turn(monkeypatch):
    people = [(k, 4 + 46 * (k % 4), 4 + 44 * (k // 4), 38) for k in range(8)]
    assert len(people) > EMBEDDINGS_PER_FRAME_MAX
    line = Line(listed=tuple(range(8)))
    embedded = Counter()
    add = Passage.add
    monkeypatch.setattr(Passage, "add", lambda self, t, s: (embedded.update([t.frame_id]), add(self, t, s))[1])
    line.run(*[picture(*people)] * 12)
    assert max(embedded.values()) == EMBEDDINGS_PER_FRAME_MAX
    assert sorted(line.entries()) == [entry_of(k) for k in range(8)]


def test_a_face_without_alignable_landmarks_is_withheld_and_does_not_stop_the_others(monkeypatch):
    line = Line()
    gate = line.stages.gate
    monkeypatch.setattr(
        gate,
        "assess",
        lambda image, face: replace(
            QualityGate(QualitySettings()).assess(image, face_at(face.left_px, face.top_px, face.width_px)),
            refusal=None,
        ),
    )
    flat = replace(face_at(10, 10, 40), landmarks=np.full((5, 2), 30, np.float32))
    good = face_at(100, 60, 40)
    for number in range(3):
        frame = line.counted.frame(picture((9, 10, 10, 40), (1, 100, 60, 40)))
        tracked = (TrackedFace(1, flat), TrackedFace(2, good))
        line.detected.put(DetectedFrame(frame, (flat, good), TrackUpdate(number, tracked, ()), 0.0))
        if number < 2:
            item = line.detected.take(1.0)
            assert item is not None
            loop = loop if number else line.face_loop()  # noqa: F821
            loop._handle(item)
    line.detected.put(DetectedFrame(None, (), update_of(3, ended=(1, 2)), 0.0))
    line.detected.close()
    loop.run()
    assert line.entries() == [entry_of(1)]
    assert line.counters.snapshot().faces_withheld == {"turned_away": 1}


def test_nothing_else_in_the_loop_reads_a_clock_of_its_own():
    assert "import time" not in Path(face_loop.__file__).read_text()
