"""Enrolment: a folder of photographs becomes templates, and a report of every photograph that did not.

One file or one folder for each person; its name is only the room's reference and never reaches a van.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge.errors import EnrolmentRefused
from edge.vision.enrol import FacePath, read_photograph

PICTURE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp"})
PHOTOGRAPHS_PER_PERSON_MAX = 5
WORKERS = 2


@dataclass(frozen=True)
class Person:
    """A person to enrol: the room's reference, and the photographs there are."""

    reference: str
    photographs: tuple[Path, ...]


@dataclass(frozen=True, eq=False)
class Entry:
    """An enrolled person. vector: float32 (d,), norm 1. photograph: the one to show the room."""

    entry_id: str
    reference: str
    photograph: Path
    photographs_used: int
    vector: NDArray[np.float32]


@dataclass(frozen=True)
class Refusal:
    """A photograph that could not be used, and why."""

    reference: str
    photograph: Path
    reason: str
    message: str


@dataclass(frozen=True)
class Enrolment:
    """What came of a folder: the entries, and the photographs refused."""

    entries: tuple[Entry, ...]
    refusals: tuple[Refusal, ...]

    def not_enrolled(self) -> tuple[str, ...]:
        """The references of which no photograph could be used."""
        enrolled = {entry.reference for entry in self.entries}
        return tuple(sorted({refusal.reference for refusal in self.refusals} - enrolled))


@dataclass(frozen=True)
class Likeness:
    """Two entries so alike that they may be one person: neither could ever alert (margin rule)."""

    first: str
    second: str
    similarity: float


def list_people(folder: Path) -> tuple[Person, ...]:
    """The people in a folder, by reference. Raises: EnrolmentRefused when there are none."""
    people = []
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path.is_dir():
            pictures = tuple(each for each in sorted(path.iterdir()) if _is_picture(each))
            if pictures:
                people.append(Person(path.name, pictures))
        elif _is_picture(path):
            people.append(Person(path.stem, (path,)))
    if not people:
        raise EnrolmentRefused(f"{folder}: no photographs; need one file or one folder of files for each person")
    references = [person.reference for person in people]
    twice = sorted({name for name in references if references.count(name) > 1})
    if twice:
        raise EnrolmentRefused(f"{folder}: more than one file or folder is called {', '.join(twice[:4])}")
    return tuple(people)


class Enroller:
    """Makes entries with the van's own detector, alignment and embedder."""

    def __init__(self, make_face_path: Callable[[], FacePath]) -> None:
        """make_face_path: called once in each worker thread; an interpreter serves one thread at a time."""
        self._make_face_path = make_face_path
        self._threads = threading.local()

    def enrol(
        self,
        people: Iterable[Person],
        progress: Callable[[Person], None],
        wanted: int | None = None,
        photographs_max: int = PHOTOGRAPHS_PER_PERSON_MAX,
    ) -> Enrolment:
        """Enrol people in their order; stop once `wanted` are enrolled. progress: told of each person done."""
        entries: list[Entry] = []
        refusals: list[Refusal] = []
        queue = iter(people)
        with ThreadPoolExecutor(WORKERS) as pool:
            while wanted is None or len(entries) < wanted:
                batch = list(_take(queue, WORKERS * 8 if wanted is None else min(wanted - len(entries), WORKERS * 8)))
                if not batch:
                    break
                for person, (entry, refused) in zip(
                    batch, pool.map(lambda p: self._enrol_one(p, photographs_max), batch), strict=True
                ):
                    entries += [entry] if entry else []
                    refusals += refused
                    progress(person)
        return Enrolment(tuple(entries), tuple(refusals))

    def _enrol_one(self, person: Person, photographs_max: int) -> tuple[Entry | None, list[Refusal]]:
        if not hasattr(self._threads, "face_path"):
            self._threads.face_path = self._make_face_path()
        used: list[tuple[Path, NDArray[np.float32]]] = []
        refused = []
        for path in person.photographs[:photographs_max]:
            try:
                template = self._threads.face_path.template_of_photograph(read_photograph(path))
                used.append((path, template.vector))
            except EnrolmentRefused as error:
                refused.append(Refusal(person.reference, path, error.reason, str(error)))
        if not used:
            return None, refused
        total = np.sum([vector for _, vector in used], axis=0)
        vector = np.asarray(total / np.linalg.norm(total), np.float32)
        return Entry(secrets.token_hex(16), person.reference, used[0][0], len(used), vector), refused


def find_likenesses(entries: Sequence[Entry], similarity_min: float) -> tuple[Likeness, ...]:
    """Pairs of entries at least so alike, most alike first."""
    if not entries:
        return ()
    matrix = np.stack([entry.vector for entry in entries])
    pairs = []
    for i in range(len(entries) - 1):
        scores = matrix[i + 1 :] @ matrix[i]
        pairs += [(float(scores[k]), i, i + 1 + int(k)) for k in np.flatnonzero(scores >= similarity_min)]
    pairs.sort(key=lambda pair: -pair[0])
    return tuple(Likeness(entries[i].reference, entries[j].reference, round(score, 3)) for score, i, j in pairs)


def _is_picture(path: Path) -> bool:
    return path.is_file() and path.suffix.lower() in PICTURE_SUFFIXES and not path.name.startswith(".")


def _take(queue: Iterator[Person], count: int) -> Iterator[Person]:
    for _ in range(count):
        person = next(queue, None)
        if person is None:
            return
        yield person
