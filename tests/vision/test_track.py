"""Tracking: who is one passage, and that every passage's end is said, once."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.records import FaceBox, TrackUpdate
from edge.vision.track import Tracker
from tests.vision.made import face_at

STEP_S = 0.1
LOST_AFTER_S = 2.0


def centred(x: float, y: float = 100.0, width_px: float = 40.0) -> FaceBox:
    return face_at(x - width_px / 2, y - width_px / 2, width_px)


def ids(update: TrackUpdate) -> list[int]:
    return [tracked.track_id for tracked in update.tracked]


def ended(update: TrackUpdate) -> list[int]:
    return [track.track_id for track in update.ended]


@pytest.fixture
def tracker() -> Tracker:
    return Tracker(LOST_AFTER_S)


def walk(tracker: Tracker, *paths, frames: int = 20, start: int = 0) -> list[list[int]]:
    """Ids by frame of people, each path a function of the time in seconds that gives a face or None."""
    said = []
    for index in range(start, start + frames):
        faces = tuple(face for path in paths if (face := path(index * STEP_S)) is not None)
        said.append(ids(tracker.update(index, index * STEP_S, faces)))
    return said


def test_one_person_walking_is_one_passage(tracker):
    assert walk(tracker, lambda s: centred(50 + 120 * s)) == [[1]] * 20


def test_a_face_that_grows_as_it_comes_nearer_is_one_passage(tracker):
    assert walk(tracker, lambda s: centred(300 + 20 * s, width_px=20 * 1.8**s), frames=30) == [[1]] * 30


def test_people_walking_side_by_side_keep_their_passages(tracker):
    said = walk(tracker, lambda s: centred(50 + 100 * s), lambda s: centred(95 + 100 * s))
    assert said == [[1, 2]] * 20


def test_people_who_cross_keep_their_passages(tracker):
    said = walk(tracker, lambda s: centred(50 + 150 * s, 100), lambda s: centred(450 - 150 * s, 118), frames=27)
    assert said == [[1, 2]] * 27


def test_people_who_cross_and_hide_one_another_keep_their_passages(tracker):
    def behind(s: float) -> FaceBox | None:
        return None if 1.1 < s < 1.6 else centred(450 - 150 * s, 110)

    said = walk(tracker, lambda s: centred(50 + 150 * s), behind, frames=27)
    assert set(said[-1]) == set(said[0]) == {1, 2}
    assert said[-1] == said[0]


@pytest.mark.parametrize("missed", [1, 4, 9, 18])
def test_a_face_missed_for_less_than_the_waiting_time_is_the_same_passage(tracker, missed):
    walk(tracker, lambda s: centred(100 + 10 * s), frames=5)
    for index in range(5, 5 + missed):
        assert ended(tracker.update(index, index * STEP_S, ())) == []
    assert walk(tracker, lambda s: centred(100 + 10 * s), frames=1, start=5 + missed) == [[1]]


def test_a_passage_ends_when_it_was_unseen_for_longer_than_the_waiting_time(tracker):
    tracker.update(0, 0.0, (centred(100, width_px=30), centred(300)))
    tracker.update(1, 0.1, (centred(100, width_px=36), centred(300)))
    tracker.update(2, 1.0, (centred(300),))
    assert ended(tracker.update(3, 2.1, (centred(300),))) == []
    (track,) = tracker.update(4, 2.11, (centred(300),)).ended
    assert (track.track_id, track.frames, track.width_max_px) == (1, 2, 36)


@pytest.mark.parametrize("gap_s", [LOST_AFTER_S + 0.01, 5.0, 3600.0])
def test_whoever_stands_in_the_same_place_after_a_long_gap_is_somebody_else(tracker, gap_s):
    tracker.update(0, 0.0, (centred(100),))
    tracker.update(1, 0.1, (centred(100),))
    update = tracker.update(2, 0.1 + gap_s, (centred(100),))
    assert ids(update) == [2]
    assert ended(update) == [1]


def test_a_face_elsewhere_is_another_passage(tracker):
    tracker.update(0, 0.0, (centred(100),))
    assert ids(tracker.update(1, STEP_S, (centred(300),))) == [2]


def test_a_face_of_another_size_is_another_passage(tracker):
    tracker.update(0, 0.0, (centred(100, width_px=30),))
    assert ids(tracker.update(1, STEP_S, (centred(100, width_px=60),))) == [2]


def test_the_nearer_face_continues_the_passage_in_whatever_order_they_come(tracker):
    tracker.update(0, 0.0, (centred(100),))
    assert ids(tracker.update(1, STEP_S, (centred(125), centred(102)))) == [2, 1]


def test_finish_ends_everyone_once(tracker):
    tracker.update(0, 0.0, (centred(100), centred(300)))
    assert ended(tracker.finish(0)) == [1, 2]
    assert ended(tracker.finish(0)) == []


def test_ids_are_not_used_again(tracker):
    for round_ in range(5):
        assert ids(tracker.update(round_, 10.0 * round_, (centred(100),))) == [round_ + 1]


FACES = st.lists(st.builds(centred, st.floats(0, 300), st.floats(0, 200), st.floats(8, 120)), max_size=6)
STEPS = st.sampled_from([0.0, 0.03, 0.1, 0.5, 1.9, 2.5, 60.0])


@given(st.lists(st.tuples(STEPS, FACES), max_size=25))
def test_whatever_is_detected_every_passage_ends_exactly_once_and_never_returns(frames):
    tracker = Tracker(LOST_AFTER_S)
    now_s = 0.0
    begun: Counter[int] = Counter()
    said: Counter[int] = Counter()
    for index, (step_s, faces) in enumerate(frames):
        now_s += step_s
        update = tracker.update(index, now_s, tuple(faces))
        present = ids(update)
        assert [tracked.face for tracked in update.tracked] == faces
        assert len(set(present)) == len(present), "two faces of one frame share a passage"
        said.update(ended(update))
        assert not set(present) & set(said), "a passage goes on after its end"
        begun.update(present)
        assert all(track.frames == begun[track.track_id] for track in update.ended)
    last = tracker.finish(len(frames))
    said.update(ended(last))
    assert set(said) == set(begun)
    assert set(said.values()) <= {1}


@given(st.lists(st.tuples(STEPS, FACES), max_size=15))
def test_the_same_detections_give_the_same_passages(frames):
    runs = []
    for tracker in (Tracker(LOST_AFTER_S), Tracker(LOST_AFTER_S)):
        now_s, run = 0.0, []
        for index, (step_s, faces) in enumerate(frames):
            now_s += step_s
            run.append(ids(tracker.update(index, now_s, tuple(faces))))
        runs.append(run)
    assert runs[0] == runs[1]
