"""Accuracy from templates alone: who is enrolled, who is searched for, and how often the right one is found.

Rendered people and photographs, single frames and whole passages share this path; no picture is needed. Measures as
in ISO/IEC 19795-1: FPIR is the share of non-mated searches that return anyone at or above the threshold, TPIR the
share of mated searches that return the mate. A search without a template (no face was found) is a miss.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.intervals import Interval, clopper_pearson
from models.openset import NOT_COMPARED, operating_point

_WEIGHT_MIN = 1e-3
"""As the van fuses (edge/vision/fuse.py): a frame of no quality at all still has a say."""


@dataclass(frozen=True, eq=False)
class Templates:
    """vectors: float32 (n, d), norm 1, a row of NaN where no face was found. people: whose they are, n ids."""

    vectors: NDArray[np.float32]
    people: tuple[str, ...]

    def __post_init__(self) -> None:
        """Raises: ValueError when there is not one person for each vector."""
        if self.vectors.ndim != 2 or len(self.vectors) != len(self.people):
            raise ValueError(f"{len(self.people)} people for templates of shape {self.vectors.shape}, need (n, d)")


@dataclass(frozen=True, eq=False)
class SearchScores:
    """What searches returned. mated: float64 (m,), each search's similarity to its mate; non_mated: float64 (k,),
    each search's highest similarity; NOT_COMPARED for a search without a template. Whose searches they were besides.
    """

    mated: NDArray[np.float64]
    mated_people: tuple[str, ...]
    non_mated: NDArray[np.float64]
    non_mated_people: tuple[str, ...]


@dataclass(frozen=True)
class Rate:
    """A share of searches, and of how many people they were.

    interval: Clopper-Pearson, 95 %, as if each person had been searched once: searches of one person succeed and
    fail together, and to count them singly would promise too much.
    """

    successes: int
    trials: int
    people: int
    interval: Interval


@dataclass(frozen=True)
class Accuracy:
    """Both rates at a threshold; None where no search was of that kind."""

    threshold: float
    tpir: Rate | None
    fpir: Rate | None


def search(gallery: Templates, probes: Templates) -> SearchScores:
    """Search a gallery with every probe; mated are the probes whose person is enrolled.

    Several templates of one person in the gallery are one entry each; the best counts.
    """
    enrolled = [i for i, vector in enumerate(gallery.vectors) if np.isfinite(vector).all()]
    entries = gallery.vectors[enrolled].astype(np.float64)
    owners = np.array([gallery.people[i] for i in enrolled])
    listed = set(gallery.people)
    mated, non_mated = [], []
    for vector, person in zip(probes.vectors.astype(np.float64), probes.people, strict=True):
        scores = entries @ vector
        if person in listed:
            own = scores[owners == person]
            mated.append((own.max(initial=NOT_COMPARED) if np.isfinite(vector).all() else NOT_COMPARED, person))
        else:
            non_mated.append((scores.max(initial=NOT_COMPARED) if np.isfinite(vector).all() else NOT_COMPARED, person))
    return SearchScores(
        np.array([score for score, _ in mated], np.float64),
        tuple(person for _, person in mated),
        np.array([score for score, _ in non_mated], np.float64),
        tuple(person for _, person in non_mated),
    )


def fuse_passages(frames: Templates, passages: Sequence[str], qualities: NDArray[np.float32]) -> Templates:
    """One template for each passage, as the van fuses: the mean direction, weighted by quality.

    passages: n names; frames of one name are one person's. qualities: float32 (n,), 0..1. Frames without a template
    are left out; a passage of nothing else is a row of NaN. Passages come in the order of their first frames.
    Raises: ValueError when a passage has frames of two people.
    """
    rows: dict[str, list[int]] = {}
    for row, passage in enumerate(passages):
        rows.setdefault(passage, []).append(row)
    fused, people = [], []
    for passage, members in rows.items():
        owners = {frames.people[row] for row in members}
        if len(owners) != 1:
            raise ValueError(f"passage {passage} has frames of {', '.join(sorted(owners))}; need one person")
        weights = np.maximum(qualities[members], _WEIGHT_MIN)[:, None]
        total = np.nansum(weights * frames.vectors[members], axis=0)
        norm = np.linalg.norm(total)
        fused.append(total / norm if norm > 0 else np.full_like(total, np.nan))
        people.append(owners.pop())
    return Templates(np.stack(fused).astype(np.float32), tuple(people))


def accuracy_at(scores: SearchScores, threshold: float) -> Accuracy:
    """TPIR and FPIR at a threshold."""
    return Accuracy(
        threshold,
        _rate(scores.mated >= threshold, scores.mated_people),
        _rate(scores.non_mated >= threshold, scores.non_mated_people),
    )


def accuracy_at_fpir(scores: SearchScores, fpir_max: float) -> Accuracy:
    """At the lowest threshold at which no more than fpir_max of the non-mated searches return anyone."""
    return accuracy_at(scores, operating_point(scores.mated.tolist(), scores.non_mated.tolist(), fpir_max).threshold)


def accuracy_by_group(scores: SearchScores, threshold: float, groups: Mapping[str, str]) -> dict[str, Accuracy]:
    """The same for each group of people, by name of the group: all at one threshold, as a van has one.

    groups: each person's declared attribute (ISO/IEC 19795-10). Raises: KeyError for a person without one.
    """
    mated_groups = np.array([groups[person] for person in scores.mated_people])
    non_mated_groups = np.array([groups[person] for person in scores.non_mated_people])

    def part(group: str) -> SearchScores:
        mated, non_mated = np.flatnonzero(mated_groups == group), np.flatnonzero(non_mated_groups == group)
        return SearchScores(
            scores.mated[mated],
            tuple(scores.mated_people[i] for i in mated),
            scores.non_mated[non_mated],
            tuple(scores.non_mated_people[i] for i in non_mated),
        )

    names = sorted({*mated_groups.tolist(), *non_mated_groups.tolist()})
    return {group: accuracy_at(part(group), threshold) for group in names}


def _rate(successes: NDArray[np.bool_], people: Sequence[str]) -> Rate | None:
    """None where nobody was searched for. A share of people that is no whole number is rounded to the nearest."""
    if not len(successes):
        return None
    found, trials, persons = int(successes.sum()), len(successes), len(set(people))
    interval = clopper_pearson(round(found / trials * persons), persons)
    share = found / trials
    return Rate(found, trials, persons, Interval(share, min(interval.low, share), max(interval.high, share)))
