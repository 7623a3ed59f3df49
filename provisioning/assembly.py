"""Findings put together: which rows become entries, which are refused, and who looks like whom."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge.records import Quality
from edge.trust.packs import VerifiedPack
from provisioning.entries import EntryRow, RefusedRow
from provisioning.examine import Finding, Outcome
from provisioning.likeness import Pair, find_pairs, review_similarity
from provisioning.photographs import PhotographFolder, Row
from provisioning.work_file import WorkFile


@dataclass(frozen=True)
class Alike:
    """Another entry that may be the same person. photograph: of the other, below the photographs' folder."""

    reference: str
    similarity: float
    photograph: str
    sha256: str


@dataclass(frozen=True)
class PhotographLine:
    """A photograph in the report. photograph: below the folder. sha256: of its file. enrolled: its template counts."""

    entry: EntryRow
    photograph: str
    sha256: str
    outcome: Outcome
    message: str
    quality: Quality | None
    enrolled: bool
    alike: tuple[Alike, ...] = ()


@dataclass(frozen=True, eq=False)
class Built:
    """What a build came to. rows: those on the list, in the order of the list's vectors."""

    rows: tuple[EntryRow, ...]
    vectors: NDArray[np.float32]
    shown: tuple[str, ...]
    lines: tuple[PhotographLine, ...]
    refused: tuple[RefusedRow, ...]
    similarity_min: float


def assemble(
    rows: Sequence[Row],
    refused: Sequence[RefusedRow],
    hashes: dict[Path, str],
    work: WorkFile,
    folder: PhotographFolder,
    pack: VerifiedPack,
    backend: str,
    similarity_min: float | None = None,
) -> Built:
    """Entries of what was found, and the report of it. similarity_min: of a duplicate; None asks the calibration."""
    owners: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        for path in row.photographs:
            owners[hashes[path]].add(row.entry.reference)
    listed: list[EntryRow] = []
    vectors: list[NDArray[np.float32]] = []
    shown: list[str] = []
    lines: list[PhotographLine] = []
    more_refused = list(refused)
    for row in rows:
        findings = {path: work.get(hashes[path]) for path in row.photographs}
        mistakes = [
            f"{folder.name_of(path)}: the very same photograph is given to {', '.join(sorted(others)[:4])}"
            for path in row.photographs
            if (others := owners[hashes[path]] - {row.entry.reference})
        ]
        used = [] if mistakes else [(each, each.vector) for each in findings.values() if each.vector is not None]
        if not used and not mistakes:
            mistakes = [f"{folder.name_of(path)}: {finding.message}" for path, finding in findings.items()]
        for path, finding in findings.items():
            twice = finding.outcome == "accepted" and len(owners[finding.sha256]) > 1
            lines.append(
                PhotographLine(
                    entry=row.entry,
                    photograph=folder.name_of(path),
                    sha256=finding.sha256,
                    outcome="duplicate" if twice else finding.outcome,
                    message="the very same photograph is given to another row" if twice else finding.message,
                    quality=finding.quality,
                    enrolled=bool(used) and finding.vector is not None,
                )
            )
        if not used:
            more_refused.append(RefusedRow(row.entry.line, row.entry.reference, tuple(mistakes)))
            continue
        total = np.sum([vector for _, vector in used], axis=0)
        listed.append(row.entry)
        vectors.append(np.asarray(total / np.linalg.norm(total), np.float32))
        shown.append(max((each for each, _ in used), key=_score).sha256)
    matrix = np.stack(vectors) if vectors else np.zeros((0, pack.manifest.embedder.dimension), np.float32)
    least = review_similarity(pack, backend, len(listed)) if similarity_min is None else similarity_min
    alike = _alike(find_pairs(matrix, least), listed, shown, lines)
    marked = [_marked(line, alike.get(line.entry.reference, ())) for line in lines]
    in_order = tuple(sorted(more_refused, key=lambda row: row.line))
    return Built(tuple(listed), matrix, tuple(shown), tuple(marked), in_order, least)


def _score(finding: Finding) -> float:
    return 0.0 if finding.quality is None else finding.quality.score


def _alike(
    pairs: Sequence[Pair], listed: Sequence[EntryRow], shown: Sequence[str], lines: Sequence[PhotographLine]
) -> dict[str, tuple[Alike, ...]]:
    names = {(line.entry.reference, line.sha256): line.photograph for line in lines}
    found: dict[str, list[Alike]] = defaultdict(list)
    for pair in pairs:
        for one, other in ((pair.first, pair.second), (pair.second, pair.first)):
            reference, sha256 = listed[other].reference, shown[other]
            similarity = round(pair.similarity, 3)
            found[listed[one].reference].append(Alike(reference, similarity, names[reference, sha256], sha256))
    return {reference: tuple(each) for reference, each in found.items()}


def _marked(line: PhotographLine, alike: tuple[Alike, ...]) -> PhotographLine:
    if not alike or not line.enrolled:
        return line
    most = alike[0]
    more = f" and {len(alike) - 1} more" if len(alike) > 1 else ""
    message = f"as like {most.reference} as one person is ({most.similarity:.2f}){more}: neither may ever alert"
    return replace(line, outcome="duplicate", message=message, alike=alike)
