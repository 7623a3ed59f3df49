"""Score: the room's alerts against who was really there."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from hwsim.street.truth import Truth

PASSED_FACE_WIDTH_MIN_PX = 24.0
PASSED_VISIBLE_MIN = 0.9


@dataclass(frozen=True)
class FaceAt:
    """Where an alert says its face was, px."""

    left_px: float
    top_px: float
    width_px: float
    height_px: float


@dataclass(frozen=True)
class Verdict:
    """An alert and who was really there: a person of the truth, or None where it knows of nobody."""

    event_id: str
    reference: str
    really: str | None

    @property
    def right(self) -> bool:
        return self.really == self.reference


@dataclass(frozen=True)
class Outcome:
    """People, not frames: who passed, who of them is on the list, who was found, and who was taken for another."""

    passed: frozenset[str]
    on_list: frozenset[str]
    alerted: frozenset[str]
    missed: frozenset[str]
    false_alerts: int
    verdicts: tuple[Verdict, ...]


def judge(alert: dict[str, Any], truth: Truth) -> Verdict:
    """Who was really at the place and moment that an alert (a line of alerts.jsonl) names."""
    face = FaceAt(*(float(alert["face_px"][name]) for name in ("left", "top", "width", "height")))
    really = truth.person_at_time(float(alert["taken_s"]), face)
    return Verdict(alert["event_id"], alert["reference"], really)


def score(alerts: Sequence[dict[str, Any]], truth: Truth, references: Collection[str]) -> Outcome:
    """alerts: lines of alerts.jsonl. references: everyone on the watchlist."""
    verdicts = tuple(judge(alert, truth) for alert in alerts)
    passed = frozenset(truth.people_passed(PASSED_FACE_WIDTH_MIN_PX, PASSED_VISIBLE_MIN))
    on_list = passed & frozenset(references)
    alerted = frozenset(verdict.reference for verdict in verdicts if verdict.right)
    return Outcome(
        passed=passed,
        on_list=on_list,
        alerted=alerted,
        missed=on_list - alerted,
        false_alerts=sum(not verdict.right for verdict in verdicts),
        verdicts=verdicts,
    )
