"""Thresholds for lists of any size: exact where they are measured, near the truth where they are modelled."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from edge.errors import CalibrationDataInvalid
from models.calibration.fit import FPIR_LEVELS, WATCHLIST_SIZES, CalibrationResult, calibrate
from models.calibration.strangers import compare_people
from tests.models.calibration.made_people import SEED, made_people

PEOPLE = 700


def quiet(done: int, total: int) -> None:
    """No progress."""


@pytest.fixture(scope="module")
def result() -> CalibrationResult:
    return calibrate(compare_people(made_people(PEOPLE, each=2)), SEED, quiet, resamples=60)


def cell(result: CalibrationResult, size: int, fpir: float):
    return next(each for each in result.cells if (each.watchlist, each.fpir) == (size, fpir))


def test_measured_fpir_is_that_of_lists_drawn_at_random(result: CalibrationResult):
    templates = made_people(PEOPLE, each=2)
    found = cell(result, 100, 0.03)
    assert found.evidence == "measured"
    every = templates.vectors @ templates.vectors[::2].T
    every[np.arange(2 * PEOPLE), np.repeat(np.arange(PEOPLE), 2)] = -2
    rng = np.random.default_rng(SEED)
    alarms, searches = 0, 0
    for _ in range(200):
        listed = rng.choice(PEOPLE, 100, replace=False)
        stranger = np.repeat(~np.isin(np.arange(PEOPLE), listed), 2)
        alarms += int((every[np.ix_(stranger, listed)].max(axis=1) >= found.threshold).sum())
        searches += int(stranger.sum())
    assert alarms / searches == pytest.approx(0.03, rel=0.1)


def test_modelled_threshold_is_near_the_truth_of_many_more_people(result: CalibrationResult):
    """The truth of lists of 10,000 strangers, drawn from the same law in their thousands."""
    found = cell(result, 10_000, 0.1)
    assert found.evidence == "extrapolated"
    rng = np.random.default_rng(SEED + 1)
    highest = []
    listed = rng.standard_normal((10_000, 24)).astype(np.float32)
    listed /= np.linalg.norm(listed, axis=1, keepdims=True)
    for _ in range(10):
        probes = rng.standard_normal((200, 24)).astype(np.float32)
        probes /= np.linalg.norm(probes, axis=1, keepdims=True)
        highest.append((probes @ listed.T).max(axis=1))
    truth = float(np.quantile(np.concatenate(highest), 0.9))
    assert found.threshold == pytest.approx(truth, abs=0.03)
    assert found.low - 0.02 <= truth <= found.high + 0.02


def test_every_size_and_level_has_a_cell_with_its_interval(result: CalibrationResult):
    assert [(each.watchlist, each.fpir) for each in result.cells] == [
        (size, fpir) for size in WATCHLIST_SIZES for fpir in FPIR_LEVELS
    ]
    assert all(each.low <= each.threshold <= each.high <= 1 for each in result.cells)


def test_threshold_never_falls_with_the_list_nor_with_the_fpir(result: CalibrationResult):
    for size in WATCHLIST_SIZES:
        assert all(
            cell(result, size, more).threshold <= cell(result, size, less).threshold
            for more, less in pairwise(FPIR_LEVELS)
        )
    for fpir in FPIR_LEVELS:
        assert all(
            cell(result, small, fpir).threshold <= cell(result, large, fpir).threshold
            for small, large in pairwise(WATCHLIST_SIZES)
        )


def test_nothing_is_called_measured_without_enough_people_and_pairs(result: CalibrationResult):
    measured = [each for each in result.cells if each.evidence == "measured"]
    assert measured
    assert all(each.watchlist < PEOPLE and each.pairs >= 30 for each in measured)
    assert {each.evidence for each in result.cells if each.watchlist >= PEOPLE} == {"extrapolated"}


def test_model_agrees_with_what_was_measured(result: CalibrationResult):
    assert 0 < result.gap_max < 0.02


def test_same_seed_is_the_same_table():
    strangers = compare_people(made_people(400))
    assert calibrate(strangers, 1, quiet, 5) == calibrate(strangers, 1, quiet, 5)


def test_more_people_make_a_narrower_interval():
    few, many = (calibrate(compare_people(made_people(count)), SEED, quiet, 60) for count in (400, 1600))
    at = (10_000, 0.01)
    assert cell(many, *at).high - cell(many, *at).low < cell(few, *at).high - cell(few, *at).low


def test_too_few_comparisons_are_refused_with_their_number():
    with pytest.raises(CalibrationDataInvalid, match=r"9900 comparisons.*need 100000"):
        calibrate(compare_people(made_people(100)), 1, quiet)
