"""Fusion: one template for a passage, nobody else's mixed in, and nothing left of it afterwards."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.records import Template
from edge.vision.fuse import BETTER_BY, RECHECK_S, SAME_PERSON_MIN, SPACING_S, Passage

DIMENSION = 16


def unit(seed: int, towards: int | None = None, closeness: float = 4.0) -> np.ndarray:
    """A random direction; with `towards`, near that axis."""
    vector = np.random.default_rng(seed).normal(0, 1, DIMENSION)
    vector /= np.linalg.norm(vector)
    if towards is not None:
        vector[towards] += closeness
    return (vector / np.linalg.norm(vector)).astype(np.float32)


def filled(*templates: tuple[np.ndarray, float], templates_max: int = 5) -> tuple[Passage, list[Template]]:
    passage = Passage(templates_max)
    made = [Template(vector.copy(), quality, index) for index, (vector, quality) in enumerate(templates)]
    for index, template in enumerate(made):
        passage.add(template, float(index))
    return passage, made


@given(st.lists(st.tuples(st.integers(0, 999), st.floats(0, 1)), min_size=1, max_size=12))
def test_fused_template_has_unit_length(templates):
    passage, _ = filled(*((unit(seed, towards=2), quality) for seed, quality in templates))
    assert np.linalg.norm(passage.fused()) == pytest.approx(1, abs=1e-5)
    assert passage.fused().dtype == np.float32


def test_better_frames_weigh_more():
    good, poor = unit(1, towards=0), unit(2, towards=0, closeness=1.0)
    passage, _ = filled((good, 0.9), (poor, 0.1))
    wanted = 0.9 * good + 0.1 * poor
    assert passage.fused() == pytest.approx(wanted / np.linalg.norm(wanted), abs=1e-6)


def test_the_order_of_frames_does_not_matter():
    templates = [(unit(seed, towards=3), 0.1 + seed / 10) for seed in range(4)]
    forth, back = filled(*templates)[0], filled(*reversed(templates))[0]
    assert forth.fused() == pytest.approx(back.fused(), abs=1e-6)


def test_a_full_passage_lets_its_worst_go_and_overwrites_it():
    templates = [(unit(seed, towards=1), quality) for seed, quality in enumerate((0.5, 0.2, 0.8))]
    passage, made = filled(*templates, (unit(9, towards=1), 0.9), templates_max=3)
    assert passage.frames_fused == 3
    assert [bool(template.vector.any()) for template in made] == [True, False, True, True]


def test_swapped_track_does_not_mix_two_people():
    first, second = unit(1, towards=0), unit(2, towards=7)
    assert float(first @ second) < SAME_PERSON_MIN
    passage, made = filled((first, 0.9), (unit(3, towards=0), 0.9), (second, 0.3))
    assert passage.frames_fused == 1
    assert passage.fused() == pytest.approx(second, abs=1e-6)
    assert not made[0].vector.any()
    assert not made[1].vector.any()


@given(st.lists(st.sampled_from([0, 5]), min_size=2, max_size=10), st.integers(0, 99))
def test_no_fused_template_ever_holds_two_people(people, seed):
    passage = Passage(5)
    for index, person in enumerate(people):
        passage.add(Template(unit(seed + index, towards=person), 0.5, index), float(index))
        fused = passage.fused()
        other = 5 if person == 0 else 0
        assert fused[person] > 0.8
        assert abs(fused[other]) < 0.5
        run = next((back for back in range(1, index + 1) if people[index - back] != person), index + 1)
        assert passage.frames_fused == min(run, 5)


def test_a_passage_with_room_wants_any_frame_and_a_full_one_only_a_better():
    passage, _ = filled((unit(0, 1), 0.4), (unit(1, 1), 0.6), templates_max=3)
    assert passage.wants(0.01, 10.0)
    passage.add(Template(unit(2, 1), 0.5, 2), 10.0)
    assert not passage.wants(0.4 * BETTER_BY, 10.5)
    assert passage.wants(0.4 * BETTER_BY + 0.001, 10.5)


def test_a_full_passage_looks_again_after_a_while_and_keeps_its_better_templates():
    passage, _ = filled((unit(0, 1), 0.4), (unit(1, 1), 0.6), templates_max=2)
    assert not passage.wants(0.1, 1.0 + RECHECK_S * 0.9)
    assert passage.wants(0.1, 1.0 + RECHECK_S)
    poorer = Template(unit(2, 1), 0.1, 2)
    before = passage.fused()
    passage.add(poorer, 2.0)
    assert np.array_equal(passage.fused(), before)
    assert not poorer.vector.any()
    assert not passage.wants(0.1, 2.0 + RECHECK_S * 0.9)


def test_frames_of_one_instant_are_not_taken_twice():
    passage = Passage(5)
    assert passage.wants(0.5, 0.0)
    passage.add(Template(unit(0), 0.5, 0), 3.0)
    assert not passage.wants(1.0, 3.0 + SPACING_S * 0.9)
    assert passage.wants(1.0, 3.0 + SPACING_S * 1.01)


def test_spacing_holds_after_a_stranger_began_the_passage_anew():
    passage, _ = filled((unit(1, towards=0), 0.9), (unit(2, towards=7), 0.9))
    assert not passage.wants(1.0, 1.0 + SPACING_S / 2)


def test_wipe_overwrites_every_template_where_it_lies():
    passage, made = filled(*((unit(seed, towards=1), 0.5) for seed in range(5)))
    memory = [template.vector for template in made]
    passage.wipe()
    assert not any(vector.any() for vector in memory)
    assert passage.frames_fused == 0


def test_fusing_leaves_the_templates_as_they_are():
    passage, made = filled((unit(1, 1), 0.5), (unit(2, 1), 0.7))
    before = [template.vector.copy() for template in made]
    passage.fused().fill(0)
    assert all(np.array_equal(template.vector, old) for template, old in zip(made, before, strict=True))
