"""A pack is checked before use: the manifest's schema, then every file's size and SHA-256.

The bytes that were hashed are the bytes that are loaded; nothing is read twice.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import ValidationError

from edge.config_file import parse_yaml
from edge.errors import CalibrationMismatch, PackHashMismatch, PackInvalid, PackMissing, PackPurposeRefused
from edge.formats.calibration import Calibration
from edge.formats.detector_size import View, size_for
from edge.formats.pack import PackFile, PackManifest, PinnedFile, Precision, Purpose, Subjects

MANIFEST_NAME = "pack.yaml"
MANIFEST_MAX_BYTES = 256 * 1024


@dataclass(frozen=True)
class VerifiedPack:
    """A pack whose files are what its manifest says. sha256: of the manifest, which pins all the rest.

    manifest: with the one size of detector that was opened. calibration: its tables, or None where it has none or none
    was asked for.
    """

    manifest: PackManifest
    sha256: str
    precision: Precision
    detector: bytes
    embedder: bytes
    calibration: Calibration | None = None


def read_manifest(folder: Path) -> tuple[PackManifest, str]:
    """The manifest and its SHA-256. Raises: PackMissing, PackInvalid."""
    path = folder / MANIFEST_NAME
    try:
        with path.open("rb") as stream:
            data = stream.read(MANIFEST_MAX_BYTES + 1)
    except OSError:
        raise PackMissing(f"{path}: no pack here; list those there are with: lfr-models list") from None
    if len(data) > MANIFEST_MAX_BYTES:
        raise PackInvalid(f"{path}: more than {MANIFEST_MAX_BYTES} bytes")
    try:
        manifest = PackManifest.model_validate(parse_yaml(data))
    except ValidationError as error:
        raise PackInvalid(f"{path}: {_faults(error)}") from None
    except ValueError as error:
        raise PackInvalid(f"{path}: {error}") from None
    return manifest, hashlib.sha256(data).hexdigest()


def check_bytes(file: PinnedFile, data: bytes, where: str) -> None:
    """Raises: PackHashMismatch, naming the file and both hashes."""
    found = hashlib.sha256(data).hexdigest()
    if found != file.sha256:
        size = "" if len(data) == file.size_bytes else f" ({len(data)} bytes, need {file.size_bytes})"
        raise PackHashMismatch(
            f"{where}: refused{size}: its SHA-256 is {found}, the manifest of the pack pins {file.sha256}"
        )


def check_subjects(subjects: Subjects, purpose: Purpose, what: str) -> None:
    """Whether a pack may meet those it is to look for. Raises: PackPurposeRefused."""
    if purpose == "bring-up" and subjects != "synthetic":
        raise PackPurposeRefused(
            f"{what}: its subjects are {subjects}, and the pack is for bring-up, on synthetic people alone: "
            "install a pack for operations, or enrol rendered people and declare them synthetic"
        )


def open_pack(folder: Path, precision: Precision, view: View | None = None) -> VerifiedPack:
    """Read and check a pack. view: what its detector will be shown; its first size where that is not known.

    Raises: PackMissing, PackInvalid, PackHashMismatch, CalibrationMismatch.
    """
    pack = open_weights(folder, precision, view)
    return replace(pack, calibration=read_calibration(folder, read_manifest(folder)[0]))


def open_weights(folder: Path, precision: Precision, view: View | None = None) -> VerifiedPack:
    """A pack without its calibration, to be calibrated anew. Raises: PackMissing, PackInvalid, PackHashMismatch."""
    whole, sha256 = read_manifest(folder)
    size = whole.detector.sizes[0] if view is None else size_for(whole.detector, view)
    manifest = whole.model_copy(update={"detector": whole.detector.of_size(size)})
    install = f"the pack's weights are not installed; run: lfr-models install {manifest.name} --from FOLDER"

    def weights(role: str, files: Mapping[Precision, PackFile]) -> bytes:
        if precision not in files:
            raise PackInvalid(f"{folder / MANIFEST_NAME}: the {role} has no {precision} file, only {sorted(files)}")
        return read_pinned(folder, files[precision], install)

    return VerifiedPack(
        manifest,
        sha256,
        precision,
        weights("detector", manifest.detector.files),
        weights("embedder", manifest.embedder.files),
    )


def read_calibration(folder: Path, manifest: PackManifest) -> Calibration | None:
    """The pack's calibration, if it has one.

    Raises: PackMissing, PackInvalid, PackHashMismatch; CalibrationMismatch for tables of other weights.
    """
    if manifest.calibration is None:
        return None
    path = folder / manifest.calibration.name
    data = read_pinned(folder, manifest.calibration, "it belongs beside the manifest; copy the pack's whole folder")
    try:
        calibration = Calibration.model_validate_json(data)
    except ValidationError as error:
        raise PackInvalid(f"{path}: {_faults(error)}") from None
    for table in calibration.tables:
        for role, files, made_with in (
            ("detector", [size.files for size in manifest.detector.sizes], table.detector_sha256),
            ("embedder", [manifest.embedder.files], table.embedder_sha256),
        ):
            pinned = [each[table.precision].sha256 for each in files if table.precision in each]
            if made_with not in pinned:
                raise CalibrationMismatch(
                    f"{path}: the table for {table.backend}/{table.precision} was made with {role} {made_with}, "
                    f"the pack has {' '.join(pinned) or 'none'}; "
                    f"calibrate anew with: lfr-models calibrate {manifest.name}"
                )
    return calibration


def _faults(error: ValidationError) -> str:
    return "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors()[:8])


def read_pinned(folder: Path, file: PinnedFile, remedy: str) -> bytes:
    """A file's bytes, once they are what the manifest pins. remedy: what to do where it is missing.

    Raises: PackMissing, PackHashMismatch.
    """
    path = folder / file.name
    try:
        with path.open("rb") as stream:
            data = stream.read(file.size_bytes + 1)
    except OSError:
        raise PackMissing(f"{path}: not there; {remedy}") from None
    check_bytes(file, data, str(path))
    return data
