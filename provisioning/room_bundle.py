"""Writes the room's bundle: who each entry is and the photograph to compare with, sealed to the room (BUNDLE.md)."""

from __future__ import annotations

import hashlib
import os
import struct
from collections.abc import Iterable, Sequence
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from edge.clock import parse_utc
from edge.errors import DocumentInvalid
from edge.formats.bundle import (
    ENTRIES_PER_INDEX,
    FINGERPRINT_CHARACTERS,
    INDEX_AAD,
    KEY_BYTES,
    MAGIC,
    SUFFIX,
    BundleHead,
    BundleIndex,
    BundlePerson,
    index_nonce,
    photograph_nonce,
)
from edge.trust.documents import as_document, canonical
from edge.trust.sealing import room_bundle_key_context, seal
from provisioning.built_people import read_people, read_photographs
from provisioning.errors import BuiltListInvalid
from provisioning.private_files import open_private


def bundle_name(deployment: str, part: int = 0) -> str:
    """What a bundle's file is called where nobody gives it another name."""
    return f"{deployment}{SUFFIX}" if part == 0 else f"{deployment}-{part:06}{SUFFIX}"


def seal_bundle(
    build: Path, out: Path, fleet: str, deployment: str, room_seal_key_hex: str, not_after_utc: str, part: int = 0
) -> str:
    """Seal the people of a build's folder into a file; its fingerprint.

    part: 0 for the list at the start; the delta's sequence for entries that it adds.
    Raises: BuiltListInvalid, DocumentInvalid, SealInvalid, OSError.
    """
    people = read_people(build)
    head = bundle_head(fleet, deployment, part, len(people), not_after_utc)
    return write_bundle(out, head, people, read_photographs(build, people), room_seal_key_hex)


def bundle_head(fleet: str, deployment: str, part: int, entries: int, not_after_utc: str) -> BundleHead:
    """Raises: DocumentInvalid."""
    try:
        parse_utc(not_after_utc)
    except ValueError as error:
        raise DocumentInvalid(f"not_after_utc: {error}") from None
    fields = {"type": "room_bundle", "fleet": fleet, "deployment": deployment, "part": part, "entries": entries}
    return as_document({**fields, "not_after_utc": not_after_utc}, BundleHead)


def write_bundle(
    out: Path, head: BundleHead, people: Sequence[BundlePerson], photographs: Iterable[bytes], room_seal_key_hex: str
) -> str:
    """Write a bundle whole, readable by its owner alone; its fingerprint. photographs: JPEG, in the order of people.

    Raises: BuiltListInvalid, SealInvalid, OSError.
    """
    if len(people) != head.entries:
        raise BuiltListInvalid(f"{len(people)} people for a bundle of {head.entries}")
    head_bytes = canonical(head.model_dump(mode="json"))
    key = os.urandom(KEY_BYTES)
    cipher = AESGCM(key)
    box = seal(key, room_seal_key_hex, room_bundle_key_context(head_bytes))
    begin = MAGIC + struct.pack(">I", len(head_bytes)) + head_bytes + box
    fresh = out.with_name(out.name + ".new")
    try:
        with open_private(fresh) as file:
            file.write(begin)
            for number, first in enumerate(range(0, len(people), ENTRIES_PER_INDEX)):
                index = BundleIndex(entries=list(people[first : first + ENTRIES_PER_INDEX]))
                sealed = cipher.encrypt(index_nonce(number), canonical(index.model_dump(mode="json")), INDEX_AAD)
                file.write(struct.pack(">I", len(sealed)) + sealed)
            for number, (person, jpeg) in enumerate(zip(people, photographs, strict=True)):
                if len(jpeg) != person.photograph_bytes:
                    raise BuiltListInvalid(f"photograph of entry {person.entry_id}: not of the length said")
                file.write(cipher.encrypt(photograph_nonce(number), jpeg, bytes.fromhex(person.entry_id)))
            file.flush()
            os.fsync(file.fileno())
        os.replace(fresh, out)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise
    return hashlib.sha256(begin).hexdigest()[:FINGERPRINT_CHARACTERS]
