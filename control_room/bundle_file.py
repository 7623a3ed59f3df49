"""One file of the room's bundle, opened: entries in memory, photographs sealed on disk until one is asked for."""

from __future__ import annotations

import hashlib
import os
import stat
import struct
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from control_room.errors import BundleEnded, BundleInvalid
from edge.clock import parse_utc
from edge.errors import DocumentInvalid, SealInvalid
from edge.formats.bundle import (
    ENTRIES_PER_INDEX,
    FINGERPRINT_CHARACTERS,
    HEAD_MAX_BYTES,
    INDEX_AAD,
    INDEX_MAX_BYTES,
    KEY_BOX_BYTES,
    KEY_BYTES,
    MAGIC,
    TAG_BYTES,
    BundleHead,
    BundleIndex,
    BundlePerson,
    index_nonce,
    photograph_nonce,
)
from edge.trust.documents import as_document, parse_strict
from edge.trust.sealing import room_bundle_key_context, unseal


@dataclass(frozen=True)
class _Place:
    """Where an entry's photograph lies. number: of the entry in the file."""

    person: BundlePerson
    number: int
    offset: int


class BundleFile:
    """An open bundle. Close it to forget what it held."""

    def __init__(self, path: Path, fleet: str, seal_key: X25519PrivateKey, now: datetime) -> None:
        """Open a file whole, or refuse it whole. Raises: BundleEnded for one past its end, BundleInvalid."""
        self.path = path
        self._file = _open(path)
        try:
            self._read(fleet, seal_key, now)
        except BaseException:
            self._file.close()
            raise

    @property
    def deployment(self) -> str:
        return self.head.deployment

    @property
    def entries(self) -> int:
        return len(self._places)

    def person(self, entry_id: str) -> BundlePerson | None:
        """Who an entry is, if it is in this file."""
        place = self._places.get(entry_id)
        return None if place is None else place.person

    def photograph(self, entry_id: str) -> bytes:
        """An entry's JPEG, decrypted now. Raises: BundleInvalid when it does not open, KeyError for a stranger."""
        place = self._places[entry_id]
        length = place.person.photograph_bytes + TAG_BYTES
        try:
            sealed = os.pread(self._file.fileno(), length, place.offset)
            return self._cipher.decrypt(photograph_nonce(place.number), sealed, bytes.fromhex(entry_id))
        except (InvalidTag, OSError, ValueError):
            raise BundleInvalid(f"{self.path.name}: the photograph of entry {entry_id} does not open") from None

    def close(self) -> None:
        """Let go of the file and of all that was in it."""
        self._file.close()
        self._places.clear()

    def _read(self, fleet: str, seal_key: X25519PrivateKey, now: datetime) -> None:
        self.head, head_bytes = self._read_head()
        if self.head.fleet != fleet:
            raise self._invalid(f"of fleet {self.head.fleet}, this room serves {fleet}")
        try:
            self.not_after = parse_utc(self.head.not_after_utc)
        except ValueError as error:
            raise self._invalid(f"not_after_utc: {error}") from None
        if now >= self.not_after:
            raise BundleEnded(f"{self.path.name}: of {self.deployment}, which ended {self.head.not_after_utc}")
        box = self._take(KEY_BOX_BYTES)
        begin = MAGIC + struct.pack(">I", len(head_bytes)) + head_bytes + box
        self.fingerprint = hashlib.sha256(begin).hexdigest()[:FINGERPRINT_CHARACTERS]
        try:
            key = unseal(box, seal_key, room_bundle_key_context(head_bytes))
        except SealInvalid:
            raise self._invalid("not sealed to this room's key, or its head was altered") from None
        if len(key) != KEY_BYTES:
            raise self._invalid(f"a content key of {len(key)} bytes, need {KEY_BYTES}")
        self._cipher = AESGCM(key)
        self._places = self._read_indices()

    def _read_head(self) -> tuple[BundleHead, bytes]:
        if self._file.read(len(MAGIC)) != MAGIC:
            raise self._invalid("no room's bundle of this version")
        (length,) = struct.unpack(">I", self._take(4))
        if length > HEAD_MAX_BYTES:
            raise self._invalid(f"a head of {length} bytes, at most {HEAD_MAX_BYTES}")
        data = self._take(length)
        try:
            return as_document(parse_strict(data, HEAD_MAX_BYTES), BundleHead), data
        except DocumentInvalid as error:
            raise self._invalid(f"head: {error}") from None

    def _read_indices(self) -> dict[str, _Place]:
        people: list[BundlePerson] = []
        for number in range(-(-self.head.entries // ENTRIES_PER_INDEX)):
            expected = min(ENTRIES_PER_INDEX, self.head.entries - len(people))
            found = self._read_index(number)
            if len(found) != expected:
                raise self._invalid(f"{len(found)} entries in index {number}, need {expected}")
            people += found
        places: dict[str, _Place] = {}
        offset = self._file.tell()
        for number, person in enumerate(people):
            places[person.entry_id] = _Place(person, number, offset)
            offset += person.photograph_bytes + TAG_BYTES
        if len(places) != len(people):
            raise self._invalid("an entry id is there twice")
        size = os.fstat(self._file.fileno()).st_size
        if size != offset:
            raise self._invalid(f"{size} bytes, its parts add up to {offset}: cut short, or added to")
        return places

    def _read_index(self, number: int) -> list[BundlePerson]:
        (length,) = struct.unpack(">I", self._take(4))
        if length > INDEX_MAX_BYTES + TAG_BYTES:
            raise self._invalid(f"index {number} of {length} bytes")
        sealed = self._take(length)
        try:
            plain = self._cipher.decrypt(index_nonce(number), sealed, INDEX_AAD)
        except (InvalidTag, ValueError):
            raise self._invalid(f"index {number} does not open: altered, or out of place") from None
        try:
            return as_document(parse_strict(plain, INDEX_MAX_BYTES), BundleIndex).entries
        except DocumentInvalid as error:
            raise self._invalid(f"index {number}: {error}") from None

    def _take(self, length: int) -> bytes:
        data = self._file.read(length)
        if len(data) != length:
            raise self._invalid("cut short")
        return data

    def _invalid(self, why: str) -> BundleInvalid:
        return BundleInvalid(f"{self.path.name}: {why}")


def _open(path: Path) -> BinaryIO:
    """A regular file, not through a link. Raises: BundleInvalid."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        raise BundleInvalid(f"{path.name}: cannot be read: {error.strerror}") from None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise BundleInvalid(f"{path.name}: no regular file")
    return os.fdopen(descriptor, "rb")
