"""A pack's calibration written beside its manifest, and pinned by it: every byte written is one that a van checks."""

from __future__ import annotations

import hashlib
import json
import os
import re
from pathlib import Path
from typing import Any

from edge.errors import InstallFailed, PackInvalid
from edge.formats.calibration import Calibration, CalibrationTable
from edge.trust.packs import MANIFEST_NAME, read_calibration, read_manifest

CALIBRATION_NAME = "calibration.json"

_VERSION_LINE = re.compile(r"^version:[ \t]*(\d+)[ \t]*$", re.MULTILINE)
_CALIBRATION_LINES = re.compile(r"^calibration:.*\n(?:[ \t]+.*\n)*", re.MULTILINE)


def add_table(folder: Path, table: CalibrationTable) -> Calibration:
    """Put a table into the pack's calibration, in the place of one for the same backend and precision.

    The manifest pins the new file and its version goes up by one; the rest of it stays as it is, to the byte.
    Tables of other weights than the pack's are dropped. Raises: PackMissing, PackInvalid, PackHashMismatch,
    InstallFailed.
    """
    manifest, _ = read_manifest(folder)
    name = CALIBRATION_NAME if manifest.calibration is None else manifest.calibration.name
    calibration = Calibration(format=1, tables=[*_others(folder, table), table])
    content = calibration_bytes(calibration)
    pinned = (folder / MANIFEST_NAME).read_text(encoding="utf-8")
    text = pin_calibration(pinned, name, content)
    try:
        _replace(folder / name, content)
        _replace(folder / MANIFEST_NAME, text.encode())
    except OSError as error:
        raise InstallFailed(f"{error.filename}: cannot be written: {error.strerror}; is --packs yours?") from error
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


def pin_calibration(manifest: str, name: str, content: bytes) -> str:
    """The manifest's text with the file pinned and its version one higher. Raises: PackInvalid."""
    versions = _VERSION_LINE.findall(manifest)
    if len(versions) != 1:
        raise PackInvalid(f"{MANIFEST_NAME}: {len(versions)} lines of the form `version: NUMBER`, need one")
    raised = _VERSION_LINE.sub(f"version: {int(versions[0]) + 1}", manifest)
    rest = _CALIBRATION_LINES.sub("", raised).rstrip("\n")
    digest = hashlib.sha256(content).hexdigest()
    return f"{rest}\ncalibration: {{ name: {name}, size_bytes: {len(content)},\n  sha256: {digest} }}\n"


def _others(folder: Path, table: CalibrationTable) -> list[CalibrationTable]:
    """The tables that stay: of this pack's weights, for other backends and precisions."""
    manifest, _ = read_manifest(folder)
    if manifest.calibration is None or not (folder / manifest.calibration.name).is_file():
        return []
    try:
        calibration = Calibration.model_validate_json((folder / manifest.calibration.name).read_bytes())
    except ValueError:
        return []
    return [
        other
        for other in calibration.tables
        if (other.backend, other.precision) != (table.backend, table.precision)
        and all(
            other.precision in files and files[other.precision].sha256 == sha256
            for files, sha256 in (
                (manifest.detector.files, other.detector_sha256),
                (manifest.embedder.files, other.embedder_sha256),
            )
        )
    ]


def _replace(path: Path, content: bytes) -> None:
    aside = path.with_name(f".{path.name}.new")
    aside.write_bytes(content)
    os.replace(aside, path)
