"""Which packs a folder holds, and whether their weights are there."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from edge.errors import PackInvalid, PackMissing
from edge.formats.pack import PackManifest
from edge.trust.packs import MANIFEST_NAME, read_manifest
from models.check import precisions_of

Presence = Literal["installed", "incomplete", "not installed", "invalid"]


@dataclass(frozen=True)
class ListedPack:
    """A pack as `lfr-models list` shows it; fault: what is wrong with its manifest, or nothing."""

    name: str
    presence: Presence
    version: int
    purpose: str
    precisions: tuple[str, ...]
    size_bytes: int
    summary: str
    fault: str


def list_packs(packs: Path) -> tuple[ListedPack, ...]:
    """Every folder with a manifest, by name. Sizes are looked at, hashes are not: that is `verify`.

    Raises: PackMissing when there is no such folder.
    """
    if not packs.is_dir():
        raise PackMissing(f"{packs}: no such folder of packs; give one with --packs or LFR_PACKS")
    return tuple(_listed(folder) for folder in sorted(packs.iterdir()) if (folder / MANIFEST_NAME).is_file())


def _listed(folder: Path) -> ListedPack:
    try:
        manifest, _ = read_manifest(folder)
    except PackInvalid as error:
        return ListedPack(folder.name, "invalid", 0, "", (), 0, "", str(error))
    return ListedPack(
        folder.name,
        _presence(folder, manifest),
        manifest.version,
        manifest.purpose,
        precisions_of(manifest),
        sum(file.size_bytes for file in manifest.files()),
        manifest.summary,
        "",
    )


def _presence(folder: Path, manifest: PackManifest) -> Presence:
    sizes = {entry.name: entry.stat().st_size for entry in folder.iterdir() if entry.is_file()}
    there = [sizes.get(file.name) == file.size_bytes for file in manifest.files()]
    if all(there):
        return "installed"
    return "incomplete" if any(there) else "not installed"
