"""The tail of the similarities between strangers, by a stated model: generalised Pareto over a high threshold.

Peaks over threshold (Pickands, Annals of Statistics 3, 1975): above a high enough level, exceedances of nearly any
distribution follow a generalised Pareto law. Fitted by probability-weighted moments (Hosking and Wallis, Technometrics
29, 1987), which have a closed form and take weights.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_EXPONENTIAL = 1e-6
"""A shape nearer to 0 than this is the exponential law, its limit."""


@dataclass(frozen=True)
class Tail:
    """P(similarity >= t) = share_above · (1 + shape · (t - level) / scale)^(-1 / shape), for t >= level."""

    level: float
    share_above: float
    scale: float
    shape: float

    def similarity_at(self, share: float) -> float:
        """The similarity that a share of all comparisons reaches, 0 < share <= share_above; 1 at most."""
        ratio = math.log(self.share_above / share)
        if abs(self.shape) < _EXPONENTIAL:
            return min(self.level + self.scale * ratio, 1.0)
        return min(self.level + self.scale * math.expm1(min(self.shape * ratio, 50.0)) / self.shape, 1.0)


def fit_tail(score: NDArray[np.float64], weight: NDArray[np.float64], total: float, share_above: float) -> Tail:
    """Fit to the highest comparisons, best first: score, and weight, its part of `total`, float64 (k,) both.

    The level is where `share_above` of the total is reached.
    """
    heap = np.cumsum(weight)
    count = int(np.searchsorted(heap, share_above * total)) + 1
    level = float(score[min(count, len(score) - 1)])
    excess, mass = score[:count] - level, weight[:count]
    whole = float(mass.sum())
    exceeded = (heap[:count] - mass / 2) / whole
    mean = float((mass * excess).sum() / whole)
    lower = float((mass * exceeded * excess).sum() / whole)
    k = mean / (mean - 2 * lower) - 2
    return Tail(level, whole / total, 2 * mean * lower / (mean - 2 * lower), -k)
