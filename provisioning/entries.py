"""entries.csv: who is to be on the list, and why; a row lacks nothing, or is refused with all its mistakes at once."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import PurePosixPath

from edge.errors import EntriesInvalid
from edge.formats.bundle import LINE_MAX, NAME_MAX, REFERENCE_MAX, TEXT_MAX, text_fault
from edge.formats.categories import CATEGORIES, RESPONSES, Category, Response
from edge.formats.policy import Policy

TABLE_MAX_BYTES = 64 << 20
ROWS_MAX = 200_000
PATH_MAX = 500

REQUIRED = (
    "reference",
    "photograph",
    "category",
    "response",
    "lawful_basis",
    "image_source",
    "image_taken",
    "reason",
    "under_18",
    "under_18_rationale",
)
OPTIONAL = ("name",)
LONGEST = {
    "reference": REFERENCE_MAX,
    "photograph": PATH_MAX,
    "lawful_basis": LINE_MAX,
    "image_source": LINE_MAX,
    "reason": TEXT_MAX,
    "under_18_rationale": TEXT_MAX,
    "name": NAME_MAX,
}
_MAY_BE_EMPTY = ("photograph", "under_18_rationale", "name")
_OLDEST = date(1900, 1, 1)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


@dataclass(frozen=True)
class EntryRow:
    """A row that holds all it must. photograph: a path below the folder of photographs; empty: by reference."""

    line: int
    reference: str
    name: str | None
    photograph: str
    category: Category
    response: Response
    lawful_basis: str
    image_source: str
    image_taken: str
    reason: str
    under_18: bool
    under_18_rationale: str | None


@dataclass(frozen=True)
class RefusedRow:
    """A row that is left out, with everything that is wrong with it."""

    line: int
    reference: str
    mistakes: tuple[str, ...]


@dataclass(frozen=True)
class EntryTable:
    """What a table came to, in its order."""

    rows: tuple[EntryRow, ...]
    refused: tuple[RefusedRow, ...]


def read_entries(data: bytes, policy: Policy, today: date, where: str) -> EntryTable:
    """Every row, good or refused. where: the file, for messages.

    Raises: EntriesInvalid when the table as a whole cannot be read: encoding, columns, size.
    """
    lines = _lines(data, where)
    columns = _columns(next(lines, (1, []))[1], where)
    read = []
    for line, cells in lines:
        if cells:
            read.append((line, cells))
        if len(read) > ROWS_MAX:
            raise EntriesInvalid(f"{where}: more than {ROWS_MAX} rows; a watchlist holds no more")
    if not read:
        raise EntriesInvalid(f"{where}: no rows below the columns' names")
    known = Counter(_folded(cells[columns["reference"]]) for _, cells in read if len(cells) == len(columns))
    rows: list[EntryRow] = []
    refused: list[RefusedRow] = []
    for line, cells in read:
        row = _read_row(line, cells, columns, policy, today, known)
        (rows if isinstance(row, EntryRow) else refused).append(row)  # type: ignore[arg-type]
    if len(rows) > policy.entries_max:
        raise EntriesInvalid(
            f"{where}: {len(rows)} rows, and policy {policy.name}-{policy.version} allows {policy.entries_max} entries"
        )
    return EntryTable(tuple(rows), tuple(refused))


def _lines(data: bytes, where: str) -> Iterator[tuple[int, list[str]]]:
    """The number and the cells of each line. Raises: EntriesInvalid."""
    if len(data) > TABLE_MAX_BYTES:
        raise EntriesInvalid(f"{where}: more than {TABLE_MAX_BYTES} bytes")
    if b"\0" in data:
        raise EntriesInvalid(f"{where}: holds NUL bytes: no CSV, or in UTF-16; save it as CSV in UTF-8")
    try:
        text = data.decode("utf-8-sig")  # spreadsheets put a byte order mark before UTF-8
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise EntriesInvalid(f"{where}: line {line}: no UTF-8; save it as CSV in UTF-8") from None
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    begin = 1
    try:
        for cells in reader:
            yield begin, [cell.strip() for cell in cells]
            begin = reader.line_num + 1
    except csv.Error as error:
        raise EntriesInvalid(f"{where}: line {begin}: no CSV from here on: {error}") from None


def _columns(names: list[str], where: str) -> dict[str, int]:
    """Where each column stands. Raises: EntriesInvalid with all that is wrong with them."""
    mistakes = []
    if len(names) == 1 and ";" in names[0]:
        raise EntriesInvalid(f"{where}: columns are separated by `;`: need commas")
    missing = [name for name in REQUIRED if name not in names]
    unknown = [name for name in names if name not in REQUIRED + OPTIONAL]
    twice = sorted(name for name, count in Counter(names).items() if count > 1)
    if missing:
        mistakes.append(f"lacks {', '.join(missing)}")
    if unknown:
        mistakes.append(f"unknown: {', '.join(repr(name[:40]) for name in unknown[:8])}")
    if twice:
        mistakes.append(f"given twice: {', '.join(repr(name[:40]) for name in twice[:8])}")
    if mistakes:
        raise EntriesInvalid(
            f"{where}: columns: {'; '.join(mistakes)}; need exactly {', '.join(REQUIRED)}, and may have "
            f"{', '.join(OPTIONAL)}"
        )
    return {name: place for place, name in enumerate(names)}


def _read_row(
    line: int, cells: list[str], columns: dict[str, int], policy: Policy, today: date, known: Counter[str]
) -> EntryRow | RefusedRow:
    if len(cells) != len(columns):
        return RefusedRow(line, _shown(cells[0]), (f"{len(cells)} cells, need {len(columns)}: check its commas",))
    cell = {name: cells[place] for name, place in columns.items()}
    mistakes = [fault for name, value in cell.items() for fault in _faults(name, value)]
    if known[_folded(cell["reference"])] > 1 and cell["reference"]:
        mistakes.append("reference: given to more than one row, capitals and small letters being the same")
    mistakes += _path_faults(cell["photograph"])
    category, response = cell["category"], cell["response"]
    if category and category not in CATEGORIES:
        mistakes.append(f"category: {_shown(category)!r}: need one of {', '.join(CATEGORIES)}")
    elif category and category not in policy.categories:
        mistakes.append(f"category: policy {policy.name}-{policy.version} does not have {category}")
    if response and response not in RESPONSES:
        mistakes.append(f"response: {_shown(response)!r}: need one of {', '.join(RESPONSES)}")
    mistakes += _date_faults(cell["image_taken"], today)
    mistakes += _age_faults(cell["under_18"], cell["under_18_rationale"])
    if mistakes:
        return RefusedRow(line, _shown(cell["reference"]), tuple(mistakes))
    return EntryRow(
        line=line,
        reference=cell["reference"],
        name=cell.get("name") or None,
        photograph=cell["photograph"],
        category=category,  # type: ignore[arg-type]
        response=response,  # type: ignore[arg-type]
        lawful_basis=cell["lawful_basis"],
        image_source=cell["image_source"],
        image_taken=cell["image_taken"],
        reason=cell["reason"],
        under_18=cell["under_18"] == "yes",
        under_18_rationale=cell["under_18_rationale"] or None,
    )


def _faults(name: str, value: str) -> list[str]:
    if not value:
        return [] if name in _MAY_BE_EMPTY else [f"{name}: empty"]
    longest = LONGEST.get(name)
    if longest is not None and len(value) > longest:
        return [f"{name}: {len(value)} characters, at most {longest}"]
    fault = text_fault(value) if longest is not None else None
    return [f"{name}: {fault}"] if fault else []


def _path_faults(value: str) -> list[str]:
    path = PurePosixPath(value)
    if value and (path.is_absolute() or ".." in path.parts or "\\" in value):
        return ["photograph: need a path below the folder of photographs, with / between its parts"]
    return []


def _date_faults(value: str, today: date) -> list[str]:
    if not value:
        return []
    try:
        taken = date.fromisoformat(value) if _DATE.fullmatch(value) else None
    except ValueError:
        taken = None
    if taken is None:
        return [f"image_taken: {_shown(value)!r}: need a date, YYYY-MM-DD"]
    if not _OLDEST <= taken <= today:
        return [f"image_taken: {value} is not between {_OLDEST} and today"]
    return []


def _age_faults(under_18: str, rationale: str) -> list[str]:
    if under_18 not in ("yes", "no"):
        return [f"under_18: {_shown(under_18)!r}: need yes or no"] if under_18 else []
    if under_18 == "yes" and not rationale:
        return ["under_18_rationale: empty: somebody under 18 is listed only with the reasons written down"]
    if under_18 == "no" and rationale:
        return ["under_18_rationale: given, and under_18 says no: one of the two is wrong"]
    return []


def _folded(reference: str) -> str:
    return unicodedata.normalize("NFC", reference).casefold()


def _shown(text: str) -> str:
    """A stranger's text for a message: short, and nothing in it that moves a cursor."""
    clean = "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text[:60])
    return clean if len(text) <= 60 else clean + "…"
