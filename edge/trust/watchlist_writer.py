"""Writes a watchlist: bases and deltas, sealed, refusing what a reader would (WATCHLIST.md 7)."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field

import numpy as np
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from numpy.typing import NDArray

from edge.errors import DeltaInvalid, WatchlistInvalid
from edge.formats.categories import CATEGORIES, RESPONSES, Category, Response
from edge.formats.orders import Order
from edge.formats.pack import Subjects
from edge.formats.watchlists import ADD_CHUNKS_MAX, CHUNK_MAX_BYTES, LOG_ITEMS_MAX, WatchlistDelta, WatchlistManifest
from edge.trust.chunks import FULL_SCALE, NORM_TOLERANCE, ChunkPlace
from edge.trust.content_key import CONTENT_KEY_BYTES, wrap_content_key
from edge.trust.documents import as_document, canonical
from edge.trust.manifest import check_chunking, chunks_for, entries_per_chunk_max
from edge.trust.watchlist_log import LogState, follow

COMPACT_AT = 1 / 5
"""Of the base's bytes, in deltas."""

COMPACT_LEAST_BYTES = CHUNK_MAX_BYTES
"""Deltas that are no more than one message never ask for a new base: a short list may change often."""

_ENTRY_ID = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, eq=False)
class WatchlistEntry:
    """One line of the list. template: float32 (d,), norm 1."""

    id: str
    category: Category
    response: Response
    template: NDArray[np.float32]


@dataclass
class EpochSecret:
    """What the fleet keeps of an epoch until the close. sealed_sequences: of the deltas whose additions were sealed.

    Whoever keeps it writes it down after each `seal_delta` and before the delta leaves the machine: a sequence
    sealed twice would use a nonce twice, which gives the templates of both away.
    """

    fleet: str
    manifest: WatchlistManifest
    content_key: bytes
    sealed_sequences: set[int] = field(default_factory=set)


@dataclass(frozen=True)
class SealedBase:
    """The files of a base. keys: recipient to the file `key-{recipient}`."""

    secret: EpochSecret
    manifest: bytes
    hashes: bytes
    chunks: tuple[bytes, ...]
    keys: Mapping[str, bytes]


@dataclass(frozen=True)
class SealedDelta:
    """A delta to be signed, and the files of its additions."""

    delta: WatchlistDelta
    adds: tuple[bytes, ...]


def seal_base(
    fleet: str,
    deployment: str,
    epoch: int,
    pack_sha256: str,
    subjects: Subjects,
    entries: Sequence[WatchlistEntry],
    recipients: Mapping[str, str],
) -> SealedBase:
    """A base under a fresh content key. recipients: recipient id to X25519 public key in hex, one for each van.

    Raises: WatchlistInvalid, DocumentInvalid, SealInvalid.
    """
    where = f"watchlist {deployment}, epoch {epoch}"
    if not entries:
        raise WatchlistInvalid(f"{where}: no entries, need at least one")
    dimension = len(entries[0].template)
    _check_entries(entries, dimension, where)
    fields = {
        "type": "watchlist_manifest",
        "deployment": deployment,
        "epoch": epoch,
        "pack_sha256": pack_sha256,
        "dimension": dimension,
        "subjects": subjects,
        "entries": len(entries),
        "entries_per_chunk": entries_per_chunk_max(dimension),
        "hashes_sha256": "0" * 64,
    }
    secret = EpochSecret(
        fleet,
        as_document(fields, WatchlistManifest),
        secrets.token_bytes(CONTENT_KEY_BYTES),
    )
    check_chunking(secret.manifest)
    chunks = _seal_chunks(secret, 0, entries)
    hashes = b"".join(hashlib.sha256(chunk).digest() for chunk in chunks)
    secret.manifest = secret.manifest.model_copy(update={"hashes_sha256": hashlib.sha256(hashes).hexdigest()})
    keys = {
        recipient: wrap_content_key(secret.content_key, public, fleet, deployment, epoch, recipient)
        for recipient, public in recipients.items()
    }
    return SealedBase(secret, canonical(secret.manifest.model_dump(mode="json")), hashes, chunks, keys)


def seal_delta(
    secret: EpochSecret,
    state: LogState,
    order: Order,
    in_force: Set[str],
    removes: Set[str],
    adds: Sequence[WatchlistEntry],
    made_at_utc: str,
) -> SealedDelta:
    """The next item of the log, not yet signed. state, in_force: where the list stands, and the ids on it.

    Raises: DeltaInvalid, WatchlistInvalid, DocumentInvalid.
    """
    sequence = state.sequence + 1
    where = f"item {sequence} of {order.deployment}"
    if (secret.manifest.deployment, secret.manifest.epoch) != (order.deployment, state.epoch):
        raise DeltaInvalid(f"{where}: the key is of {secret.manifest.deployment}, epoch {secret.manifest.epoch}")
    unknown, known = removes - in_force, in_force & {entry.id for entry in adds}
    if unknown:
        raise DeltaInvalid(f"{where} takes off {len(unknown)} entries that are not in force, {min(unknown)} among them")
    if known:
        raise DeltaInvalid(f"{where} puts on {len(known)} entries that are in force, {min(known)} among them")
    most = ADD_CHUNKS_MAX * secret.manifest.entries_per_chunk
    if len(removes) + len(adds) > order.watchlist.delta_entries_max or len(adds) > most:
        raise DeltaInvalid(
            f"{where} changes {len(removes) + len(adds)} entries, the order allows {order.watchlist.delta_entries_max} "
            f"and {most} additions fit its files; split it, or make a new base"
        )
    _check_entries(adds, secret.manifest.dimension, where)
    if adds and sequence in secret.sealed_sequences:
        raise DeltaInvalid(
            f"{where}: additions were sealed under this sequence before; publish those, use it to take entries off, "
            "or make a new base"
        )
    fields = {
        "type": "watchlist_delta",
        "fleet": order.fleet,
        "deployment": order.deployment,
        "sequence": sequence,
        "previous_sha256": state.previous_sha256,
        "made_at_utc": made_at_utc,
        "epoch": state.epoch,
        "removes": sorted(removes),
        "adds": len(adds),
        "adds_sha256": ["0" * 64] * chunks_for(len(adds), secret.manifest),
        "entries_after": max(0, state.entries - len(removes) + len(adds)),
    }
    made = as_document(fields, WatchlistDelta)
    follow(state, made, "0" * 64, order)
    files = _seal_chunks(secret, sequence, adds)
    pinned = [hashlib.sha256(each).hexdigest() for each in files]
    return SealedDelta(made.model_copy(update={"adds_sha256": pinned}), files)


def compaction_due(base_bytes: int, delta_bytes: int, items: int) -> bool:
    """Whether the next change should be a new base. items: in the log now."""
    return delta_bytes > max(COMPACT_AT * base_bytes, COMPACT_LEAST_BYTES) or items >= LOG_ITEMS_MAX


def _seal_chunks(secret: EpochSecret, sequence: int, entries: Sequence[WatchlistEntry]) -> tuple[bytes, ...]:
    if entries and sequence:
        secret.sealed_sequences.add(sequence)
    cipher, per_chunk = AESGCM(secret.content_key), secret.manifest.entries_per_chunk
    sealed = []
    for index, first in enumerate(range(0, len(entries), per_chunk)):
        part = entries[first : first + per_chunk]
        place = ChunkPlace(secret.fleet, secret.manifest, sequence, index, len(part))
        sealed.append(cipher.encrypt(place.nonce(), _planes(part), place.context()))
    return tuple(sealed)


def _planes(entries: Sequence[WatchlistEntry]) -> bytes:
    return b"".join(
        (
            b"".join(bytes.fromhex(entry.id) for entry in entries),
            bytes(CATEGORIES.index(entry.category) + 1 for entry in entries),
            bytes(RESPONSES.index(entry.response) + 1 for entry in entries),
            *(_as_stored(entry.template).tobytes() for entry in entries),
        )
    )


def _as_stored(template: NDArray[np.float32]) -> NDArray[np.int16]:
    scaled = np.clip(np.round(template.astype(np.float64) * FULL_SCALE), -FULL_SCALE, FULL_SCALE)
    return scaled.astype("<i2")


def _check_entries(entries: Sequence[WatchlistEntry], dimension: int, where: str) -> None:
    for entry in entries:
        if not _ENTRY_ID.fullmatch(entry.id):
            raise WatchlistInvalid(f"{where}: entry id {entry.id[:40]!r}: need 32 digits of lower-case hex")
        if entry.category not in CATEGORIES or entry.response not in RESPONSES:
            raise WatchlistInvalid(f"{where}: entry {entry.id}: category or planned response out of its closed set")
        if entry.template.shape != (dimension,):
            raise WatchlistInvalid(f"{where}: template of shape {entry.template.shape}, need ({dimension},)")
        norm = float(np.linalg.norm(entry.template.astype(np.float64)))
        # Half of what a reader allows: rounding must not carry it over.
        if not abs(norm - 1) <= NORM_TOLERANCE / 2:
            raise WatchlistInvalid(f"{where}: entry {entry.id}: template of norm {norm:.3f}, need 1")
    if len({entry.id for entry in entries}) != len(entries):
        raise WatchlistInvalid(f"{where}: an entry id is there twice")
