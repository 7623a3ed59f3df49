"""Random draws for people: bounded, so that nobody is born outside what a body can be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

_T = TypeVar("_T")
_NORMAL_LIMIT_SD = 2.4


@dataclass(frozen=True)
class Draws:
    """A generator with the few distributions that people are drawn from."""

    generator: np.random.Generator

    def around(self, middle: float, half: float) -> float:
        """From `middle - half` to `middle + half`, a little more often near the ends (arcsine): a wide spread within
        what is human tells people apart better than a bell."""
        return float(middle + half * np.sin(0.5 * np.pi * self.generator.uniform(-1.0, 1.0)))

    def bell(self, middle: float, sd: float) -> float:
        """Normal, cut at 2.4 standard deviations."""
        z = np.clip(self.generator.standard_normal(), -_NORMAL_LIMIT_SD, _NORMAL_LIMIT_SD)
        return float(middle + sd * z)

    def between(self, low: float, high: float) -> float:
        return float(self.generator.uniform(low, high))

    def chance(self, share: float) -> bool:
        return bool(self.generator.random() < share)

    def pick(self, items: Sequence[_T], weights: Sequence[float]) -> _T:
        """One of `items`; `weights` need not sum to one."""
        share = np.asarray(weights, np.float64)
        return items[int(self.generator.choice(len(items), p=share / share.sum()))]
