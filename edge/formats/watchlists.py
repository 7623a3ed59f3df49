"""The fields of a watchlist's manifest and of its log (WATCHLIST.md); its chunks are binary."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator

from edge.formats.documents import ONCE, Document, EntryId, Hex32, Identifier, UtcText
from edge.formats.pack import Subjects

MANIFEST_MAX_BYTES = 4 * 1024
CHUNK_MAX_BYTES = 60 * 1024
CHUNKS_MAX = CHUNK_MAX_BYTES // 32
"""All chunks' hashes fit one message."""
ADD_CHUNKS_MAX = 16
LOG_ITEMS_MAX = 512

Epoch = Annotated[int, Field(ge=1, le=2**31)]
Sequence = Annotated[int, Field(ge=1, le=999_999)]
EntryCount = Annotated[int, Field(ge=0, le=200_000)]


class WatchlistManifest(Document):
    """The head of a base: how many entries of what shape, and the hash of all chunks' hashes."""

    type: Literal["watchlist_manifest"]
    deployment: Identifier
    epoch: Epoch
    pack_sha256: Hex32
    dimension: Annotated[int, Field(ge=16, le=2048)]
    subjects: Subjects
    entries: Annotated[int, Field(ge=1, le=200_000)]
    entries_per_chunk: Annotated[int, Field(ge=1, le=10_000)]
    hashes_sha256: Hex32


class LogItem(Document):
    """What every item of the log says. previous_sha256: of the item before it, or of the order's manifest."""

    fleet: Identifier
    deployment: Identifier
    sequence: Sequence
    previous_sha256: Hex32
    made_at_utc: UtcText


class WatchlistDelta(LogItem):
    """Entries taken off, then entries put on. adds_sha256: of the files with the sealed additions, in order."""

    type: Literal["watchlist_delta"]
    epoch: Epoch
    removes: Annotated[list[EntryId], Field(max_length=1_000, json_schema_extra=ONCE)]
    adds: Annotated[int, Field(ge=0, le=1_000)]
    adds_sha256: Annotated[list[Hex32], Field(max_length=ADD_CHUNKS_MAX)]
    entries_after: EntryCount

    @field_validator("removes")
    @classmethod
    def _once(cls, value: list[str]) -> list[str]:
        if value != sorted(set(value)):
            raise ValueError("each entry once, in ascending order")
        return value


class WatchlistBase(LogItem):
    """A new base under a new content key: all that went before is replaced."""

    type: Literal["watchlist_base"]
    epoch: Annotated[int, Field(ge=2, le=2**31)]
    manifest_sha256: Hex32
    entries: Annotated[int, Field(ge=1, le=200_000)]
