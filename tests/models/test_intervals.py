"""Clopper-Pearson against published and closed-form values."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.intervals import clopper_pearson


def test_essex_eight_of_forty_two_is_nine_to_thirty_four_per_cent():
    interval = clopper_pearson(8, 42)
    assert [round(100 * value) for value in (interval.share, interval.low, interval.high)] == [19, 9, 34]


@pytest.mark.parametrize("trials", [1, 10, 955, 3000])
def test_no_success_and_all_successes_have_their_closed_form(trials: int):
    low = 0.025 ** (1 / trials)
    none, every = clopper_pearson(0, trials), clopper_pearson(trials, trials)
    assert (none.low, every.high) == (0.0, 1.0)
    assert none.high == pytest.approx(1 - low, abs=1e-9)
    assert every.low == pytest.approx(low, abs=1e-9)


def test_five_of_ten_is_the_tabled_interval():
    interval = clopper_pearson(5, 10)
    assert (interval.low, interval.high) == (pytest.approx(0.18709, abs=1e-5), pytest.approx(0.81291, abs=1e-5))


@given(st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_interval_holds_its_share_and_mirrors(counts: tuple[int, int]):
    successes, trials = counts
    interval = clopper_pearson(successes, trials)
    mirrored = clopper_pearson(trials - successes, trials)
    assert 0 <= interval.low <= interval.share <= interval.high <= 1
    assert mirrored.low == pytest.approx(1 - interval.high, abs=1e-9)


def test_more_confidence_is_a_wider_interval():
    wide, narrow = clopper_pearson(8, 42, 0.99), clopper_pearson(8, 42, 0.9)
    assert wide.low < narrow.low < narrow.high < wide.high


@pytest.mark.parametrize(("successes", "trials", "confidence"), [(-1, 5, 0.9), (6, 5, 0.9), (0, 0, 0.9), (1, 2, 1.0)])
def test_impossible_counts_are_refused(successes: int, trials: int, confidence: float):
    with pytest.raises(ValueError, match="no interval"):
        clopper_pearson(successes, trials, confidence)
