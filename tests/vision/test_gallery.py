"""Search is exact: what it returns is what a brute force in exact arithmetic returns, threshold and ties included."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.formats.pack import EmbedderSpec
from edge.vision.gallery import PROPOSAL_SLACK, Gallery
from edge.vision.memory import LockedBuffer

DIMENSION = 64


def unit_rows(vectors: np.ndarray) -> np.ndarray:
    vectors = np.asarray(vectors, np.float64)
    return (vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)).astype(np.float32)


def gallery_of(templates: np.ndarray) -> Gallery:
    buffer = LockedBuffer(templates.nbytes)
    held = buffer.array("f4", templates.shape)
    held[:] = templates
    return Gallery([f"{row:032x}" for row in range(len(templates))], held, buffer)


def exact_similarity(template: np.ndarray, probe: np.ndarray) -> float:
    """The exact inner product, rounded once."""
    return float(sum(Fraction(float(a)) * Fraction(float(b)) for a, b in zip(template, probe, strict=True)))


def brute_force(templates: np.ndarray, probe: np.ndarray, threshold: float) -> list[tuple[str, float]]:
    scores = [exact_similarity(template, probe) for template in templates]
    hits = sorted((-score, row) for row, score in enumerate(scores) if score >= threshold)
    return [(f"{row:032x}", -negative) for negative, row in hits]


def returned(gallery: Gallery, probe: np.ndarray, threshold: float) -> list[tuple[str, float]]:
    return [(each.entry_id, each.similarity) for each in gallery.search(probe, threshold).candidates]


def near_threshold(seed: int, count: int, threshold: float, spread: float) -> tuple[np.ndarray, np.ndarray]:
    """Unit templates whose similarity to the probe lies within `spread` of the threshold."""
    random = np.random.default_rng(seed)
    probe = unit_rows(random.normal(0, 1, DIMENSION))
    across = random.normal(0, 1, (count, DIMENSION))
    across -= np.outer(across @ probe, probe)
    across /= np.linalg.norm(across, axis=1, keepdims=True)
    cosines = threshold + random.uniform(-spread, spread, count)
    return unit_rows(cosines[:, None] * probe + np.sqrt(1 - cosines[:, None] ** 2) * across), probe


@given(
    seed=st.integers(0, 2**32 - 1),
    count=st.integers(1, 12),
    threshold=st.floats(0.05, 0.95),
    spread=st.sampled_from([1e-8, 1e-7, 1e-6, 1e-4, 1e-2]),
)
@settings(max_examples=60)
def test_search_returns_what_exact_arithmetic_returns(seed, count, threshold, spread):
    templates, probe = near_threshold(seed, count, threshold, spread)
    assert returned(gallery_of(templates), probe, threshold) == brute_force(templates, probe, threshold)


def test_a_hundred_thousand_pairs_about_the_threshold_agree_with_exact_sums():
    threshold, searches, entries = 0.55, 20, 5000
    for seed in range(searches):
        templates, probe = near_threshold(seed, entries, threshold, 3e-7)
        wide = probe.astype(np.float64)
        scores = [math.fsum((row * wide).tolist()) for row in templates.astype(np.float64)]
        wanted = sorted((-score, row) for row, score in enumerate(scores) if score >= threshold)
        assert 0.3 < len(wanted) / entries < 0.7
        found = returned(gallery_of(templates), probe, threshold)
        assert found == [(f"{row:032x}", -negative) for negative, row in wanted]


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=30)
def test_a_template_exactly_at_the_threshold_is_found_and_one_a_hair_below_is_not(seed):
    templates, probe = near_threshold(seed, 1, 0.6, 1e-3)
    similarity = exact_similarity(templates[0], probe)
    gallery = gallery_of(templates)
    assert returned(gallery, probe, similarity) == [(f"{0:032x}", similarity)]
    assert returned(gallery, probe, math.nextafter(similarity, 2)) == []


def test_the_slack_covers_the_float32_error_of_the_largest_template_a_pack_may_have():
    largest = next(limit.le for limit in EmbedderSpec.model_fields["dimension"].metadata if hasattr(limit, "le"))
    assert largest * 2.0**-24 < PROPOSAL_SLACK


@pytest.mark.parametrize("dimension", [16, 256, 2048])
def test_the_float32_proposal_misses_no_hit_in_any_dimension_a_pack_may_have(dimension):
    random = np.random.default_rng(dimension)
    templates = unit_rows(random.normal(0, 1, (100, dimension)))
    probe = unit_rows(templates[0] + 0.3 * random.normal(0, 1, dimension) / math.sqrt(dimension))
    exact = [exact_similarity(template, probe) for template in templates[:10]]
    for row in range(10):
        threshold = exact[row]
        assert f"{row:032x}" in [entry for entry, _ in returned(gallery_of(templates), probe, threshold)]


def test_equal_templates_are_both_found_in_the_order_of_the_list():
    templates = unit_rows(np.random.default_rng(1).normal(0, 1, (6, DIMENSION)))
    templates[4] = templates[1]
    result = gallery_of(templates).search(templates[1], 0.9)
    assert [each.entry_id for each in result.candidates] == [f"{1:032x}", f"{4:032x}"]
    assert result.runner_up_similarity == result.candidates[0].similarity


def test_runner_up_of_one_hit_is_the_best_of_the_rest():
    templates, probe = near_threshold(3, 50, 0.3, 0.2)
    templates[17] = probe
    result = gallery_of(templates).search(probe, 0.8)
    rest = max(exact_similarity(templates[row], probe) for row in range(50) if row != 17)
    assert [each.entry_id for each in result.candidates] == [f"{17:032x}"]
    assert result.runner_up_similarity == pytest.approx(rest, abs=1e-6)


def test_runner_up_of_several_hits_is_the_second():
    templates, probe = near_threshold(4, 30, 0.7, 0.1)
    result = gallery_of(templates).search(probe, 0.65)
    assert len(result.candidates) > 2
    assert result.runner_up_similarity == result.candidates[1].similarity


def test_nobody_found_is_empty_with_the_best_below():
    templates, probe = near_threshold(5, 30, 0.3, 0.2)
    result = gallery_of(templates).search(probe, 0.9)
    best = max(exact_similarity(template, probe) for template in templates)
    assert result.candidates == ()
    assert result.runner_up_similarity == pytest.approx(best, abs=1e-6)


def test_a_list_of_one_has_no_runner_up():
    templates, probe = near_threshold(6, 1, 0.7, 0.01)
    assert gallery_of(templates).search(probe, 0.5).runner_up_similarity == -1.0


def test_an_empty_list_finds_nobody():
    result = gallery_of(np.empty((0, DIMENSION), np.float32)).search(unit_rows(np.ones(DIMENSION)), 0.1)
    assert (result.candidates, result.runner_up_similarity) == ((), -1.0)


def test_the_probe_is_not_changed():
    templates, probe = near_threshold(7, 10, 0.5, 0.1)
    before = probe.copy()
    gallery_of(templates).search(probe, 0.5)
    assert np.array_equal(probe, before)


def test_wipe_overwrites_the_templates_and_finds_nobody_afterwards():
    templates = unit_rows(np.random.default_rng(1).normal(0, 1, (100, DIMENSION)))
    buffer = LockedBuffer(templates.nbytes)
    held = buffer.array("f4", templates.shape)
    held[:] = templates
    gallery = Gallery([f"{row:032x}" for row in range(100)], held, buffer)
    assert gallery.search(templates[5], 0.9).candidates
    gallery.wipe()
    assert not buffer.array("u1", (templates.nbytes,)).any()
    assert gallery.search(templates[5], 0.1).candidates == ()


def test_a_gallery_says_whether_it_is_locked():
    gallery = gallery_of(np.eye(4, 16, dtype=np.float32))
    buffer = gallery.segments[0].block.buffer
    buffer.locked = False
    assert not gallery.locked
    buffer.locked = True
    assert gallery.locked
    assert len(gallery) == 4


def test_ids_and_templates_of_different_number_are_refused():
    buffer = LockedBuffer(256)
    with pytest.raises(ValueError, match="3 ids for 4 templates"):
        Gallery(["0" * 32] * 3, buffer.array("f4", (4, 16)), buffer)
