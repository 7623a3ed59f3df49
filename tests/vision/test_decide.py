"""Deciding: every reason to withhold, and that nothing else than the facts of now counts."""

from __future__ import annotations

from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.records import Candidate, Match, Reason, SearchResult, Withheld
from edge.vision.decide import Rules, decide

RULES = Rules(threshold=0.5, frames_min=2, margin_min=0.05, cooldown_s=60.0)
FIRST, SECOND = "a" * 32, "b" * 32


def found(*pairs: tuple[str, float], runner_up: float = 0.1) -> SearchResult:
    return SearchResult(tuple(Candidate(*pair) for pair in pairs), pairs[1][1] if len(pairs) > 1 else runner_up)


@pytest.mark.parametrize(
    ("result", "frames", "last_alert_s", "reason"),
    [
        (found((FIRST, 0.9)), 1, {}, Reason.TOO_FEW_FRAMES),
        (found((FIRST, 0.9)), 0, {}, Reason.TOO_FEW_FRAMES),
        (found(), 5, {}, Reason.BELOW_THRESHOLD),
        (found((FIRST, 0.4999)), 5, {}, Reason.BELOW_THRESHOLD),
        (found((FIRST, 0.7), (SECOND, 0.66)), 5, {}, Reason.AMBIGUOUS),
        (found((FIRST, 0.52), runner_up=0.48), 5, {}, Reason.AMBIGUOUS),
        (found((FIRST, 0.9)), 5, {FIRST: 100.0}, Reason.ALERTED_RECENTLY),
        (found((FIRST, 0.9)), 5, {FIRST: 40.5}, Reason.ALERTED_RECENTLY),
        (found((FIRST, 0.5)), 2, {}, None),
        (found((FIRST, 0.55), runner_up=0.5), 2, {}, None),
        (found((FIRST, 0.9), (SECOND, 0.8)), 2, {}, None),
        (found((FIRST, 0.9)), 5, {FIRST: 40.0}, None),
        (found((FIRST, 0.9)), 5, {SECOND: 100.0}, None),
    ],
    ids=lambda value: str(value)[-60:],
)
def test_table_of_decisions(result, frames, last_alert_s, reason):
    decision = decide(result, frames, last_alert_s, 100.0, RULES)
    if reason is None:
        assert decision == Match(FIRST, result.candidates[0].similarity, RULES.threshold, frames)
    else:
        assert decision == Withheld(reason)


def test_cooldown_is_of_each_entry_apart():
    alerted = {FIRST: 95.0}
    assert decide(found((FIRST, 0.9)), 5, alerted, 100.0, RULES) == Withheld(Reason.ALERTED_RECENTLY)
    assert isinstance(decide(found((SECOND, 0.9)), 5, alerted, 100.0, RULES), Match)


def test_unknown_result_never_latches_over_a_later_true_match():
    unsure = [found(), found((FIRST, 0.51), runner_up=0.5), found(runner_up=0.4999)]
    for result in unsure * 10:
        assert isinstance(decide(result, 5, {}, 100.0, RULES), Withheld)
    assert isinstance(decide(found((FIRST, 0.9)), 5, {}, 100.0, RULES), Match)


SIMILARITIES = st.floats(-1, 1)
RESULTS = st.builds(
    lambda scores, runner_up: found(
        *((f"{index:032x}", score) for index, score in enumerate(sorted(scores, reverse=True))), runner_up=runner_up
    ),
    st.lists(SIMILARITIES, max_size=4),
    SIMILARITIES,
)
ALL_RULES = st.builds(Rules, st.floats(0.01, 0.99), st.integers(1, 6), st.floats(0, 0.5), st.floats(0, 100))
ALERTED = st.dictionaries(st.integers(0, 3).map(lambda index: f"{index:032x}"), st.floats(0, 200))


@given(RESULTS, st.integers(0, 8), ALERTED, st.floats(0, 200), ALL_RULES)
def test_never_a_match_below_threshold_with_fewer_frames_without_margin_or_too_soon(
    result, frames, last_alert_s, now_s, rules
):
    decision = decide(result, frames, last_alert_s, now_s, rules)
    if isinstance(decision, Match):
        best = result.candidates[0]
        assert (decision.entry_id, decision.similarity, decision.threshold, decision.frames_fused) == (
            best.entry_id,
            best.similarity,
            rules.threshold,
            frames,
        )
        assert best.similarity >= rules.threshold
        assert frames >= rules.frames_min
        assert best.similarity - result.runner_up_similarity >= rules.margin_min
        assert now_s - last_alert_s.get(best.entry_id, float("-inf")) >= rules.cooldown_s
    else:
        assert isinstance(decision, Withheld)


@given(RESULTS, st.integers(0, 8), ALERTED, st.floats(0, 200), ALL_RULES)
def test_deciding_is_pure(result, frames, last_alert_s, now_s, rules):
    held = MappingProxyType(dict(last_alert_s))
    first = decide(result, frames, held, now_s, rules)
    assert decide(result, frames, held, now_s, rules) == first
    assert dict(held) == last_alert_s
