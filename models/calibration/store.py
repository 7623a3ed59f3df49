"""A pack's calibration written beside its manifest, and pinned by it: every byte written is one that a van checks."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from edge.formats.calibration import Calibration, CalibrationTable
from edge.trust.packs import read_calibration, read_manifest
from models.companions import write_companion

CALIBRATION_NAME = "calibration.json"


def add_tables(folder: Path, tables: Sequence[CalibrationTable]) -> Calibration:
    """Put tables into the pack's calibration, each in the place of one for the same backend and precision.

    The manifest pins the new file and its version goes up by one; the rest of it stays as it is, to the byte.
    Tables of other weights than the pack's are dropped. Raises: PackMissing, PackInvalid, PackHashMismatch,
    InstallFailed.
    """
    manifest, _ = read_manifest(folder)
    name = CALIBRATION_NAME if manifest.calibration is None else manifest.calibration.name
    calibration = Calibration(format=1, tables=[*_others(folder, tables), *tables])
    write_companion(folder, "calibration", name, calibration_bytes(calibration))
    again, _ = read_manifest(folder)
    read_calibration(folder, again)
    return calibration


def calibration_bytes(calibration: Calibration) -> bytes:
    """The file: JSON, one cell a line, so that a difference between two can be read."""
    fields: dict[str, Any] = calibration.model_dump(mode="json")
    cells = [table.pop("cells") for table in fields["tables"]]
    for table, listed in zip(fields["tables"], cells, strict=True):
        table["cells"] = [f"@{json.dumps(cell)}@" for cell in listed]
    text = json.dumps(fields, indent=1)
    return re.sub(r'"@(.*)@"', lambda found: found[1].replace('\\"', '"'), text).encode() + b"\n"


def _others(folder: Path, tables: Sequence[CalibrationTable]) -> list[CalibrationTable]:
    """The tables that stay: of this pack's weights, for other backends and precisions."""
    manifest, _ = read_manifest(folder)
    if manifest.calibration is None or not (folder / manifest.calibration.name).is_file():
        return []
    try:
        calibration = Calibration.model_validate_json((folder / manifest.calibration.name).read_bytes())
    except ValueError:
        return []
    replaced = {(table.backend, table.precision) for table in tables}
    pinned = {file.sha256 for file in manifest.files()}
    return [
        other
        for other in calibration.tables
        if (other.backend, other.precision) not in replaced and {other.detector_sha256, other.embedder_sha256} <= pinned
    ]
