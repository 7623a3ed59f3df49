"""Which photographs a row means: files below one folder, and nothing outside it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from edge.errors import EntriesInvalid
from provisioning.entries import EntryRow, EntryTable, RefusedRow

PICTURE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp"})
PHOTOGRAPHS_PER_PERSON_MAX = 5


@dataclass(frozen=True)
class Row:
    """A row and its photographs."""

    entry: EntryRow
    photographs: tuple[Path, ...]


class PhotographFolder:
    """The folder of a build's photographs."""

    def __init__(self, folder: Path) -> None:
        """Raises: EntriesInvalid when it is none."""
        if not folder.is_dir():
            raise EntriesInvalid(f"{folder}: no such folder; need the folder with the photographs that the table names")
        self.folder = folder
        self._base = folder.resolve()

    def of(self, row: EntryRow) -> tuple[tuple[Path, ...], str | None]:
        """A row's photographs, or none and what is wrong; the row's folder, file, or whatever is called as it is."""
        given = row.photograph or row.reference
        found = self._named(given) if row.photograph else self._by_reference(given)
        if not found:
            where = f"{given}" if row.photograph else f"{given}, {given}.jpg or the like"
            return (), f"photograph: nothing at {where} below {self.folder}"
        if len(found) > PHOTOGRAPHS_PER_PERSON_MAX:
            return (), f"photograph: {len(found)} pictures in {given}, at most {PHOTOGRAPHS_PER_PERSON_MAX} are used"
        if any(not path.resolve().is_relative_to(self._base) for path in found):
            return (), f"photograph: {given} leads out of {self.folder}"
        return found, None

    def name_of(self, path: Path) -> str:
        """A photograph's path below the folder."""
        return path.relative_to(self.folder).as_posix()

    def _named(self, given: str) -> tuple[Path, ...]:
        path = self.folder / given
        try:
            if path.is_dir():
                return tuple(sorted(each for each in path.iterdir() if _is_picture(each)))
            return (path,) if path.is_file() else ()
        except (OSError, ValueError):  # a name that no file system takes
            return ()

    def _by_reference(self, reference: str) -> tuple[Path, ...]:
        if "/" in reference or reference in (".", ".."):
            return ()
        suffixes = sorted(PICTURE_SUFFIXES) + sorted(suffix.upper() for suffix in PICTURE_SUFFIXES)
        found = [path for each in ("", *suffixes) for path in self._named(reference + each)]
        return tuple(found)


def find_rows(table: EntryTable, folder: PhotographFolder) -> tuple[tuple[Row, ...], tuple[RefusedRow, ...]]:
    """The rows whose photographs are there, and all that are refused so far, in the table's order."""
    rows, refused = [], list(table.refused)
    for entry in table.rows:
        photographs, mistake = folder.of(entry)
        if mistake is None:
            rows.append(Row(entry, photographs))
        else:
            refused.append(RefusedRow(entry.line, entry.reference, (mistake,)))
    return tuple(rows), tuple(sorted(refused, key=lambda row: row.line))


def _is_picture(path: Path) -> bool:
    return path.is_file() and path.suffix.lower() in PICTURE_SUFFIXES and not path.name.startswith(".")
