"""Search: every entry of the gallery at or above the threshold, exactly.

A float32 product over the gallery proposes; whatever comes within its error of the threshold is scored again
with exact summation of float64 products (math.fsum), whose result depends on no order and no library. What is
returned is therefore what a brute force in float64 returns (FINDINGS, Matcher).

A gallery is a snapshot of segments: the base, and blocks to which deltas append. Snapshots share the memory; one
sees no row that was appended after it, and none that was dead when it was made. So a delta costs what it changes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence, Set
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge.records import Candidate, SearchResult
from edge.vision.memory import LockedBuffer

PROPOSAL_SLACK = 1.5e-4
"""Above the float32 error of a dot product of two unit vectors, d · 2⁻²⁴, for every d a pack may have (2,048)."""


class Block:
    """Locked memory for some templates. used: how many rows were ever given to a snapshot."""

    def __init__(self, templates: NDArray[np.float32], buffer: LockedBuffer, used: int) -> None:
        """templates: float32 (room, d), lying in `buffer`."""
        self.templates = templates
        self.buffer = buffer
        self.used = used

    @classmethod
    def of_size(cls, rows: int, dimension: int) -> Block:
        """An empty one."""
        buffer = LockedBuffer(rows * dimension * 4)
        return cls(buffer.array("f4", (rows, dimension)), buffer, 0)

    @property
    def room(self) -> int:
        """How many more rows it takes."""
        return len(self.templates) - self.used


@dataclass(frozen=True, eq=False)
class Segment:
    """The first rows of a block, as one snapshot sees them. alive: bool (rows,), never changed once made.

    categories, responses: words, one a row; empty where the list does not say.
    """

    block: Block
    entry_ids: tuple[str, ...]
    alive: NDArray[np.bool_]
    categories: tuple[str, ...] = ()
    responses: tuple[str, ...] = ()

    @property
    def templates(self) -> NDArray[np.float32]:
        """float32 (rows, d)."""
        return self.block.templates[: len(self.entry_ids)]

    def candidate(self, row: int, similarity: float) -> Candidate:
        """A row as a search returns it."""
        if not self.categories:
            return Candidate(self.entry_ids[row], similarity)
        return Candidate(self.entry_ids[row], similarity, self.categories[row], self.responses[row])


class Gallery:
    """The watchlist in memory: immutable until it is overwritten."""

    def __init__(self, entry_ids: Sequence[str], templates: NDArray[np.float32], buffer: LockedBuffer) -> None:
        """templates: float32 (n, d), unit rows, lying in `buffer`, which the gallery owns from here on."""
        if templates.shape[0] != len(entry_ids):
            raise ValueError(f"{len(entry_ids)} ids for {templates.shape[0]} templates")
        block = Block(templates, buffer, len(entry_ids))
        self._hold((Segment(block, tuple(entry_ids), np.ones(len(entry_ids), np.bool_)),))

    @classmethod
    def of_segments(cls, segments: Sequence[Segment]) -> Gallery:
        """A snapshot of segments that were made elsewhere."""
        gallery = cls.__new__(cls)
        gallery._hold(tuple(segments))
        return gallery

    def _hold(self, segments: tuple[Segment, ...]) -> None:
        self.segments = segments
        self._alive = [int(segment.alive.sum()) for segment in segments]

    def __len__(self) -> int:
        return sum(self._alive)

    @property
    def locked(self) -> bool:
        """Whether the templates are kept out of swap."""
        return all(segment.block.buffer.locked for segment in self.segments)

    def search(self, probe: NDArray[np.float32], threshold: float) -> SearchResult:
        """Candidates with similarity >= threshold, best first. probe: float32 (d,), unit length."""
        hits: list[tuple[float, int, int]] = []
        best_below = -1.0
        for place, (segment, alive) in enumerate(zip(self.segments, self._alive, strict=True)):
            templates = segment.templates
            proposed = templates @ probe
            if alive < len(proposed):
                proposed[~segment.alive] = -np.inf
            near = np.flatnonzero(proposed >= threshold - PROPOSAL_SLACK)
            scored = [(_similarity(templates[row], probe), int(row)) for row in near]
            found = [(similarity, row) for similarity, row in scored if similarity >= threshold]
            proposed[[row for _, row in found]] = -np.inf
            best_below = max(best_below, float(proposed.max(initial=-1.0)))
            hits += [(-similarity, place, row) for similarity, row in found]
        candidates = tuple(self.segments[place].candidate(row, -negative) for negative, place, row in sorted(hits))
        return SearchResult(candidates, candidates[1].similarity if len(candidates) > 1 else best_below)

    def among(self, entry_ids: Set[str]) -> dict[str, tuple[int, int]]:
        """Which of these entries are in force, and where: segment and row."""
        return {
            entry_id: (place, row)
            for place, segment in enumerate(self.segments)
            for row, entry_id in enumerate(segment.entry_ids)
            if entry_id in entry_ids and segment.alive[row]
        }

    def entry_ids(self) -> frozenset[str]:
        """Every entry in force."""
        return frozenset(
            entry_id
            for segment in self.segments
            for entry_id, alive in zip(segment.entry_ids, segment.alive.tolist(), strict=True)
            if alive
        )

    def overwrite_all_but(self, kept: Gallery) -> None:
        """Overwrite the templates that `kept` does not search: of entries taken off, of a list that is replaced."""
        shared = {id(segment.block): segment for segment in kept.segments}
        for segment in self.segments:
            other = shared.get(id(segment.block))
            if other is None:
                segment.block.buffer.wipe()
                continue
            gone = segment.alive.copy()
            rows = min(len(gone), len(other.alive))
            gone[:rows] &= ~other.alive[:rows]
            segment.templates[gone] = 0

    def wipe(self) -> None:
        """Overwrite every template."""
        for segment in self.segments:
            segment.block.buffer.wipe()


def _similarity(template: NDArray[np.float32], probe: NDArray[np.float32]) -> float:
    products = template.astype(np.float64) * probe.astype(np.float64)
    return math.fsum(products.tolist())
