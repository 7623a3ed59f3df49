"""Every photograph of a build looked at, by several workers; what was found before is not done again."""

from __future__ import annotations

import hashlib
import json
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import local

from edge.trust.packs import VerifiedPack
from edge.vision.enrol import FacePath
from provisioning.examine import EXAMINATION, PHOTOGRAPH_MAX_BYTES, Examiner, Finding
from provisioning.photographs import Row
from provisioning.work_file import WorkFile

_IN_FLIGHT = 8
"""Photographs read ahead for each worker."""


@dataclass(frozen=True)
class Progress:
    """How far it is. resumed: of those done, found in the work file of before."""

    done: int
    total: int
    resumed: int


def work_context(pack: VerifiedPack, backend: str) -> bytes:
    """What a finding depends on beside its photograph."""
    return hashlib.sha256(json.dumps([EXAMINATION, pack.sha256, pack.precision, backend]).encode()).digest()


def examine_all(
    rows: Sequence[Row],
    work: WorkFile,
    make_face_path: Callable[[], FacePath],
    workers: int,
    progress: Callable[[Progress], None],
) -> dict[Path, str]:
    """Look at every photograph that the work file does not have; each one's SHA-256.

    make_face_path: called once in each worker thread; an interpreter serves one thread at a time.
    """
    threads = local()

    def look(path: Path) -> tuple[str, Finding | None]:
        data = _read(path)
        sha256 = hashlib.sha256(data).hexdigest()
        if sha256 in work:
            return sha256, None
        if not hasattr(threads, "examiner"):
            threads.examiner = Examiner(make_face_path())
        return sha256, threads.examiner.examine(data)

    paths = list(dict.fromkeys(path for row in rows for path in row.photographs))
    hashes: dict[Path, str] = {}
    resumed = 0
    with ThreadPoolExecutor(workers) as pool:
        for path, (sha256, finding) in _in_order(pool, look, paths, _IN_FLIGHT * workers):
            hashes[path] = sha256
            if finding is None:
                resumed += 1
            elif sha256 not in work:
                work.add(finding)
            progress(Progress(len(hashes), len(paths), resumed))
    return hashes


def _read(path: Path) -> bytes:
    """Up to one byte more than is decoded; a file that cannot be read is one without a picture."""
    try:
        with path.open("rb") as file:
            return file.read(PHOTOGRAPH_MAX_BYTES + 1)
    except OSError:
        return b""


def _in_order(
    pool: ThreadPoolExecutor,
    look: Callable[[Path], tuple[str, Finding | None]],
    paths: Sequence[Path],
    ahead: int,
) -> Iterator[tuple[Path, tuple[str, Finding | None]]]:
    waiting: deque[tuple[Path, Future[tuple[str, Finding | None]]]] = deque()
    try:
        for path in paths:
            waiting.append((path, pool.submit(look, path)))
            if len(waiting) >= ahead:
                first, found = waiting.popleft()
                yield first, found.result()
        while waiting:
            first, found = waiting.popleft()
            yield first, found.result()
    finally:
        for _, found in waiting:
            found.cancel()
