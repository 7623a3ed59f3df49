"""Who looks like whom on one list: pairs of templates at least so alike, found in blocks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge.trust.packs import VerifiedPack

REVIEW_FPIR = 0.01
"""One entry in a hundred is shown for review though it is nobody else's picture: a person looks at each pair."""

UNCALIBRATED = 0.55
PAIRS_MAX = 100_000
_BLOCK = 512


@dataclass(frozen=True)
class Pair:
    """Two rows of a list, first < second."""

    first: int
    second: int
    similarity: float


def find_pairs(vectors: NDArray[np.float32], similarity_min: float) -> tuple[Pair, ...]:
    """Pairs of rows, float32 (n, d) of norm 1, at least so alike; most alike first, PAIRS_MAX of them at most."""
    pairs: list[Pair] = []
    for begin in range(0, len(vectors), _BLOCK):
        block = vectors[begin : begin + _BLOCK]
        for other in range(begin, len(vectors), _BLOCK):
            scores = block @ vectors[other : other + _BLOCK].T
            rows, columns = np.nonzero(scores >= similarity_min)
            for row, column in zip(rows.tolist(), columns.tolist(), strict=True):
                if begin + row < other + column:
                    pairs.append(Pair(begin + row, other + column, float(scores[row, column])))
        if len(pairs) > 2 * PAIRS_MAX:
            pairs = _most_alike(pairs)
    return tuple(_most_alike(pairs))


def review_similarity(pack: VerifiedPack, backend: str, entries: int) -> float:
    """From which similarity on two entries are shown as perhaps one person: what the pack's calibration says."""
    table = None if pack.calibration is None else pack.calibration.table(backend, pack.precision)
    if table is None:
        return UNCALIBRATED
    size = next((each for each in table.sizes() if each >= entries), table.sizes()[-1])
    level = min(table.levels(), key=lambda each: abs(each - REVIEW_FPIR))
    return table.cell(size, level).threshold


def _most_alike(pairs: list[Pair]) -> list[Pair]:
    return sorted(pairs, key=lambda pair: (-pair.similarity, pair.first, pair.second))[:PAIRS_MAX]
