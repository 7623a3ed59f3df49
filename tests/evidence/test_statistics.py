"""The counts of a deployment: consistent, growing, and exact where they are quantiles."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.evidence import statistics
from edge.evidence.statistics import Counters, quantile
from edge.records import Reason


def test_counts_start_at_nothing():
    snapshot = Counters().snapshot()
    assert (snapshot.faces_seen, snapshot.alerts, snapshot.frames_read) == (0, 0, 0)
    assert (snapshot.latency_ms.count, snapshot.latency_ms.p50, snapshot.latency_ms.p99) == (0, None, None)


def test_passages_are_counted_by_how_they_ended():
    counters = Counters()
    counters.passage_ended(True, None)
    counters.passage_ended(True, Reason.BELOW_THRESHOLD)
    counters.passage_ended(False, Reason.TOO_SMALL)
    counters.passage_ended(False, Reason.TOO_SMALL)
    snapshot = counters.snapshot()
    assert (snapshot.faces_seen, snapshot.faces_compared) == (4, 2)
    assert snapshot.faces_withheld == {"below_threshold": 1, "too_small": 2}


def test_drops_and_faults_are_shown_where_there_are_any():
    counters = Counters()
    counters.capture_progress(100, 7, {"camera_stalled": 2})
    counters.frames_dropped("before_detect", 3)
    counters.frames_dropped("before_detect", 5)
    counters.frames_dropped("before_embed", 0)
    snapshot = counters.snapshot()
    assert snapshot.frames_dropped == {"before_detect": 5, "source": 7}
    assert snapshot.camera_faults == {"camera_stalled": 2}
    assert snapshot.frames_read == 100


def test_counts_of_many_threads_are_all_there():
    counters = Counters()
    with ThreadPoolExecutor(8) as pool:
        for _ in range(800):
            pool.submit(counters.passage_ended, True, Reason.AMBIGUOUS)
            pool.submit(counters.frame_processed)
            pool.submit(counters.alerted)
    snapshot = counters.snapshot()
    assert (snapshot.faces_seen, snapshot.frames_processed, snapshot.alerts) == (800, 800, 800)
    assert snapshot.faces_withheld == {"ambiguous": 800}


def test_latencies_are_bounded_in_number(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(statistics, "LATENCIES_MAX", 10)
    counters = Counters()
    for value in range(50):
        counters.outbox_committed(float(value))
    assert counters.snapshot().latency_ms.count == 10


def test_a_snapshot_is_not_changed_by_what_comes_later():
    counters = Counters()
    counters.passage_ended(True, Reason.AMBIGUOUS)
    before = counters.snapshot()
    counters.passage_ended(True, Reason.AMBIGUOUS)
    assert before.faces_withheld == {"ambiguous": 1}


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=200), st.sampled_from([0.5, 0.9, 0.99, 1.0, 0.01]))
def test_quantile_is_the_smallest_value_that_the_share_does_not_exceed(values, share):
    wanted = next(
        value for value in sorted(values) if sum(each <= value for each in values) >= share * len(values) - 1e-9
    )
    assert quantile(values, share) == round(wanted, 1)


def test_quantile_of_nothing_is_nothing():
    assert quantile([], 0.5) is None
