"""The fields of the room's bundle: what an operator is shown of an entry, and what the file says of itself."""

from __future__ import annotations

import struct
import unicodedata
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from edge.formats.categories import Category, Response
from edge.formats.documents import Document, EntryId, Identifier, UtcText

MAGIC = b"lfr-edge room bundle 1\0"
HEAD_MAX_BYTES = 4096
KEY_BOX_BYTES = 80
KEY_BYTES = 32
TAG_BYTES = 16
ENTRIES_MAX = 200_000
ENTRIES_PER_INDEX = 64
INDEX_MAX_BYTES = 1 << 20
PHOTOGRAPH_MAX_BYTES = 256 * 1024
PART_MAX = 999_999
SUFFIX = ".bundle"
INDEX_AAD = b"index"
FINGERPRINT_CHARACTERS = 16

REFERENCE_MAX = 100
NAME_MAX = 200
LINE_MAX = 400
TEXT_MAX = 1000

_TURNS_THE_LINE = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def text_fault(text: str) -> str | None:
    """Why a text cannot be shown as it stands, or None: control characters, and those that turn a line's direction."""
    for character in text:
        if unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") or character in _TURNS_THE_LINE:
            return f"holds the character U+{ord(character):04X}, which cannot be shown"
    return None


def _showable(text: str) -> str:
    fault = text_fault(text)
    if fault is not None or text != text.strip():
        raise ValueError(fault or "begins or ends with a blank")
    return text


Reference = Annotated[str, Field(min_length=1, max_length=REFERENCE_MAX), AfterValidator(_showable)]
Name = Annotated[str, Field(min_length=1, max_length=NAME_MAX), AfterValidator(_showable)]
Line = Annotated[str, Field(min_length=1, max_length=LINE_MAX), AfterValidator(_showable)]
Text = Annotated[str, Field(min_length=1, max_length=TEXT_MAX), AfterValidator(_showable)]
Date = Annotated[str, Field(pattern=r"^(19|20)[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$")]


def index_nonce(number: int) -> bytes:
    """Of the index with a number (BUNDLE.md 3)."""
    return struct.pack(">IQ", 1, number)


def photograph_nonce(number: int) -> bytes:
    """Of the photograph of the entry with a number, counted over the whole file (BUNDLE.md 3)."""
    return struct.pack(">IQ", 2, number)


class BundlePerson(Document):
    """An entry as the room knows it (DOMAIN.md 3). name: only where whoever made the list gave one."""

    entry_id: EntryId
    reference: Reference
    name: Name | None
    category: Category
    response: Response
    reason: Text
    lawful_basis: Line
    image_source: Line
    image_taken: Date
    under_18: bool
    under_18_rationale: Text | None
    photograph_bytes: Annotated[int, Field(ge=1, le=PHOTOGRAPH_MAX_BYTES)]

    @model_validator(mode="after")
    def _reasons_for_the_young(self) -> BundlePerson:
        if self.under_18 != (self.under_18_rationale is not None):
            raise ValueError("a rationale is there for those under 18, and for nobody else")
        return self


class BundleIndex(Document):
    """Up to 64 entries, in the order of their photographs."""

    entries: Annotated[list[BundlePerson], Field(min_length=1, max_length=ENTRIES_PER_INDEX)]


class BundleHead(Document):
    """What a bundle says in the clear. part: 0 for the list at the start, then rising with each addition."""

    type: Literal["room_bundle"]
    fleet: Identifier
    deployment: Identifier
    part: Annotated[int, Field(ge=0, le=PART_MAX)]
    entries: Annotated[int, Field(ge=1, le=ENTRIES_MAX)]
    not_after_utc: UtcText
