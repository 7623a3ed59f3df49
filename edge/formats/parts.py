"""Files longer than a message, in parts: a head under the file's name, and its bytes beside it (REPOSITORY.md 3)."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from edge.errors import DocumentInvalid, DocumentTooLarge

MESSAGE_MAX_BYTES = 61_440
FILE_MAX_BYTES = 2**20

Fetch = Callable[[str], bytes]
"""One message by its name. Raises: RepositoryFileMissing."""

_MAGIC = b"\0lfr-parts1\0"
_HEAD = struct.Struct(f">{len(_MAGIC)}sII")


@dataclass(frozen=True)
class PartsHead:
    """How a file is cut: how many parts, and how many bytes together."""

    parts: int
    length_bytes: int

    def names(self, name: str) -> tuple[str, ...]:
        """Where the parts of a file are."""
        return tuple(part_name(name, index) for index in range(self.parts))

    def join(self, parts: Sequence[bytes]) -> bytes:
        """The file. Raises: DocumentInvalid when a part is missing, or not as long as it must be."""
        if len(parts) != self.parts:
            raise DocumentInvalid(f"{len(parts)} parts, the head names {self.parts}")
        for index, part in enumerate(parts):
            length = min(MESSAGE_MAX_BYTES, self.length_bytes - index * MESSAGE_MAX_BYTES)
            if len(part) != length:
                raise DocumentInvalid(f"part {index} has {len(part)} bytes, must have {length}")
        return b"".join(parts)


def part_name(name: str, index: int) -> str:
    """The name of one part of a file."""
    return f"{name}.p{index:03d}"


def split(name: str, data: bytes) -> dict[str, bytes]:
    """The messages by which a file is published, by name; the head last. Raises: DocumentTooLarge."""
    if len(data) <= MESSAGE_MAX_BYTES and not data.startswith(_MAGIC):
        return {name: data}
    if len(data) > FILE_MAX_BYTES:
        raise DocumentTooLarge(f"{name}: {len(data)} bytes, at most {FILE_MAX_BYTES}")
    cuts = [data[at : at + MESSAGE_MAX_BYTES] for at in range(0, len(data), MESSAGE_MAX_BYTES)]
    messages = {part_name(name, index): cut for index, cut in enumerate(cuts)}
    messages[name] = _HEAD.pack(_MAGIC, len(cuts), len(data))
    return messages


def head_of(data: bytes, limit_bytes: int = FILE_MAX_BYTES) -> PartsHead | None:
    """The head that a message is; None when it is the file itself. Raises: DocumentInvalid, DocumentTooLarge."""
    if not data.startswith(_MAGIC):
        return None
    if len(data) != _HEAD.size:
        raise DocumentInvalid(f"head of a file in parts: {len(data)} bytes, must have {_HEAD.size}")
    _, parts, length = _HEAD.unpack(data)
    if length > min(limit_bytes, FILE_MAX_BYTES):
        raise DocumentTooLarge(f"file in parts of {length} bytes, at most {min(limit_bytes, FILE_MAX_BYTES)}")
    if length < len(_MAGIC) or parts != -(-length // MESSAGE_MAX_BYTES):
        raise DocumentInvalid(f"head of a file in parts: {parts} parts do not fit {length} bytes")
    return PartsHead(parts, length)


def fetch_whole(name: str, limit_bytes: int, fetch: Fetch) -> bytes:
    """A file through what fetches one message. Raises: DocumentInvalid, DocumentTooLarge, and what fetch raises."""
    first = fetch(name)
    head = head_of(first, limit_bytes)
    data = first if head is None else head.join([fetch(each) for each in head.names(name)])
    if len(data) > limit_bytes:
        raise DocumentTooLarge(f"{name}: {len(data)} bytes, at most {limit_bytes}")
    return data
