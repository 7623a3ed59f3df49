"""A built watchlist in a file of our own: random ids, why, what is planned, and templates; no names, no pictures.

```
"lfr-edge built list 1\\0"                             22 bytes
u32 length of the head, big endian; the head: canonical JSON, at most 4,096 bytes
16 · n   entry ids
n        categories   as WATCHLIST.md 3
n        responses    as WATCHLIST.md 3
4 · d · n templates   float32, little endian, norm 1
32       SHA-256 of all before it
```
"""

from __future__ import annotations

import hashlib
import os
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from edge.errors import DocumentInvalid
from edge.files import write_durably
from edge.formats.categories import CATEGORIES, RESPONSES, Category, Response
from edge.formats.documents import Document, Hex32, Identifier, UtcText
from edge.formats.pack import Subjects
from edge.trust.documents import as_document, canonical, parse_strict
from provisioning.errors import BuiltListInvalid

LIST_NAME = "entries.bin"
ENTRIES_MAX = 200_000
HEAD_MAX_BYTES = 4096

_MAGIC = b"lfr-edge built list 1\0"
_HASH_BYTES = 32
_NORM_TOLERANCE = 1e-4

W = TypeVar("W", bound=str)


class BuiltListHead(Document):
    """What every entry of a built list has in common. policy: name of the profile that its rows were held against."""

    type: Literal["built_list"]
    pack_sha256: Hex32
    backend: Annotated[str, Field(min_length=1, max_length=100)]
    dimension: Annotated[int, Field(ge=16, le=2048)]
    subjects: Subjects
    entries: Annotated[int, Field(ge=1, le=ENTRIES_MAX)]
    policy: Identifier
    made_at_utc: UtcText


@dataclass(frozen=True, eq=False)
class BuiltList:
    """Entries in one order throughout. ids: 32 hex. vectors: float32 (n, d), norm 1. backend: `litert/int8`."""

    ids: tuple[str, ...]
    categories: tuple[Category, ...]
    responses: tuple[Response, ...]
    vectors: NDArray[np.float32]
    pack_sha256: str
    backend: str
    subjects: Subjects
    policy: str
    made_at_utc: str


def write_built(folder: Path, built: BuiltList) -> None:
    """Write a list whole; nobody but its owner may read it. Raises: BuiltListInvalid, OSError."""
    count = len(built.ids)
    if not 1 <= count <= ENTRIES_MAX:
        raise BuiltListInvalid(f"a list of {count} entries: need 1 to {ENTRIES_MAX}")
    if built.vectors.shape[0] != count or not len(built.categories) == len(built.responses) == count:
        raise BuiltListInvalid(f"{count} ids, but {built.vectors.shape[0]} templates")
    head = canonical(
        BuiltListHead(
            type="built_list",
            pack_sha256=built.pack_sha256,
            backend=built.backend,
            dimension=built.vectors.shape[1],
            subjects=built.subjects,
            entries=count,
            policy=built.policy,
            made_at_utc=built.made_at_utc,
        ).model_dump(mode="json")
    )
    data = b"".join(
        (
            _MAGIC,
            struct.pack(">I", len(head)),
            head,
            bytes.fromhex("".join(built.ids)),
            bytes(1 + CATEGORIES.index(each) for each in built.categories),
            bytes(1 + RESPONSES.index(each) for each in built.responses),
            np.ascontiguousarray(built.vectors, "<f4").tobytes(),
        )
    )
    parse_built(data + hashlib.sha256(data).digest(), "the list to be written")
    before = os.umask(0o077)
    try:
        write_durably(folder / LIST_NAME, data + hashlib.sha256(data).digest())
    finally:
        os.umask(before)


def read_built(folder: Path) -> BuiltList:
    """The list of a build's folder, whole or not at all. Raises: BuiltListInvalid."""
    path = folder / LIST_NAME
    largest = len(_MAGIC) + 4 + HEAD_MAX_BYTES + (18 + 4 * 2048) * ENTRIES_MAX + _HASH_BYTES
    try:
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_size > largest:
                raise BuiltListInvalid(f"{path}: larger than any list; build it again")
            data = file.read()
    except OSError as error:
        raise BuiltListInvalid(
            f"{path}: {error.strerror}; make one with: lfr-fleet watchlist build PHOTOS --entries CSV --out {folder}"
        ) from None
    return parse_built(data, str(path))


def parse_built(data: bytes, where: str) -> BuiltList:
    """A list from its file's bytes. where: for messages. Raises: BuiltListInvalid."""
    head, offset = _head(data, where)
    n, d = head.entries, head.dimension
    if len(data) != offset + (18 + 4 * d) * n + _HASH_BYTES:
        raise BuiltListInvalid(f"{where}: {len(data)} bytes do not hold {n} entries of {d} numbers; build it again")
    if hashlib.sha256(data[:-_HASH_BYTES]).digest() != data[-_HASH_BYTES:]:
        raise BuiltListInvalid(f"{where}: damaged: its SHA-256 is not the one at its end; build it again")
    plane = memoryview(data)
    ids = plane[offset : offset + 16 * n].hex()
    names = tuple(ids[start : start + 32] for start in range(0, 32 * n, 32))
    if len(set(names)) != n:
        raise BuiltListInvalid(f"{where}: an entry id is there twice; build it again")
    categories = _words(plane[offset + 16 * n : offset + 17 * n], CATEGORIES, where, "category")
    responses = _words(plane[offset + 17 * n : offset + 18 * n], RESPONSES, where, "response")
    vectors = np.frombuffer(data, "<f4", n * d, offset + 18 * n).reshape(n, d).astype(np.float32)
    norms = np.sqrt(np.einsum("nd,nd->n", vectors, vectors, dtype=np.float64))
    wrong = np.flatnonzero(~(np.abs(norms - 1) <= _NORM_TOLERANCE))  # not so for NaN either
    if wrong.size:
        raise BuiltListInvalid(f"{where}: entry {names[wrong[0]]}: template of norm {norms[wrong[0]]}, need 1")
    return BuiltList(
        names,
        categories,
        responses,
        vectors,
        head.pack_sha256,
        head.backend,
        head.subjects,
        head.policy,
        head.made_at_utc,
    )


def _head(data: bytes, where: str) -> tuple[BuiltListHead, int]:
    begin = len(_MAGIC) + 4
    if len(data) < begin or data[: len(_MAGIC)] != _MAGIC:
        raise BuiltListInvalid(f"{where}: no built list of this version; build it again")
    (length,) = struct.unpack(">I", data[len(_MAGIC) : begin])
    if length > min(HEAD_MAX_BYTES, len(data) - begin):
        raise BuiltListInvalid(f"{where}: cut short, or no built list; build it again")
    try:
        return as_document(parse_strict(data[begin : begin + length], HEAD_MAX_BYTES), BuiltListHead), begin + length
    except DocumentInvalid as error:
        raise BuiltListInvalid(f"{where}: head: {error}") from None


def _words(plane: memoryview, words: tuple[W, ...], where: str, what: str) -> tuple[W, ...]:
    found = np.frombuffer(plane, np.uint8)
    if found.min() < 1 or found.max() > len(words):
        raise BuiltListInvalid(f"{where}: a {what} outside 1 to {len(words)}; build it again")
    return tuple(words[number - 1] for number in found.tolist())
