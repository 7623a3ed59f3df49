"""The other half of a build, for the room alone: who each entry is and why, and the photograph to show.

`people.jsonl`: an entry a line, as in the room's bundle (BUNDLE.md 3). `photographs.bin`: their JPEGs, one after
another, in the same order. Both in the clear, readable by their owner alone: seal them (`seal_bundle`), then remove the
build's folder.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from edge.errors import DocumentInvalid
from edge.formats.bundle import BundlePerson
from edge.trust.documents import as_document, canonical, parse_strict
from provisioning.errors import BuiltListInvalid
from provisioning.private_files import open_private

PEOPLE_NAME = "people.jsonl"
PHOTOGRAPHS_NAME = "photographs.bin"

_LINE_MAX_BYTES = 32 * 1024


def write_people(folder: Path, people: Iterable[tuple[BundlePerson, bytes]]) -> None:
    """Write entries and their photographs, in the order given. Raises: OSError."""
    with open_private(folder / PEOPLE_NAME) as lines, open_private(folder / PHOTOGRAPHS_NAME) as photographs:
        for person, jpeg in people:
            lines.write(canonical(person.model_dump(mode="json")) + b"\n")
            photographs.write(jpeg)
        for file in (lines, photographs):
            file.flush()
            os.fsync(file.fileno())


def read_people(folder: Path) -> tuple[BundlePerson, ...]:
    """Every entry of a build's folder. Raises: BuiltListInvalid."""
    path = folder / PEOPLE_NAME
    people = []
    try:
        with path.open("rb") as file:
            for number, line in enumerate(iter(lambda: file.readline(_LINE_MAX_BYTES), b""), 1):
                people.append(_person(line, f"{path}: line {number}"))
    except OSError as error:
        raise BuiltListInvalid(f"{path}: {error.strerror}; build the list again") from None
    if len({person.entry_id for person in people}) != len(people) or not people:
        raise BuiltListInvalid(f"{path}: no entries, or one twice; build the list again")
    return tuple(people)


def read_photographs(folder: Path, people: Iterable[BundlePerson]) -> Iterator[bytes]:
    """The JPEG of each entry, in their order. Raises: BuiltListInvalid when the file is not what they add up to."""
    path = folder / PHOTOGRAPHS_NAME
    try:
        with path.open("rb") as file:
            for person in people:
                jpeg = file.read(person.photograph_bytes)
                if len(jpeg) != person.photograph_bytes:
                    raise BuiltListInvalid(f"{path}: cut short; build the list again")
                yield jpeg
            if file.read(1):
                raise BuiltListInvalid(f"{path}: longer than its entries; build the list again")
    except OSError as error:
        raise BuiltListInvalid(f"{path}: {error.strerror}; build the list again") from None


def references_of(folder: Path) -> dict[str, str]:
    """Entry ids by the room's reference; none where the build's other half is gone. Raises: BuiltListInvalid."""
    if not (folder / PEOPLE_NAME).exists():
        return {}
    return {person.reference: person.entry_id for person in read_people(folder)}


def _person(line: bytes, where: str) -> BundlePerson:
    try:
        if not line.endswith(b"\n"):
            raise DocumentInvalid("cut short, or too long")
        return as_document(parse_strict(line[:-1]), BundlePerson)
    except DocumentInvalid as error:
        raise BuiltListInvalid(f"{where}: {error}; build the list again") from None
