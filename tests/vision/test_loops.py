"""The two threads: one alert a passage, every end said, every frame given back once."""

from __future__ import annotations

import itertools
import threading
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edge.config import QualitySettings
from edge.records import DetectedFrame, EndedTrack, Match, Reason, TrackedFace, TrackUpdate
from edge.vision import face_loop
from edge.vision.face_loop import EMBEDDINGS_PER_FRAME_MAX
from edge.vision.fuse import REST_S, Passage
from edge.vision.quality import QualityGate
from tests.vision.line import EMPTY, FRAMES_PER_S, GAP, WAIT_S, Line, walking
from tests.vision.made import (
    entry_of,
    face_at,
    picture,
)


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


def test_someone_to_whom_an_alerted_track_passes_on_alerts_too():
    line = Line()
    frames = int(FRAMES_PER_S * (REST_S + 2))
    line.run(*[picture((1, 40, 30, 40))] * 4, *[picture((2, 40, 30, 40))] * frames)
    assert line.entries() == [entry_of(1), entry_of(2)]
    statistics = line.counters.snapshot()
    assert (statistics.faces_seen, statistics.faces_withheld) == (2, {})


def test_a_person_who_stays_beyond_the_cooldown_alerts_no_second_time_in_one_passage():
    line = Line(cooldown_s=2.0)
    line.run(*[picture((1, 40, 30, 40))] * int(FRAMES_PER_S * 10))
    assert line.entries() == [entry_of(1)]
    assert line.counters.snapshot().faces_seen == 1


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
