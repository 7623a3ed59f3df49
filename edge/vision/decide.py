"""Decide: alert or withhold, and why. Pure: the same facts give the same decision, today and in a replay."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from edge.records import Decision, Match, Reason, SearchResult, Withheld


@dataclass(frozen=True)
class Rules:
    """threshold: the order's. The rest: the box's configuration."""

    threshold: float
    frames_min: int
    margin_min: float
    cooldown_s: float


def decide(
    result: SearchResult, frames_fused: int, last_alert_s: Mapping[str, float], now_s: float, rules: Rules
) -> Decision:
    """Whether a passage's fused template is an alert.

    result: of the search at `rules.threshold`. last_alert_s: by entry, when it last alerted; now_s on the same
    time line. A person at a terminal decides what an alert means; this decides only that they are asked.
    """
    if frames_fused < rules.frames_min:
        return Withheld(Reason.TOO_FEW_FRAMES)
    if not result.candidates:
        return Withheld(Reason.BELOW_THRESHOLD)
    best = result.candidates[0]
    if best.similarity < rules.threshold:
        return Withheld(Reason.BELOW_THRESHOLD)
    if best.similarity - result.runner_up_similarity < rules.margin_min:
        return Withheld(Reason.AMBIGUOUS)
    alerted_s = last_alert_s.get(best.entry_id)
    if alerted_s is not None and now_s - alerted_s < rules.cooldown_s:
        return Withheld(Reason.ALERTED_RECENTLY)
    return Match(best.entry_id, best.similarity, rules.threshold, frames_fused, best.category, best.response)
