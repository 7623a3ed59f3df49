"""Timing: medians by the clock it is given, warm-up left out, int8 against float32 round by round."""

from __future__ import annotations

import pytest

from models.bench.commands import bench_text
from models.bench.measure import WARM_UP_ROUNDS, Item, measure
from tests.fake_clock import FakeClock


class Slowing:
    """Takes so many ms at each call; the last for ever."""

    def __init__(self, clock: FakeClock, *ms: float) -> None:
        self._clock, self._ms = clock, list(ms)
        self.calls = 0

    def __call__(self) -> None:
        self.calls += 1
        self._clock.advance((self._ms.pop(0) if len(self._ms) > 1 else self._ms[0]) / 1000)


def test_median_and_percentiles_are_of_the_rounds_after_warm_up():
    clock = FakeClock()
    act = Slowing(clock, *[1000.0] * WARM_UP_ROUNDS, 1.0, 2.0, 3.0, 4.0, 5.0)
    bench = measure([Item("align", "x", None, 1, act)], 5, clock, lambda done, total: None)
    assert act.calls == 5 + WARM_UP_ROUNDS
    ms = bench.times[0].ms
    assert (ms.median, ms.low, ms.high) == (pytest.approx(3.0), pytest.approx(1.4), pytest.approx(4.6))


def test_ratio_is_of_the_same_round_so_that_a_slow_machine_cancels_out():
    clock = FakeClock()
    slow = [0.0] * WARM_UP_ROUNDS
    items = [
        Item("embed", "x", "float32", 2, Slowing(clock, *slow, 10.0, 100.0, 1000.0)),
        Item("embed", "x", "int8", 2, Slowing(clock, *slow, 5.0, 50.0, 500.0)),
        Item("embed", "x", "int8", 1, Slowing(clock, 7.0)),
    ]
    bench = measure(items, 3, clock, lambda done, total: None)
    (ratio,) = bench.ratios
    assert (ratio.threads, ratio.ratio.median) == (2, pytest.approx(0.5))
    assert ratio.ratio.low == pytest.approx(ratio.ratio.high)


def test_progress_counts_the_rounds():
    clock = FakeClock()
    told: list[tuple[int, int]] = []
    measure([Item("a", "x", None, 1, Slowing(clock, 1.0))], 3, clock, lambda done, total: told.append((done, total)))
    assert told[-1] == (3, 3)
    assert told == sorted(told)


def test_text_has_a_line_for_each_stage_and_number_of_threads():
    clock = FakeClock()
    items = [
        Item(stage, of, precision, threads, Slowing(clock, ms))
        for stage, of, precision, threads, ms in (
            ("embed", "128x128", "int8", 1, 4.0),
            ("embed", "128x128", "float32", 1, 8.0),
            ("search", "100 entries", None, 1, 2.0),
        )
    ]
    lines = bench_text(measure(items, 3, clock, lambda done, total: None)).splitlines()
    assert lines[1].split() == [
        "embed",
        "128x128",
        "1",
        "4",
        "(4",
        "to",
        "4)",
        "8",
        "(8",
        "to",
        "8)",
        "0.50",
        *["(0.50", "to", "0.50)"],
    ]
    assert lines[2].split() == ["search", "100", "entries", "1", "2", "(2", "to", "2)"]
