"""Comparisons of people with other people: the highest of them kept, everything counted.

A calibration asks how often a stranger is taken for somebody on a list of N. What decides that is the upper tail of
the similarities between different people, so only the tail is kept: for each probe, which other people's entries come
closest.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge.errors import CalibrationDataInvalid
from models.accuracy import Templates

KEPT_SHARE = 0.01
"""Of all comparisons. At a list of 100 it reaches down to an FPIR of about one half."""

PEOPLE_MIN = 50
_CHUNK = 256


@dataclass(frozen=True, eq=False)
class NonMated:
    """The comparisons of different people at or above `floor`, best first.

    score: float64 (k,); probe: int64 (k,) which template was searched for; person, entry: int64 (k,) whose it is, and
    whose entry it came close to, each 0..people-1. probes_of: int64 (people,), templates that each person has.
    """

    score: NDArray[np.float64]
    probe: NDArray[np.int64]
    person: NDArray[np.int64]
    entry: NDArray[np.int64]
    probes_of: NDArray[np.int64]
    names: tuple[str, ...]
    floor: float
    comparisons: int

    @property
    def people(self) -> int:
        """How many people were compared with one another."""
        return len(self.names)

    def pairs_at(self, threshold: float) -> int:
        """How many different pairs of people have a comparison at or above a threshold."""
        above = self.score >= threshold
        first = np.minimum(self.person[above], self.entry[above])
        second = np.maximum(self.person[above], self.entry[above])
        return len(np.unique(first * self.people + second))

    def most_alike(self, count: int) -> list[tuple[str, str, float]]:
        """The pairs of people that look most alike, each once: twins, or one person under two names."""
        best: dict[tuple[int, int], float] = {}
        for person, entry, score in zip(self.person, self.entry, self.score, strict=True):
            best.setdefault((min(person, entry), max(person, entry)), float(score))
            if len(best) >= count:
                break
        return [(self.names[a], self.names[b], score) for (a, b), score in best.items()]


def compare_people(templates: Templates) -> NonMated:
    """Compare every template with the entry of every other person: the first template that is theirs.

    Raises: CalibrationDataInvalid for fewer than 50 people with a template.
    """
    usable = np.flatnonzero(np.isfinite(templates.vectors).all(axis=1))
    vectors = templates.vectors[usable]
    names, first, owner = np.unique(
        np.array([templates.people[i] for i in usable], dtype=np.str_), return_index=True, return_inverse=True
    )
    if len(names) < PEOPLE_MIN:
        raise CalibrationDataInvalid(
            f"{len(names)} people with a usable face, need {PEOPLE_MIN}: among few, what is rare is not seen"
        )
    entries = vectors[first].astype(np.float64)
    comparisons = len(vectors) * (len(names) - 1)
    floor = _floor(vectors, owner, entries, comparisons)
    found: list[tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]] = []
    for start, scores in _scores(vectors, owner, entries):
        rows, columns = np.nonzero(scores >= floor)
        found.append((scores[rows, columns], rows + start, columns))
    score, probe, entry = (np.concatenate(part) for part in zip(*found, strict=True))
    best_first = np.lexsort((entry, probe, -score))
    probe = probe[best_first].astype(np.int64)
    return NonMated(
        score=score[best_first],
        probe=probe,
        person=owner[probe].astype(np.int64),
        entry=entry[best_first].astype(np.int64),
        probes_of=np.bincount(owner, minlength=len(names)).astype(np.int64),
        names=tuple(names.tolist()),
        floor=floor,
        comparisons=comparisons,
    )


def _scores(
    vectors: NDArray[np.float32], owner: NDArray[np.int64], entries: NDArray[np.float64]
) -> Iterator[tuple[int, NDArray[np.float64]]]:
    """Similarities of some probes with every entry, a few rows at a time; own entries are -2."""
    for start in range(0, len(vectors), _CHUNK):
        scores = vectors[start : start + _CHUNK].astype(np.float64) @ entries.T
        scores[np.arange(len(scores)), owner[start : start + _CHUNK]] = -2.0
        yield start, scores


def _floor(
    vectors: NDArray[np.float32], owner: NDArray[np.int64], entries: NDArray[np.float64], comparisons: int
) -> float:
    """The similarity that KEPT_SHARE of the comparisons reach, to a thousandth, downwards."""
    edges = np.linspace(-1.0, 1.001, 2002)
    counts = np.zeros(len(edges) - 1, np.int64)
    for _, scores in _scores(vectors, owner, entries):
        counts += np.histogram(scores, edges)[0]
    above = np.cumsum(counts[::-1])[::-1]
    return float(edges[:-1][above >= KEPT_SHARE * comparisons].max(initial=-1.0))
