"""A pack is checked before use: the manifest's schema, then every file's size and SHA-256.

The bytes that were hashed are the bytes that are loaded; nothing is read twice.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from edge.config_file import parse_yaml
from edge.errors import PackHashMismatch, PackInvalid, PackMissing, PackPurposeRefused
from edge.formats.pack import PackFile, PackManifest, Precision, Purpose, Subjects

MANIFEST_NAME = "pack.yaml"
MANIFEST_MAX_BYTES = 256 * 1024


@dataclass(frozen=True)
class VerifiedPack:
    """A pack whose files are what its manifest says. sha256: of the manifest, which pins all the rest."""

    manifest: PackManifest
    sha256: str
    precision: Precision
    detector: bytes
    embedder: bytes


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
        faults = "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors()[:8])
        raise PackInvalid(f"{path}: {faults}") from None
    except ValueError as error:
        raise PackInvalid(f"{path}: {error}") from None
    return manifest, hashlib.sha256(data).hexdigest()


def check_bytes(file: PackFile, data: bytes, where: str) -> None:
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


def open_pack(folder: Path, precision: Precision) -> VerifiedPack:
    """Read and check a pack. Raises: PackMissing, PackInvalid, PackHashMismatch."""
    manifest, sha256 = read_manifest(folder)
    contents = []
    for role, files in (("detector", manifest.detector.files), ("embedder", manifest.embedder.files)):
        if precision not in files:
            raise PackInvalid(f"{folder / MANIFEST_NAME}: the {role} has no {precision} file, only {sorted(files)}")
        contents.append(_read_file(folder, manifest.name, files[precision]))
    return VerifiedPack(manifest, sha256, precision, *contents)


def _read_file(folder: Path, pack: str, file: PackFile) -> bytes:
    path = folder / file.name
    try:
        with path.open("rb") as stream:
            data = stream.read(file.size_bytes + 1)
    except OSError:
        raise PackMissing(
            f"{path}: the pack's weights are not installed; run: lfr-models install {pack} --from FOLDER"
        ) from None
    check_bytes(file, data, str(path))
    return data
