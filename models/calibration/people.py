"""Photographs of people, one folder for each, to templates: through the face path that runs on the van."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge.devices import Runtime
from edge.errors import CalibrationDataInvalid, EnrolmentRefused
from edge.trust.packs import VerifiedPack
from edge.vision.enrol import FacePath, read_photograph
from models.accuracy import Templates

PICTURE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp"})


@dataclass(frozen=True)
class PersonPhotographs:
    """A person, and the photographs there are."""

    person: str
    photographs: tuple[Path, ...]


def find_people(folders: Sequence[Path]) -> tuple[PersonPhotographs, ...]:
    """The people below the folders, by name.

    Raises: CalibrationDataInvalid for a folder without any, or a name in two of them.
    """
    people: dict[str, PersonPhotographs] = {}
    for folder in folders:
        found = [_person(path) for path in sorted(folder.iterdir()) if path.is_dir()] if folder.is_dir() else []
        if not any(person.photographs for person in found):
            raise CalibrationDataInvalid(f"{folder}: no photographs; need one folder of pictures for each person")
        for person in found:
            if person.person in people:
                raise CalibrationDataInvalid(f"{folder}: a person is called {person.person}, as in another folder")
            if person.photographs:
                people[person.person] = person
    return tuple(people.values())


def merge_people(people: Sequence[PersonPhotographs], same: Mapping[str, str]) -> tuple[PersonPhotographs, ...]:
    """People under two names made one. same: a name, and the name whose photographs its are added to.

    Raises: CalibrationDataInvalid for a name that is nobody's.
    """
    merged = {person.person: person.photographs for person in people}
    for other, kept in same.items():
        for name in (other, kept):
            if name not in merged:
                raise CalibrationDataInvalid(f"{kept}={other}: nobody is called {name}")
        merged[kept] += merged.pop(other)
    return tuple(PersonPhotographs(name, photographs) for name, photographs in merged.items())


def templates_of(
    pack: VerifiedPack,
    runtime: Runtime,
    people: Sequence[PersonPhotographs],
    workers: int,
    report: Callable[[int, int], None],
) -> Templates:
    """A template of every photograph, of its face nearest the middle; a row of NaN where there is none to be had.

    report: told how many photographs are done, of how many. Raises: ModelRejected, PackShapeMismatch,
    DelegateUnavailable.
    """
    photographs = [(person.person, path) for person in people for path in person.photographs]
    nobody = np.full(pack.manifest.embedder.dimension, np.nan, np.float32)
    own = threading.local()
    done = itertools.count(1)

    def template(path: Path) -> NDArray[np.float32]:
        if not hasattr(own, "path"):
            own.path = FacePath(pack, runtime)
        try:
            vector: NDArray[np.float32] = own.path.template_of_central_face(read_photograph(path)).vector
            return vector
        except EnrolmentRefused:
            return nobody
        finally:
            report(next(done), len(photographs))

    with ThreadPoolExecutor(workers) as pool:
        vectors = list(pool.map(template, [path for _, path in photographs]))
    return Templates(np.stack(vectors), tuple(person for person, _ in photographs))


def _person(folder: Path) -> PersonPhotographs:
    return PersonPhotographs(
        folder.name, tuple(path for path in sorted(folder.iterdir()) if path.suffix.lower() in PICTURE_SUFFIXES)
    )
