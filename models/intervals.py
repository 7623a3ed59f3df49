"""Exact (Clopper-Pearson) confidence intervals for a proportion: k of n."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

_BISECTIONS = 60


@dataclass(frozen=True)
class Interval:
    """A proportion and the bounds of its confidence interval, each 0..1."""

    share: float
    low: float
    high: float


def clopper_pearson(successes: int, trials: int, confidence: float = 0.95) -> Interval:
    """The interval of Clopper and Pearson (Biometrika 26, 1934), by bisection on the exact binomial tails.

    Raises: ValueError unless 0 <= successes <= trials, trials >= 1 and 0 < confidence < 1.
    """
    if not (0 <= successes <= trials and trials >= 1 and 0 < confidence < 1):
        raise ValueError(f"no interval for {successes} of {trials} at confidence {confidence}")
    tail = (1 - confidence) / 2
    low, high = 0.0, 1.0
    if successes > 0:
        low = _crossing(lambda p: _upper_tail(successes, trials, p) < tail)
    if successes < trials:
        high = _crossing(lambda p: _upper_tail(trials - successes, trials, 1 - p) >= tail)
    return Interval(successes / trials, low, high)


def _crossing(below: Callable[[float], bool]) -> float:
    """The p at which a condition that holds at 0 and not at 1 ceases to hold."""
    low, high = 0.0, 1.0
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        low, high = (middle, high) if below(middle) else (low, middle)
    return (low + high) / 2


def _upper_tail(at_least: int, trials: int, p: float) -> float:
    """P(X >= at_least) for X binomial, 0 < p < 1."""
    log_p, log_q = math.log(p), math.log1p(-p)
    log_all = math.lgamma(trials + 1)
    return math.fsum(
        math.exp(log_all - math.lgamma(k + 1) - math.lgamma(trials - k + 1) + k * log_p + (trials - k) * log_q)
        for k in range(at_least, trials + 1)
    )
