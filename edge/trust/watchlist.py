"""The watchlist's encrypted form (WATCHLIST.md, thin): signed header, wrapped content key, sealed parts.

A part's plaintext is fixed planes: all entry ids (16 bytes each), then all templates (int16 little endian).
It is decrypted straight into memory that the caller owns and locks, and checked there.
"""

from __future__ import annotations

import base64
import binascii
import re
import secrets
import struct
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from numpy.typing import NDArray

from edge.errors import SealInvalid, WatchlistInvalid
from edge.formats.documents import Order, WatchlistHeader
from edge.formats.pack import Subjects
from edge.trust.documents import canonical, document_sha256, verify
from edge.trust.sealing import seal, unseal, watchlist_key_context

PART_MAX_BYTES = 60 * 1024
ID_BYTES = 16
TAG_BYTES = 16
FULL_SCALE = 32767
NORM_TOLERANCE = 0.01
"""int16 rounding moves a 256-d unit vector's norm by under 0.001; anything further was not a template."""

_ENTRY_ID = re.compile(r"[0-9a-f]{32}")


def entry_bytes(dimension: int) -> int:
    """Bytes of one entry in a part's plaintext."""
    return ID_BYTES + 2 * dimension


def seal_watchlist(
    watchlist: str,
    deployment: str,
    pack_sha256: str,
    entries: Sequence[tuple[str, NDArray[np.float32]]],
    recipients: Mapping[str, str],
    subjects: Subjects = "real",
) -> tuple[WatchlistHeader, list[bytes]]:
    """The header (to be signed) and sealed parts of a watchlist.

    entries: (entry id, template float32 (d,) of norm 1). recipients: device id to X25519 public key in hex.
    subjects: synthetic only where every entry is a rendered person.
    Raises: WatchlistInvalid for entries that no van would accept, SealInvalid.
    """
    dimension = _check_entries(watchlist, entries)
    per_part = (PART_MAX_BYTES - TAG_BYTES) // entry_bytes(dimension)
    key = secrets.token_bytes(32)
    wrapped = {
        device: base64.b64encode(seal(key, public, watchlist_key_context(watchlist, deployment, device))).decode()
        for device, public in recipients.items()
    }
    header = WatchlistHeader(
        type="watchlist",
        id=watchlist,
        deployment=deployment,
        pack_sha256=pack_sha256,
        entries=len(entries),
        dimension=dimension,
        subjects=subjects,
        entries_per_part=per_part,
        wrapped_keys=wrapped,
    )
    cipher = AESGCM(key)
    parts = []
    for index, first in enumerate(range(0, len(entries), per_part)):
        chunk = entries[first : first + per_part]
        ids = b"".join(bytes.fromhex(entry_id) for entry_id, _ in chunk)
        scaled = np.round(np.stack([vector for _, vector in chunk]) * FULL_SCALE)
        planes = np.clip(scaled, -FULL_SCALE, FULL_SCALE).astype("<i2")
        parts.append(cipher.encrypt(_nonce(index), ids + planes.tobytes(), _context(header, index, len(chunk))))
    return header, parts


def open_header(data: bytes, order: Order, authority_keys: Iterable[str]) -> WatchlistHeader:
    """The header that an order names. Raises: WatchlistInvalid, DocumentInvalid, SignatureInvalid."""
    found = document_sha256(data)
    if found != order.watchlist.sha256:
        raise WatchlistInvalid(f"watchlist header {found[:16]}…, the order names {order.watchlist.sha256[:16]}…")
    header = verify(data, WatchlistHeader, authority_keys, limit_bytes=PART_MAX_BYTES)
    if (header.id, header.deployment) != (order.watchlist.id, order.deployment):
        raise WatchlistInvalid(f"watchlist {header.id} of {header.deployment}, the order names another")
    if header.pack_sha256 != order.pack_sha256:
        raise WatchlistInvalid(f"watchlist {header.id} was built with another pack than the order names")
    if header.entries != order.watchlist.entries or part_count(header) != order.watchlist.parts:
        raise WatchlistInvalid(f"watchlist {header.id}: {header.entries} entries, not the number in the order")
    if header.entries_per_part * entry_bytes(header.dimension) + TAG_BYTES > PART_MAX_BYTES:
        raise WatchlistInvalid(f"watchlist {header.id}: parts over {PART_MAX_BYTES} bytes")
    return header


def part_count(header: WatchlistHeader) -> int:
    """How many parts a watchlist has."""
    return -(-header.entries // header.entries_per_part)


def unwrap_key(header: WatchlistHeader, device: str, key: X25519PrivateKey) -> AESGCM:
    """The cipher of a watchlist, for a van it was wrapped to. Raises: WatchlistInvalid, SealInvalid."""
    wrapped = header.wrapped_keys.get(device)
    if wrapped is None:
        raise WatchlistInvalid(f"watchlist {header.id} is not for {device}")
    try:
        ciphertext = base64.b64decode(wrapped, validate=True)
    except binascii.Error:
        raise WatchlistInvalid(f"watchlist {header.id}: wrapped key is no base64") from None
    content_key = unseal(ciphertext, key, watchlist_key_context(header.id, header.deployment, device))
    if len(content_key) != 32:
        raise SealInvalid(f"watchlist {header.id}: wrapped key of {len(content_key)} bytes")
    return AESGCM(content_key)


def plaintext_bytes(header: WatchlistHeader) -> int:
    """Bytes of all parts' plaintext together: the size of the buffer that `open_parts` fills."""
    return header.entries * entry_bytes(header.dimension)


def open_parts(
    header: WatchlistHeader,
    cipher: AESGCM,
    parts: Iterable[bytes],
    plain: NDArray[np.uint8],
    templates: NDArray[np.float32],
) -> tuple[str, ...]:
    """Decrypt all parts into `plain`, write unit templates into `templates`, return the entry ids.

    plain: uint8 (plaintext_bytes,); templates: float32 (entries, dimension). Both are the caller's locked
    memory; `plain` is overwritten before this returns or raises, `templates` when it raises, whatever it raises:
    WatchlistInvalid, or what came from taking the next of `parts`.
    """
    try:
        ids: list[str] = []
        count = 0
        for index, part in enumerate(parts):
            first = index * header.entries_per_part
            count = min(header.entries_per_part, header.entries - first)
            if count <= 0:
                raise WatchlistInvalid(f"watchlist {header.id}: more parts than entries")
            chunk = plain[first * entry_bytes(header.dimension) :][: count * entry_bytes(header.dimension)]
            _decrypt_part(header, cipher, index, part, chunk)
            ids += [chunk[i * ID_BYTES : (i + 1) * ID_BYTES].tobytes().hex() for i in range(count)]
            planes = chunk[count * ID_BYTES :].view("<i2").reshape(count, header.dimension)
            _take_templates(header, index, planes, templates[first : first + count])
        if len(ids) != header.entries:
            raise WatchlistInvalid(f"watchlist {header.id}: {len(ids)} entries came, {header.entries} declared")
        if len(set(ids)) != len(ids):
            raise WatchlistInvalid(f"watchlist {header.id}: an entry id is there twice")
        return tuple(ids)
    except BaseException:
        templates[:] = 0
        raise
    finally:
        plain[:] = 0


def _check_entries(watchlist: str, entries: Sequence[tuple[str, NDArray[np.float32]]]) -> int:
    """The dimension of all templates. Raises: WatchlistInvalid."""
    if not entries:
        raise WatchlistInvalid(f"watchlist {watchlist}: no entries")
    dimension = len(entries[0][1])
    for entry_id, vector in entries:
        if not _ENTRY_ID.fullmatch(entry_id):
            raise WatchlistInvalid(
                f"watchlist {watchlist}: entry id {entry_id[:40]!r}: need 32 digits of lower-case hex"
            )
        if vector.shape != (dimension,):
            raise WatchlistInvalid(f"watchlist {watchlist}: template of shape {vector.shape}, need ({dimension},)")
        norm = float(np.linalg.norm(vector))
        if not abs(norm - 1) <= NORM_TOLERANCE / 2:
            raise WatchlistInvalid(f"watchlist {watchlist}: template of norm {norm:.3f}, need 1")
    if len({entry_id for entry_id, _ in entries}) != len(entries):
        raise WatchlistInvalid(f"watchlist {watchlist}: an entry id is there twice")
    return dimension


def _decrypt_part(header: WatchlistHeader, cipher: AESGCM, index: int, part: bytes, chunk: NDArray[np.uint8]) -> None:
    count = len(chunk) // entry_bytes(header.dimension)
    if len(part) != len(chunk) + TAG_BYTES:
        raise WatchlistInvalid(f"watchlist {header.id}, part {index}: {len(part)} bytes, need {len(chunk) + TAG_BYTES}")
    try:
        cipher.decrypt_into(_nonce(index), part, _context(header, index, count), memoryview(chunk.data))
    except InvalidTag:
        raise WatchlistInvalid(f"watchlist {header.id}, part {index}: altered, or not this list's") from None


def _take_templates(
    header: WatchlistHeader, index: int, planes: NDArray[np.int16], templates: NDArray[np.float32]
) -> None:
    # No step here makes an array of the templates' size, which nobody would wipe.
    np.copyto(templates, planes)
    templates *= np.float32(1 / FULL_SCALE)
    norms = np.sqrt(np.einsum("ij,ij->i", templates, templates))
    wrong = np.flatnonzero(np.abs(norms - 1) > NORM_TOLERANCE)
    if wrong.size:
        raise WatchlistInvalid(
            f"watchlist {header.id}, part {index}: template {int(wrong[0])} has norm "
            f"{float(norms[wrong[0]]):.3f}, need 1; another norm could match everyone"
        )
    templates /= norms[:, np.newaxis]


def _nonce(index: int) -> bytes:
    """Unique under a content key, which serves one watchlist only."""
    return struct.pack(">QI", 0, index)


def _context(header: WatchlistHeader, index: int, count: int) -> bytes:
    return b"lfr-edge watchlist part v1\0" + canonical(
        [header.id, header.deployment, header.pack_sha256, header.entries, header.dimension, index, count]
    )
