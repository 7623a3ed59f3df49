"""The manifest of a base, and the hashes of its chunks: what is to come, before it is opened (WATCHLIST.md 2)."""

from __future__ import annotations

from dataclasses import dataclass

from edge.errors import WatchlistInvalid
from edge.formats.orders import Order
from edge.formats.pack import Purpose
from edge.formats.watchlists import CHUNK_MAX_BYTES, CHUNKS_MAX, MANIFEST_MAX_BYTES, WatchlistManifest
from edge.trust.documents import as_document, document_sha256, parse_strict
from edge.trust.packs import check_subjects

HASH_BYTES = 32
TAG_BYTES = 16
ID_BYTES = 16
TAGS_BYTES = 2
"""Category and planned response."""


@dataclass(frozen=True)
class PackFacts:
    """What the installed pack is: its hash, the size of its templates, whom it may meet."""

    sha256: str
    dimension: int
    purpose: Purpose


def read_manifest(data: bytes) -> WatchlistManifest:
    """A manifest's fields, whoever it is for. Raises: DocumentTooLarge, DocumentInvalid."""
    return as_document(parse_strict(data, MANIFEST_MAX_BYTES), WatchlistManifest)


def open_manifest(
    data: bytes, expected_sha256: str, order: Order, epoch: int, pack: PackFacts, entries: int | None = None
) -> WatchlistManifest:
    """The manifest that the order (epoch 1) or a log item pins, if this van may open its list.

    entries: as the log item says. What is in it may not be more than the order allows.
    Raises: DocumentTooLarge, DocumentInvalid, WatchlistInvalid, PackPurposeRefused.
    """
    found = document_sha256(data)
    if found != expected_sha256:
        raise WatchlistInvalid(
            f"manifest {found[:16]}… of {order.deployment}, epoch {epoch}: pinned is {expected_sha256[:16]}…; "
            "altered, or another list's"
        )
    manifest = read_manifest(data)
    if (manifest.deployment, manifest.epoch) != (order.deployment, epoch):
        raise WatchlistInvalid(
            f"manifest of {manifest.deployment}, epoch {manifest.epoch}; need {order.deployment}, epoch {epoch}"
        )
    if not manifest.pack_sha256 == order.pack_sha256 == pack.sha256:
        raise WatchlistInvalid(
            f"watchlist {manifest.deployment} was built with pack {manifest.pack_sha256[:16]}…, the order names "
            f"{order.pack_sha256[:16]}…, installed is {pack.sha256[:16]}…; build it with the installed one"
        )
    if manifest.dimension != pack.dimension:
        raise WatchlistInvalid(
            f"watchlist {manifest.deployment}: templates of {manifest.dimension}, the pack's have {pack.dimension}"
        )
    if manifest.entries > order.watchlist.entries_max:
        raise WatchlistInvalid(
            f"watchlist {manifest.deployment}: {manifest.entries} entries, the order allows "
            f"{order.watchlist.entries_max}"
        )
    if entries not in (None, manifest.entries):
        raise WatchlistInvalid(f"watchlist {manifest.deployment}: {manifest.entries} entries, its item says {entries}")
    check_subjects(manifest.subjects, pack.purpose, f"watchlist {manifest.deployment}")
    check_chunking(manifest)
    return manifest


def check_chunking(manifest: WatchlistManifest) -> None:
    """Raises: WatchlistInvalid where a chunk is over the cap of a file, or the chunks' hashes are."""
    full = chunk_bytes(manifest.entries_per_chunk, manifest.dimension)
    if full > CHUNK_MAX_BYTES:
        raise WatchlistInvalid(
            f"watchlist {manifest.deployment}: chunks of {full} bytes, at most {CHUNK_MAX_BYTES}; "
            f"{entries_per_chunk_max(manifest.dimension)} entries fit one"
        )
    if chunk_count(manifest) > CHUNKS_MAX:
        raise WatchlistInvalid(f"watchlist {manifest.deployment}: {chunk_count(manifest)} chunks, at most {CHUNKS_MAX}")


def read_hashes(data: bytes, manifest: WatchlistManifest) -> tuple[bytes, ...]:
    """The SHA-256 of each chunk, 32 bytes each, in order. Raises: WatchlistInvalid."""
    need = HASH_BYTES * chunk_count(manifest)
    if len(data) != need:
        raise WatchlistInvalid(f"hashes of {manifest.deployment}: {len(data)} bytes, need {need}")
    if document_sha256(data) != manifest.hashes_sha256:
        raise WatchlistInvalid(f"hashes of {manifest.deployment}: not those that the manifest pins")
    return tuple(data[at : at + HASH_BYTES] for at in range(0, need, HASH_BYTES))


def chunk_count(manifest: WatchlistManifest) -> int:
    """How many chunks a base has."""
    return chunks_for(manifest.entries, manifest)


def chunks_for(entries: int, manifest: WatchlistManifest) -> int:
    """How many chunks so many entries of this epoch take."""
    return -(-entries // manifest.entries_per_chunk)


def entries_in(index: int, entries: int, manifest: WatchlistManifest) -> int:
    """How many of so many entries lie in the chunk of that index."""
    return max(0, min(manifest.entries_per_chunk, entries - index * manifest.entries_per_chunk))


def plain_bytes(entries: int, dimension: int) -> int:
    """Bytes of so many entries' four planes."""
    return (ID_BYTES + TAGS_BYTES + 2 * dimension) * entries


def chunk_bytes(entries: int, dimension: int) -> int:
    """Bytes of a chunk's file."""
    return plain_bytes(entries, dimension) + TAG_BYTES


def entries_per_chunk_max(dimension: int) -> int:
    """The most entries that fit a file."""
    return min(10_000, (CHUNK_MAX_BYTES - TAG_BYTES) // plain_bytes(1, dimension))
