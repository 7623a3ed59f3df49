"""Search: every entry of the gallery at or above the threshold, exactly.

A float32 product over the gallery proposes; whatever comes within its error of the threshold is scored again
with exact summation of float64 products (math.fsum), whose result depends on no order and no library. What is
returned is therefore what a brute force in float64 returns (FINDINGS, Matcher).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from edge.records import Candidate, SearchResult
from edge.vision.memory import LockedBuffer

PROPOSAL_SLACK = 1.5e-4
"""Above the float32 error of a dot product of two unit vectors, d · 2⁻²⁴, for every d a pack may have (2,048)."""


class Gallery:
    """The watchlist in memory: immutable between `open` and `wipe`."""

    def __init__(self, entry_ids: Sequence[str], templates: NDArray[np.float32], buffer: LockedBuffer) -> None:
        """templates: float32 (n, d), unit rows, lying in `buffer`, which the gallery owns from here on."""
        if templates.shape[0] != len(entry_ids):
            raise ValueError(f"{len(entry_ids)} ids for {templates.shape[0]} templates")
        self._entry_ids = tuple(entry_ids)
        self._templates = templates
        self._buffer = buffer

    def __len__(self) -> int:
        return len(self._entry_ids)

    @property
    def locked(self) -> bool:
        """Whether the templates are kept out of swap."""
        return self._buffer.locked

    def search(self, probe: NDArray[np.float32], threshold: float) -> SearchResult:
        """Candidates with similarity >= threshold, best first. probe: float32 (d,), unit length."""
        proposed = self._templates @ probe
        near = np.flatnonzero(proposed >= threshold - PROPOSAL_SLACK)
        scored = [(self._similarity(int(i), probe), int(i)) for i in near]
        hits = sorted((pair for pair in scored if pair[0] >= threshold), key=lambda pair: (-pair[0], pair[1]))
        candidates = tuple(Candidate(self._entry_ids[i], similarity) for similarity, i in hits)
        if len(candidates) > 1:
            return SearchResult(candidates, candidates[1].similarity)
        proposed[[i for _, i in hits]] = -1.0
        return SearchResult(candidates, float(proposed.max(initial=-1.0)))

    def wipe(self) -> None:
        """Overwrite every template."""
        self._buffer.wipe()

    def _similarity(self, index: int, probe: NDArray[np.float32]) -> float:
        products = self._templates[index].astype(np.float64) * probe.astype(np.float64)
        return math.fsum(products.tolist())
