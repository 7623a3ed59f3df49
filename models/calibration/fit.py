"""Similarity against FPIR for lists of any size: measured where the data allow, else by the tail, and marked so.

Measured: the average over all lists of N that could be drawn from the people there are, exactly. A probe that comes
within the threshold of K of the M - 1 others raises a false alarm on a list of N of them with probability
1 - C(M-1-K, N) / C(M-1, N); no list is drawn by chance. A cell counts as measured where N of the others are there and
at least 30 different pairs of people are at or above its threshold (rule of 30: Doddington and others, Speech
Communication 31, 2000).

Extrapolated: FPIR(N) = 1 - (1 - FMR)^N with FMR from the tail (tail.py). It takes a probe's comparisons as
independent. Where some people are taken for others more often than the rest are, that overstates FPIR (Jensen), so the
threshold errs upwards.

Intervals: 95 %, bootstrap over people, both as probes and as entries.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from edge.errors import CalibrationDataInvalid
from models.calibration.strangers import NonMated
from models.calibration.tail import Tail, fit_tail

WATCHLIST_SIZES = (100, 300, 1000, 3000, 10_000, 30_000, 100_000)
FPIR_LEVELS = (0.1, 0.03, 0.01, 0.003, 0.001, 0.0003, 0.0001)
PAIRS_MIN = 30
TAIL_SHARE = 1e-3
EXCEEDANCES_MIN = 100
RESAMPLES = 400
CONFIDENCE = 0.95

Evidence = Literal["measured", "extrapolated"]


@dataclass(frozen=True)
class CalibratedCell:
    """The threshold for a list of a size and an FPIR, its interval, and what it rests on.

    pairs: different pairs of people at or above it in the data.
    """

    watchlist: int
    fpir: float
    threshold: float
    low: float
    high: float
    evidence: Evidence
    pairs: int


@dataclass(frozen=True)
class CalibrationResult:
    """A whole table. gap_max: the furthest that the tail's thresholds are from the measured ones, where both exist."""

    cells: tuple[CalibratedCell, ...]
    tail: Tail
    exceedances: int
    gap_max: float


def calibrate(
    strangers: NonMated, seed: int, report: Callable[[int, int], None], resamples: int = RESAMPLES
) -> CalibrationResult:
    """The table for the people who were compared. report: told how many resamples are done, of how many.

    Raises: CalibrationDataInvalid when too few comparisons lie in the tail to fit it.
    """
    exceedances = int(TAIL_SHARE * strangers.comparisons)
    if exceedances < EXCEEDANCES_MIN:
        raise CalibrationDataInvalid(
            f"{strangers.comparisons} comparisons of different people, need {round(EXCEEDANCES_MIN / TAIL_SHARE)}: "
            "give more people, or more photographs of them"
        )
    evaluator = _Evaluator(strangers)
    one_each = np.ones(strangers.people, np.int64)
    measured, modelled, tail = evaluator.thresholds(one_each)
    pairs = np.vectorize(strangers.pairs_at, otypes=[np.int64])(measured)
    is_measured = (pairs >= PAIRS_MIN) & evaluator.enough_people
    chosen = _rising(np.where(is_measured, measured, modelled))
    draws = np.empty((resamples, *chosen.shape))
    rng = np.random.default_rng(seed)
    for number in range(resamples):
        weights = rng.multinomial(strangers.people, np.full(strangers.people, 1 / strangers.people))
        again_measured, again_modelled, _ = evaluator.thresholds(weights)
        draws[number] = _rising(np.where(is_measured, again_measured, again_modelled))
        report(number + 1, resamples)
    edge = (1 - CONFIDENCE) / 2
    # Centred: a resample holds fewer different people, so that a list of it finds a little less.
    low, high = chosen + np.quantile(draws, [edge, 1 - edge], axis=0) - np.median(draws, axis=0)
    gap = np.abs(measured - modelled)[is_measured]
    cells = tuple(
        CalibratedCell(
            watchlist=size,
            fpir=fpir,
            threshold=_up(chosen[row, column]),
            low=_up(min(low[row, column], chosen[row, column])),
            high=_up(max(high[row, column], chosen[row, column])),
            evidence="measured" if is_measured[row, column] else "extrapolated",
            pairs=strangers.pairs_at(chosen[row, column]),
        )
        for row, size in enumerate(WATCHLIST_SIZES)
        for column, fpir in enumerate(FPIR_LEVELS)
    )
    return CalibrationResult(cells, tail, exceedances, float(gap.max(initial=0.0)))


class _Evaluator:
    """Thresholds for a weighting of the people: 1 for each, or how often a resample has drawn them."""

    def __init__(self, strangers: NonMated) -> None:
        self._strangers = strangers
        self._by_probe = np.lexsort((-strangers.score, strangers.probe))
        starts = np.flatnonzero(np.diff(strangers.probe[self._by_probe], prepend=-1))
        self._group_start = np.repeat(starts, np.diff(np.append(starts, len(strangers.probe))))
        others = strangers.people - 1
        sizes = [size for size in WATCHLIST_SIZES if size <= others]
        self.enough_people = np.array([[size <= others] for size in WATCHLIST_SIZES])
        self._alarm = np.stack([_alarm_probability(others, size) for size in sizes]) if sizes else np.empty((0, 1))

    def thresholds(self, weights: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.float64], Tail]:
        """Measured and modelled thresholds, float64 (sizes, levels) each, and the tail. Unmeasurable: 1."""
        strangers = self._strangers
        probe_share = (weights / strangers.probes_of)[strangers.person] / weights.sum()
        measured = np.ones((len(WATCHLIST_SIZES), len(FPIR_LEVELS)))
        closer_by = weights[strangers.entry[self._by_probe]]
        running = np.cumsum(closer_by)
        before = running - closer_by
        before -= before[self._group_start]
        after = before + closer_by
        limit = self._alarm.shape[1] - 1
        for row, alarm in enumerate(self._alarm):
            step = np.empty(len(strangers.score))
            step[self._by_probe] = alarm[np.minimum(after, limit)] - alarm[np.minimum(before, limit)]
            fpir = np.cumsum(step * probe_share)
            measured[row] = [self._threshold(fpir, level) for level in FPIR_LEVELS]
        pair_weight = probe_share * weights[strangers.entry] / weights.sum()
        # Pairs of one person with itself are no comparisons of strangers; of a resample there are a few.
        total = 1.0 - float(((weights / weights.sum()) ** 2).sum())
        tail = fit_tail(strangers.score, pair_weight, total, TAIL_SHARE)
        share = np.cumsum(pair_weight) / total
        modelled = np.array(
            [[self._modelled(tail, share, size, level) for level in FPIR_LEVELS] for size in WATCHLIST_SIZES]
        )
        return measured, modelled, tail

    def _threshold(self, reached: NDArray[np.float64], level: float) -> float:
        """The lowest threshold at which no more than `level` is reached: just above the first score too many."""
        too_many = int(np.searchsorted(reached, level * (1 + 1e-9), side="right"))
        if too_many >= len(reached):
            return self._strangers.floor
        return float(np.nextafter(self._strangers.score[too_many], 2.0))

    def _modelled(self, tail: Tail, share: NDArray[np.float64], size: int, level: float) -> float:
        fmr = -np.expm1(np.log1p(-level) / size)
        return tail.similarity_at(fmr) if fmr <= tail.share_above else self._threshold(share, float(fmr))


def _alarm_probability(others: int, size: int) -> NDArray[np.float64]:
    """For K = 0, 1, …: the probability that a list of `size` of the others holds at least one of K of them."""
    spared = (others - size - np.arange(others)) / (others - np.arange(others))
    return 1.0 - np.cumprod(np.concatenate([[1.0], np.maximum(spared, 0.0)]))


def _rising(thresholds: NDArray[np.float64]) -> NDArray[np.float64]:
    """Never lower for a longer list or a smaller FPIR, where measured and modelled cells meet."""
    return np.maximum.accumulate(np.maximum.accumulate(thresholds, axis=0), axis=1)


def _up(similarity: float) -> float:
    """To four decimals, upwards, so that rounding lets nobody more in."""
    return min(float(np.ceil(similarity * 1e4 - 1e-9) / 1e4), 1.0)
