"""How far to believe a calibration: tables from some of the people, asked for lists that only all of them can measure.

And what its thresholds cost: the share of mated comparisons, of everyone's other photographs with their first, that
reach them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge.errors import CalibrationDataInvalid
from models.accuracy import Rate, Templates, accuracy_at, search
from models.calibration.fit import CalibratedCell, CalibrationResult, calibrate
from models.calibration.strangers import compare_people

DRAWS = 20
MATES_FPIR = 0.001
MATES_SIZES = (100, 1000, 10_000, 100_000)


@dataclass(frozen=True)
class Trial:
    """A cell that all the people measure and none of the draws can. measured: its threshold; bias, deviation: of the
    draws' extrapolated ones from it; held: draws whose interval holds it."""

    watchlist: int
    fpir: float
    measured: float
    bias: float
    deviation: float
    held: int


@dataclass(frozen=True)
class MatesAt:
    """Mated comparisons that reach the threshold for a list of a size at MATES_FPIR; None without mates."""

    watchlist: int
    threshold: float
    rate: Rate | None


@dataclass(frozen=True)
class Validation:
    """people: in each of the draws."""

    people: int
    draws: int
    trials: tuple[Trial, ...]
    mates: tuple[MatesAt, ...]


def validate(
    templates: Templates,
    whole: CalibrationResult,
    people: int,
    seed: int,
    report: Callable[[int, int], None],
    draws: int = DRAWS,
) -> Validation:
    """Make `draws` tables, each from so many of the people. whole: the table of them all. report: told how many are
    done, of how many.

    Raises: CalibrationDataInvalid when so few people make no table, or there are not so many.
    """
    owners = np.array(templates.people, np.str_)
    everyone = np.unique(owners)
    if not 0 < people < len(everyone):
        raise CalibrationDataInvalid(f"{people} people of {len(everyone)}; need some of them, not all")
    rng = np.random.default_rng(seed)
    tables = []
    for number in range(draws):
        drawn = _of(templates, owners, rng.permutation(everyone)[:people].tolist())
        tables.append(calibrate(compare_people(drawn), seed, lambda done, total: None))
        report(number + 1, draws)
    cells = zip(whole.cells, *(table.cells for table in tables), strict=True)
    trials = tuple(
        _trial(known, guesses)
        for known, *guesses in cells
        if known.evidence == "measured" and all(guess.evidence == "extrapolated" for guess in guesses)
    )
    return Validation(people, draws, trials, _mates(templates, owners, whole))


def _of(templates: Templates, owners: NDArray[np.str_], people: list[str]) -> Templates:
    rows = np.flatnonzero(np.isin(owners, people))
    return Templates(templates.vectors[rows], tuple(owners[rows].tolist()))


def _trial(known: CalibratedCell, guesses: list[CalibratedCell]) -> Trial:
    off = np.array([guess.threshold for guess in guesses]) - known.threshold
    held = sum(guess.low <= known.threshold <= guess.high for guess in guesses)
    return Trial(known.watchlist, known.fpir, known.threshold, float(off.mean()), float(off.std()), held)


def _mates(templates: Templates, owners: NDArray[np.str_], whole: CalibrationResult) -> tuple[MatesAt, ...]:
    usable = np.flatnonzero(np.isfinite(templates.vectors).all(axis=1))
    _, first = np.unique(owners[usable], return_index=True)
    others = np.delete(usable, first)
    entries = usable[first]
    scores = search(
        Templates(templates.vectors[entries], tuple(owners[entries].tolist())),
        Templates(templates.vectors[others], tuple(owners[others].tolist())),
    )
    found = []
    for size in MATES_SIZES:
        (cell,) = (each for each in whole.cells if (each.watchlist, each.fpir) == (size, MATES_FPIR))
        rate = accuracy_at(scores, cell.threshold).tpir if len(others) else None
        found.append(MatesAt(size, cell.threshold, rate))
    return tuple(found)
