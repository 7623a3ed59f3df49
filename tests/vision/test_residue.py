"""What must not be left: no template, probe, aligned face or frame outlives its use, however a stage ends."""

from __future__ import annotations

import pytest

from edge.errors import ModelRejected, OutboxFull
from edge.records import Alarm
from tests.vision.line import GAP, Line, walking
from tests.vision.made import (
    picture,
    residue,
)


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
