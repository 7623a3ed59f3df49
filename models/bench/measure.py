"""Timing: every item once a round, in turn, so that what slows the machine slows all of them alike."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from edge.clock import Clock
from edge.formats.pack import Precision

WARM_UP_ROUNDS = 2


@dataclass(frozen=True)
class Item:
    """One thing to time. of: what it is about (an input's size, a list's length); precision: None where it has none."""

    stage: str
    of: str
    precision: Precision | None
    threads: int
    act: Callable[[], object]


@dataclass(frozen=True)
class Spread:
    """The median of some rounds, and the tenth and ninetieth percentile."""

    median: float
    low: float
    high: float


@dataclass(frozen=True)
class StageTime:
    """How long an item took, ms."""

    stage: str
    of: str
    precision: Precision | None
    threads: int
    ms: Spread


@dataclass(frozen=True)
class StageRatio:
    """int8 over float32, round by round."""

    stage: str
    of: str
    threads: int
    ratio: Spread


@dataclass(frozen=True)
class Bench:
    """Everything that was timed, and the ratios."""

    rounds: int
    times: tuple[StageTime, ...]
    ratios: tuple[StageRatio, ...]


def measure(items: Sequence[Item], rounds: int, clock: Clock, report: Callable[[int, int], None]) -> Bench:
    """Time every item in every round. report: told how many rounds are done, of how many."""
    taken_ms = np.empty((rounds, len(items)))
    for number in range(-WARM_UP_ROUNDS, rounds):
        for column, item in enumerate(items):
            before_s = clock.monotonic_s()
            item.act()
            if number >= 0:
                taken_ms[number, column] = (clock.monotonic_s() - before_s) * 1000
        report(max(number + 1, 0), rounds)
    times = tuple(
        StageTime(item.stage, item.of, item.precision, item.threads, _spread(taken_ms[:, column]))
        for column, item in enumerate(items)
    )
    column_of = {(item.stage, item.of, item.threads, item.precision): column for column, item in enumerate(items)}
    ratios = tuple(
        StageRatio(
            item.stage,
            item.of,
            item.threads,
            _spread(taken_ms[:, column] / taken_ms[:, column_of[item.stage, item.of, item.threads, "float32"]]),
        )
        for column, item in enumerate(items)
        if item.precision == "int8" and (item.stage, item.of, item.threads, "float32") in column_of
    )
    return Bench(rounds, times, ratios)


def _spread(values: np.ndarray) -> Spread:
    low, median, high = np.quantile(values, [0.1, 0.5, 0.9])
    return Spread(float(median), float(low), float(high))
