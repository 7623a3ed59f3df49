"""A folder of people: FOLDER/<person>/*.jpg or FOLDER/<person>.jpg, or both."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from edge.errors import PhotographsMissing
from provisioning.photographs import PICTURE_SUFFIXES


@dataclass(frozen=True)
class PersonPhotographs:
    """One person and the files that show them, by name in ascending order."""

    person: str
    photographs: tuple[Path, ...]


def find_people(folder: Path) -> tuple[PersonPhotographs, ...]:
    """Everyone a folder holds, in ascending order of name. Raises: PhotographsMissing."""
    if not folder.is_dir():
        raise PhotographsMissing(f"{folder}: no folder here; need FOLDER/<person>/*.jpg or FOLDER/<person>.jpg")
    found: dict[str, list[Path]] = {}
    for path in sorted(folder.iterdir()):
        if path.name.startswith("."):
            continue
        if path.is_dir():
            pictures = sorted(inner for inner in path.iterdir() if _is_photograph(inner))
            if pictures:
                found.setdefault(path.name, []).extend(pictures)
        elif _is_photograph(path):
            found.setdefault(path.stem, []).append(path)
    if not found:
        raise PhotographsMissing(f"{folder}: no photographs; need FOLDER/<person>/*.jpg or FOLDER/<person>.jpg")
    return tuple(PersonPhotographs(person, tuple(found[person])) for person in sorted(found))


def _is_photograph(path: Path) -> bool:
    return path.suffix.lower() in PICTURE_SUFFIXES and not path.name.startswith(".") and path.is_file()
