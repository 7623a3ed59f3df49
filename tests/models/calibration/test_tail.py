"""The tail's fit: laws of known shape are found again, and a weight of two is the same as two of a kind."""

from __future__ import annotations

import numpy as np
import pytest

from models.calibration.tail import Tail, fit_tail

SEED = 20_261_124


def pareto(shape: float, count: int, scale: float = 0.04) -> np.ndarray:
    """Draws of the generalised Pareto law, best first."""
    print(f"seed {SEED}")
    uniform = np.random.default_rng(SEED).random(count)
    draws = -scale * np.log(uniform) if shape == 0 else scale * (uniform**-shape - 1) / shape
    return np.sort(draws)[::-1]


@pytest.mark.parametrize("shape", [-0.2, 0.0, 0.1])
def test_law_of_known_shape_is_found_again(shape: float):
    score = pareto(shape, 40_000)
    tail = fit_tail(score, np.ones(40_000), 40_000.0, 0.5)
    assert tail.level == pytest.approx(np.median(score), abs=1e-4)
    assert tail.shape == pytest.approx(shape, abs=0.05)
    share = 1e-3
    assert tail.similarity_at(share) == pytest.approx(score[int(share * 40_000)], rel=0.05)


def test_similarity_at_the_level_is_the_level_and_rises_as_the_share_falls():
    tail = Tail(0.3, 1e-3, 0.04, -0.05)
    assert tail.similarity_at(1e-3) == pytest.approx(0.3)
    found = [tail.similarity_at(10.0**-k) for k in range(3, 12)]
    assert found == sorted(found)
    assert len(set(found)) == len(found)


def test_share_that_the_model_gives_back_is_the_share_asked_for():
    for shape in (-0.2, 0.0, 0.3):
        tail = Tail(0.3, 1e-3, 0.02, shape)
        excess = (tail.similarity_at(1e-5) - tail.level) / tail.scale
        share = np.exp(-excess) if shape == 0 else (1 + shape * excess) ** (-1 / shape)
        assert tail.share_above * share == pytest.approx(1e-5, rel=1e-6)


def test_no_similarity_is_above_one():
    assert Tail(0.3, 1e-3, 0.1, 0.5).similarity_at(1e-12) == 1.0


def test_weight_of_two_counts_as_two_comparisons():
    score = pareto(-0.1, 2_000)
    weight = np.where(np.arange(2_000) % 3 == 0, 2.0, 1.0)
    doubled = np.repeat(score, weight.astype(int))
    once = fit_tail(doubled, np.ones(len(doubled)), float(len(doubled)), 0.3)
    weighted = fit_tail(score, weight, float(weight.sum()), 0.3)
    assert weighted.similarity_at(1e-5) == pytest.approx(once.similarity_at(1e-5), rel=0.01)
