"""Rates from templates and ids alone: who counts as mated, what a missing face costs, whose interval it is."""

from __future__ import annotations

import numpy as np
import pytest

from edge.records import Template
from edge.vision.fuse import Passage
from models.accuracy import Templates, accuracy_at, accuracy_at_fpir, accuracy_by_group, fuse_passages, search
from models.intervals import clopper_pearson
from models.openset import NOT_COMPARED

SEED = 20_261_124
DIMENSION = 32


def unit(vectors: np.ndarray) -> np.ndarray:
    return (vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)).astype(np.float32)


def axes(*numbers: int) -> np.ndarray:
    """Templates that are alike only to themselves; -1: no face was found."""
    rows = np.eye(DIMENSION, dtype=np.float32)[list(numbers)]
    rows[[number < 0 for number in numbers]] = np.nan
    return rows


def noisy_people(count: int, each: int, noise: float, seed: int = SEED) -> Templates:
    print(f"seed {seed}")
    rng = np.random.default_rng(seed)
    centres = rng.standard_normal((count, DIMENSION))
    vectors = np.repeat(centres, each, axis=0) + noise * rng.standard_normal((count * each, DIMENSION))
    return Templates(unit(vectors), tuple(f"p{i}" for i in range(count) for _ in range(each)))


GALLERY = Templates(axes(0, 1, 2), ("a", "b", "c"))


def test_search_is_mated_when_its_person_is_enrolled_and_scored_against_the_mate_alone():
    scores = search(GALLERY, Templates(axes(0, 2, 1), ("a", "b", "stranger")))
    assert scores.mated.tolist() == [1.0, 0.0]
    assert scores.non_mated.tolist() == [1.0]
    assert (scores.mated_people, scores.non_mated_people) == (("a", "b"), ("stranger",))


def test_search_without_a_face_is_a_miss_and_no_false_alarm():
    scores = search(GALLERY, Templates(axes(-1, -1), ("a", "stranger")))
    assert (scores.mated.tolist(), scores.non_mated.tolist()) == ([NOT_COMPARED], [NOT_COMPARED])


def test_person_who_could_not_be_enrolled_is_missed():
    gallery = Templates(axes(-1, 1), ("a", "b"))
    assert search(gallery, Templates(axes(0), ("a",))).mated.tolist() == [NOT_COMPARED]


def test_gallery_nobody_could_be_enrolled_in_finds_nobody():
    scores = search(Templates(axes(-1), ("a",)), GALLERY)
    assert (scores.mated.tolist(), scores.non_mated.tolist()) == ([NOT_COMPARED], [NOT_COMPARED] * 2)


def test_one_person_for_each_template_is_needed():
    with pytest.raises(ValueError, match="2 people"):
        Templates(axes(0), ("a", "b"))


def test_passages_are_fused_as_the_van_fuses_them():
    frames = noisy_people(3, 4, 0.2)
    qualities = np.random.default_rng(SEED).random(12).astype(np.float32)
    qualities[5] = 0.0
    fused = fuse_passages(frames, frames.people, qualities)
    assert fused.people == ("p0", "p1", "p2")
    for k in range(3):
        passage = Passage(templates_max=4)
        for i in range(4 * k, 4 * k + 4):
            passage.add(Template(frames.vectors[i].copy(), float(qualities[i]), i), i)
        assert fused.vectors[k] == pytest.approx(passage.fused(), abs=1e-6)


def test_frames_without_a_face_are_left_out_of_their_passage():
    frames = Templates(axes(3, -1, -1), ("a", "a", "b"))
    fused = fuse_passages(frames, ["one", "one", "two"], np.ones(3, np.float32))
    assert fused.vectors[0].tolist() == axes(3)[0].tolist()
    assert np.isnan(fused.vectors[1]).all()


def test_passage_of_two_people_is_refused():
    with pytest.raises(ValueError, match="passage one has frames of a, b"):
        fuse_passages(Templates(axes(0, 1), ("a", "b")), ["one", "one"], np.ones(2, np.float32))


def test_fusing_a_passage_finds_more_than_its_single_frames():
    frames = noisy_people(60, 8, 2.0)
    centres = Templates(noisy_people(60, 1, 0.0).vectors[:30], tuple(f"p{i}" for i in range(30)))
    single = accuracy_at_fpir(search(centres, frames), 0.05).tpir
    track = accuracy_at_fpir(search(centres, fuse_passages(frames, frames.people, np.ones(480, np.float32))), 0.05).tpir
    assert single is not None
    assert track is not None
    assert track.interval.share > single.interval.share + 0.1
    assert (single.trials, single.people, track.trials) == (240, 30, 30)


def test_interval_counts_people_and_not_their_frames():
    frames = noisy_people(10, 20, 0.0)
    rate = accuracy_at(search(Templates(frames.vectors[::20], frames.people[::20]), frames), 0.9).tpir
    assert rate is not None
    assert (rate.successes, rate.trials, rate.people) == (200, 200, 10)
    assert rate.interval == clopper_pearson(10, 10)


def test_kind_of_search_that_did_not_happen_has_no_rate():
    accuracy = accuracy_at(search(GALLERY, GALLERY), 0.5)
    assert accuracy.fpir is None
    assert accuracy.tpir is not None


def test_groups_share_one_threshold_and_add_up_to_the_whole():
    frames = noisy_people(40, 3, 1.5)
    gallery = Templates(frames.vectors[:60:3], frames.people[:60:3])
    scores = search(gallery, frames)
    groups = {f"p{i}": "beard" if i % 4 == 0 else "none" for i in range(40)}
    whole, parts = accuracy_at(scores, 0.4), accuracy_by_group(scores, 0.4, groups)
    assert sorted(parts) == ["beard", "none"]
    for rate in ("tpir", "fpir"):
        counts = [(getattr(part, rate).successes, getattr(part, rate).trials) for part in parts.values()]
        assert tuple(map(sum, zip(*counts, strict=True))) == (
            getattr(whole, rate).successes,
            getattr(whole, rate).trials,
        )
    assert parts["beard"].tpir.people == 5


def test_person_without_the_attribute_is_an_error():
    with pytest.raises(KeyError):
        accuracy_by_group(search(GALLERY, GALLERY), 0.5, {"a": "x", "b": "y"})
