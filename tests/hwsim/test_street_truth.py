"""The truth file: what is written is read, what is damaged is refused, and the questions a score asks."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
from hwsim.errors import TruthInvalid
from hwsim.street.truth import PersonSeen, Truth, TruthFrame, TruthHeader, iou, read_truth, truth_line
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

HEADER = TruthHeader(seed=3, frames_per_s=15.0, width_px=640, height_px=360, frames=10, people=("a", "b", "ć"))


def seen(person: str, left_px: float = 10.0, width_px: float = 30.0, visible: float = 1.0) -> PersonSeen:
    return PersonSeen(
        person=person, left_px=left_px, top_px=20.0, width_px=width_px, height_px=1.4 * width_px, visible=visible
    )


def frames() -> list[TruthFrame]:
    return [
        TruthFrame(frame=0, taken_s=0.0, people=()),
        TruthFrame(frame=1, taken_s=0.1, people=(seen("a"), seen("b", 100.0, 20.0))),
        TruthFrame(frame=4, taken_s=0.4, people=(seen("a", 14.0), seen("b", 30.0, 26.0, 0.5))),
    ]


def box(left_px: float, top_px: float = 20.0, width_px: float = 30.0, height_px: float = 42.0) -> SimpleNamespace:
    return SimpleNamespace(left_px=left_px, top_px=top_px, width_px=width_px, height_px=height_px)


@pytest.fixture
def written(tmp_path):
    path = tmp_path / "truth.jsonl"
    path.write_text("".join(truth_line(line) for line in (HEADER, *frames())), encoding="utf-8")
    return path


def test_what_is_written_is_read(written):
    truth = read_truth(written)
    assert truth.header == HEADER
    assert list(truth.frames) == frames()


def test_the_best_overlap_names_the_person():
    truth = Truth(HEADER, frames())
    assert truth.person_at(4, box(12.0)) == "a"
    assert truth.person_at(4, box(31.0, width_px=26.0, height_px=36.0)) == "b"
    assert truth.person_at(4, box(300.0)) is None
    assert truth.person_at(2, box(12.0)) is None


def test_a_frame_is_found_by_the_nearest_time():
    truth = Truth(HEADER, frames())
    assert [truth.frame_at(taken_s) for taken_s in (-1.0, 0.04, 0.06, 0.26, 9.0)] == [0, 0, 1, 4, 4]
    assert truth.person_at_time(0.11, box(11.0)) == "a"
    assert Truth(HEADER, []).frame_at(0.0) is None
    assert Truth(HEADER, []).person_at_time(0.0, box(0.0)) is None


def test_only_those_seen_large_and_whole_have_passed():
    truth = Truth(HEADER, frames())
    assert truth.people_passed(width_min_px=24.0, visible_min=0.9) == ("a",)
    assert truth.people_passed(width_min_px=20.0, visible_min=0.9) == ("a", "b")
    assert truth.people_passed(width_min_px=24.0, visible_min=0.5) == ("a", "b")


def test_a_passage_runs_from_the_first_frame_to_the_last():
    truth = Truth(HEADER, frames())
    assert truth.passage_s("b") == (0.1, 0.4)
    assert truth.passage_s("ć") is None


def test_overlap_is_one_with_itself_and_nothing_with_a_neighbour():
    assert iou(box(0.0), box(0.0)) == pytest.approx(1.0)
    assert iou(box(0.0), box(30.0)) == 0.0
    assert iou(box(0.0), box(15.0)) == pytest.approx(1 / 3)


def _lines() -> list[dict]:
    return [json.loads(truth_line(line)) for line in (HEADER, *frames())]


def _damage(change) -> str:
    lines = _lines()
    change(lines)
    return "".join(json.dumps(line) + "\n" for line in lines)


DAMAGED = {
    "empty": "",
    "no json": "street\n",
    "a list": "[]\n",
    "bare number": "1\n",
    "no header": _damage(lambda lines: lines.pop(0)),
    "another type": _damage(lambda lines: lines[0].update(type="road")),
    "a later version": _damage(lambda lines: lines[0].update(version=2)),
    "unknown key in the header": _damage(lambda lines: lines[0].update(note="x")),
    "missing seed": _damage(lambda lines: lines[0].pop("seed")),
    "number as text": _damage(lambda lines: lines[0].update(frames="10")),
    "no frames": _damage(lambda lines: lines[0].update(frames=0)),
    "too many frames": _damage(lambda lines: lines[0].update(frames=10**9)),
    "a person listed twice": _damage(lambda lines: lines[0].update(people=["a", "a", "b", "ć"])),
    "unknown key in a frame": _damage(lambda lines: lines[1].update(note="x")),
    "unknown key in a person": _damage(lambda lines: lines[2]["people"][0].update(note="x")),
    "frame beyond the header's": _damage(lambda lines: lines[3].update(frame=10)),
    "negative frame": _damage(lambda lines: lines[1].update(frame=-1)),
    "frame repeated": _damage(lambda lines: lines[2].update(frame=0)),
    "frame out of order": _damage(lambda lines: lines.insert(1, lines.pop())),
    "a stranger": _damage(lambda lines: lines[2]["people"][0].update(person="z")),
    "a person twice in a frame": _damage(lambda lines: lines[2]["people"][0].update(person="b")),
    "visible above one": _damage(lambda lines: lines[2]["people"][0].update(visible=1.1)),
    "not a number": _damage(lambda lines: lines[2]["people"][0].update(visible=float("nan"))),
    "infinite": _damage(lambda lines: lines[2]["people"][0].update(left_px=float("inf"))),
    "a box of no width": _damage(lambda lines: lines[2]["people"][0].update(width_px=0)),
    "cut in mid-line": "".join(truth_line(line) for line in (HEADER, *frames()))[:-20],
    "a key twice": truth_line(HEADER).replace('"seed":3', '"seed":3,"seed":4'),
    "a blank line": truth_line(HEADER) + "\n" + truth_line(frames()[0]),
    "nested without end": "[" * 100_000,
    "an endless line": " " * ((1 << 20) + 2),
}


@pytest.mark.parametrize("text", DAMAGED.values(), ids=DAMAGED.keys())
def test_a_damaged_file_is_refused_by_name(text, tmp_path):
    path = tmp_path / "truth.jsonl"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(TruthInvalid, match=r"truth\.jsonl"):
        read_truth(path)


def test_more_lines_than_the_header_promises_are_refused(tmp_path):
    path = tmp_path / "truth.jsonl"
    path.write_text(truth_line(HEADER.model_copy(update={"frames": 2})) + "".join(map(truth_line, frames())))
    with pytest.raises(TruthInvalid, match="line 4"):
        read_truth(path)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_bytes_are_read_or_refused_by_name(data, tmp_path):
    whole = "".join(truth_line(line) for line in (HEADER, *frames())).encode()
    start = data.draw(st.integers(0, len(whole)))
    end = data.draw(st.integers(start, min(len(whole), start + 12)))
    path = tmp_path / "fuzzed.jsonl"
    path.write_bytes(whole[:start] + data.draw(st.binary(max_size=12)) + whole[end:])
    try:
        truth = read_truth(path)
    except TruthInvalid:
        return
    assert set(truth.people_passed(0.0, 0.0)) <= set(truth.header.people)
