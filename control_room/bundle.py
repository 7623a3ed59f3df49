"""The room's bundle: which entry id is which reference and photograph. Thin for now: a folder in the clear.

Photographs stay on disk and are opened one by one, when an alert names their entry.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from control_room.errors import BundleInvalid
from edge.formats.documents import EntryId, Identifier

BUNDLE_NAME = "bundle.json"
BUNDLE_MAX_BYTES = 64 << 20
ENTRIES_MAX = 200_000


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class BundleEntry(_Strict):
    """One entry. photograph: path below the bundle's folder."""

    entry_id: EntryId
    reference: Annotated[str, Field(min_length=1, max_length=200)]
    photograph: Annotated[str, Field(pattern=r"^[^/\\\x00][^\\\x00]*$", max_length=300)]


class BundleFile(_Strict):
    """The whole of bundle.json."""

    watchlist: Identifier
    deployment: Identifier
    entries: Annotated[list[BundleEntry], Field(max_length=ENTRIES_MAX)]


@dataclass(frozen=True, eq=False)
class Bundle:
    """A bundle that was read and found good."""

    folder: Path
    watchlist: str
    deployment: str
    entries: dict[str, BundleEntry]

    def photograph_path(self, entry: BundleEntry) -> Path:
        """Where an entry's photograph is. Raises: BundleInvalid when that is outside the bundle's folder."""
        base = self.folder.resolve()
        path = (base / entry.photograph).resolve()
        if not path.is_relative_to(base):
            raise BundleInvalid(f"photograph of entry {entry.entry_id}: outside {base}")
        return path


def read_bundle(folder: Path) -> Bundle:
    """Read bundle.json whole, or refuse it whole. Raises: BundleInvalid."""
    path = folder / BUNDLE_NAME
    try:
        with path.open("rb") as file:
            data = file.read(BUNDLE_MAX_BYTES + 1)
    except OSError as error:
        raise BundleInvalid(f"{path}: cannot be read: {error.strerror}") from None
    if len(data) > BUNDLE_MAX_BYTES:
        raise BundleInvalid(f"{path}: more than {BUNDLE_MAX_BYTES} bytes")
    try:
        content = BundleFile.model_validate(json.loads(data.decode("utf-8"), object_pairs_hook=_unique))
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors()[:4])
        raise BundleInvalid(f"{path}: {error.error_count()} mistakes: {faults}") from None
    except (ValueError, RecursionError) as error:
        raise BundleInvalid(f"{path}: no JSON: {error}") from None
    entries = {entry.entry_id: entry for entry in content.entries}
    if len(entries) != len(content.entries):
        raise BundleInvalid(f"{path}: {len(content.entries) - len(entries)} entry ids are given twice")
    bundle = Bundle(folder, content.watchlist, content.deployment, entries)
    for entry in content.entries:
        if ".." in entry.photograph.split("/"):
            raise BundleInvalid(f"{path}: photograph of entry {entry.entry_id}: outside the bundle's folder")
    return bundle


class BundleFolder:
    """The bundle in force: read again when its file changes, the last good one kept when the new one is bad."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stamp: tuple[int, int, int] | None = None
        self._looked = False
        self.current: Bundle | None = None

    def refresh(self) -> bool:
        """Read the bundle if its file is another than last time; True when it is. Raises: BundleInvalid."""
        stamp = self._stamp_now()
        if self._looked and stamp == self._stamp:
            return False
        self._looked, self._stamp = True, stamp
        self.current = read_bundle(self._folder)
        return True

    def _stamp_now(self) -> tuple[int, int, int] | None:
        try:
            status = (self._folder / BUNDLE_NAME).stat()
        except OSError:
            return None
        return status.st_ino, status.st_size, status.st_mtime_ns


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise ValueError("a key is given twice")
    return fields
