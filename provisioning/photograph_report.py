"""What became of every row and photograph of a build: report.json for programs, report.csv for a spreadsheet."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from provisioning.assembly import Built, PhotographLine
from provisioning.entries import RefusedRow
from provisioning.private_files import open_private

JSON_NAME = "report.json"
CSV_NAME = "report.csv"

_COLUMNS = (
    "row",
    "reference",
    "photograph",
    "outcome",
    "enrolled",
    "message",
    "alike",
    "similarity",
    "face_width_px",
    "sharpness",
    "exposure",
    "turn",
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def counts_of(lines: Sequence[PhotographLine]) -> dict[str, int]:
    """Photographs by outcome, most frequent first."""
    return dict(Counter(line.outcome for line in lines).most_common())


def write_report(folder: Path, built: Built) -> None:
    """Write both files, readable by their owner alone. Raises: OSError."""
    content = {
        "entries": len(built.rows),
        "duplicate_from_similarity": round(built.similarity_min, 4),
        "photographs_by_outcome": counts_of(built.lines),
        "rows_refused": [_refused(row) for row in built.refused],
        "photographs": [_fields(line) for line in built.lines],
    }
    with open_private(folder / JSON_NAME) as file:
        file.write(json.dumps(content, indent=1, ensure_ascii=False).encode("utf-8", "backslashreplace") + b"\n")
    with open_private(folder / CSV_NAME) as file:
        file.write(csv_of(built))


def csv_of(built: Built) -> bytes:
    """The table of photographs, then rows refused before any was looked at; no cell begins a formula."""
    lines = [_fields(line) for line in built.lines]
    looked_at = {line.entry.line for line in built.lines}
    lines += [
        {"row": row.line, "reference": row.reference, "outcome": "row_refused", "message": "; ".join(row.mistakes)}
        for row in built.refused
        if row.line not in looked_at
    ]
    text = _Text()
    writer = csv.writer(text)
    writer.writerow(_COLUMNS)
    for line in sorted(lines, key=lambda each: each["row"]):
        first: dict[str, Any] = next(iter(line.get("alike", [])), {})
        cells = {**line, "alike": first.get("reference", ""), "similarity": first.get("similarity", "")}
        writer.writerow([harmless(cells.get(name, "")) for name in _COLUMNS])
    return "".join(text.parts).encode("utf-8", "backslashreplace")


def harmless(value: object) -> object:
    """A cell that no spreadsheet takes for a formula: an apostrophe before what begins like one (OWASP)."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


class _Text:
    """What `csv` writes into."""

    def __init__(self) -> None:
        self.parts: list[str] = []

    def write(self, text: str) -> int:
        self.parts.append(text)
        return len(text)


def _refused(row: RefusedRow) -> dict[str, Any]:
    return {"row": row.line, "reference": row.reference, "mistakes": list(row.mistakes)}


def _fields(line: PhotographLine) -> dict[str, Any]:
    quality = line.quality
    return {
        "row": line.entry.line,
        "reference": line.entry.reference,
        "photograph": line.photograph,
        "outcome": line.outcome,
        "enrolled": line.enrolled,
        "message": line.message,
        "alike": [
            {"reference": each.reference, "similarity": each.similarity, "photograph": each.photograph}
            for each in line.alike
        ],
        **(
            {}
            if quality is None
            else {
                "face_width_px": round(quality.width_px, 1),
                "sharpness": round(quality.sharpness, 1),
                "exposure": round(quality.exposure, 1),
                "turn": round(quality.yaw, 2),
            }
        ),
    }
