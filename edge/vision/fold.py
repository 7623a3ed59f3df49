"""The fold: a base, then deltas, each into locked memory whole or not at all (WATCHLIST.md 4 and 6)."""

from __future__ import annotations

from collections.abc import Iterable, Set
from dataclasses import dataclass, replace

import numpy as np
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from numpy.typing import NDArray

from edge.errors import DeltaInvalid, WatchlistInvalid
from edge.formats.categories import Category
from edge.formats.watchlists import WatchlistDelta, WatchlistManifest
from edge.trust.chunks import ChunkEntries, ChunkPlace, category_of, open_chunk, response_of
from edge.trust.manifest import chunks_for, entries_in, plain_bytes, read_hashes
from edge.vision.gallery import Block, Gallery, Segment
from edge.vision.memory import LockedBuffer

BLOCK_ROWS_MIN = 256
"""Room in a new block for additions to come, so that many small deltas do not make many segments to search."""


@dataclass(frozen=True)
class Epoch:
    """What opens an epoch's chunks: its manifest, its cipher, and the categories that the policy profile has."""

    fleet: str
    manifest: WatchlistManifest
    cipher: AESGCM
    categories: Set[Category]


def open_base(epoch: Epoch, hashes: bytes, chunks: Iterable[bytes]) -> Gallery:
    """The gallery of a base. chunks: its files, taken one after the other, so that they need not all be there.

    On any error, what was opened is overwritten.
    Raises: WatchlistInvalid; and what taking the next of chunks raises.
    """
    manifest = epoch.manifest
    block = Block.of_size(manifest.entries, manifest.dimension)
    try:
        opened = _open_chunks(epoch, 0, manifest.entries, read_hashes(hashes, manifest), chunks, block.templates)
        block.used = manifest.entries
        return Gallery.of_segments((_segment(block, opened),))
    except BaseException:
        block.buffer.wipe()
        raise


def apply_delta(gallery: Gallery, epoch: Epoch, delta: WatchlistDelta, adds: Iterable[bytes]) -> Gallery:
    """The gallery after a delta that `watchlist_log.follow` let pass. adds: the files of its additions.

    `gallery` stays as it is; it shares its memory with the new one, so that whichever of the two is given up
    overwrites its rows with `overwrite_all_but` the other. On any error, what was opened is overwritten.
    Raises: DeltaInvalid, WatchlistInvalid; and what taking the next of adds raises.
    """
    where = f"item {delta.sequence} of {delta.deployment}"
    if delta.epoch != epoch.manifest.epoch:
        raise DeltaInvalid(f"{where} is for epoch {delta.epoch}, the key is of {epoch.manifest.epoch}")
    if len(delta.adds_sha256) != chunks_for(delta.adds, epoch.manifest):
        raise DeltaInvalid(
            f"{where} puts on {delta.adds} entries in {len(delta.adds_sha256)} files, need "
            f"{chunks_for(delta.adds, epoch.manifest)}"
        )
    removed = gallery.among(set(delta.removes))
    if len(removed) != len(delta.removes):
        absent = next(entry_id for entry_id in delta.removes if entry_id not in removed)
        raise DeltaInvalid(f"{where} takes off {absent}, which is not in force; make a new base")
    if len(gallery) - len(removed) + delta.adds != delta.entries_after:
        raise DeltaInvalid(f"{where} says {delta.entries_after} entries after it, the list in force does not give that")
    segments = _without(gallery.segments, removed.values())
    if delta.adds:
        segments = _with_added(gallery, segments, epoch, delta, adds, where)
    elif next(iter(adds), None) is not None:
        raise DeltaInvalid(f"{where} puts nothing on, and a file of additions came with it")
    return Gallery.of_segments(segments)


def _without(segments: tuple[Segment, ...], places: Iterable[tuple[int, int]]) -> tuple[Segment, ...]:
    alive: dict[int, NDArray[np.bool_]] = {}
    for place, row in places:
        alive.setdefault(place, segments[place].alive.copy())[row] = False
    return tuple(
        replace(segment, alive=alive[place]) if place in alive else segment for place, segment in enumerate(segments)
    )


def _with_added(
    gallery: Gallery,
    segments: tuple[Segment, ...],
    epoch: Epoch,
    delta: WatchlistDelta,
    adds: Iterable[bytes],
    where: str,
) -> tuple[Segment, ...]:
    last = segments[-1]
    # Rows beyond this snapshot belong to another one, made from the same gallery and perhaps given up.
    appending = last.block.used == len(last.entry_ids) and last.block.room >= delta.adds
    if appending:
        block = last.block
    else:
        added_before = sum(len(segment.entry_ids) for segment in segments[1:])
        block = Block.of_size(max(delta.adds, added_before, BLOCK_ROWS_MIN), epoch.manifest.dimension)
    rows = block.templates[block.used :][: delta.adds]
    try:
        pinned = tuple(bytes.fromhex(sha256) for sha256 in delta.adds_sha256)
        opened = _open_chunks(epoch, delta.sequence, delta.adds, pinned, adds, rows)
        known = gallery.among(set(opened.ids))
        if known:
            raise DeltaInvalid(f"{where} puts on {min(known)}, which is in force")
    except BaseException:
        rows[:] = 0
        raise
    block.used += delta.adds
    added = _segment(block, opened)
    if not appending:
        return (*segments, added)
    grown = Segment(
        block,
        last.entry_ids + added.entry_ids,
        np.concatenate([last.alive, added.alive]),
        last.categories + added.categories,
        last.responses + added.responses,
    )
    return (*segments[:-1], grown)


def _open_chunks(
    epoch: Epoch,
    sequence: int,
    entries: int,
    pinned: tuple[bytes, ...],
    files: Iterable[bytes],
    templates: NDArray[np.float32],
) -> ChunkEntries:
    """All chunks of a base or delta, one after the other through one locked buffer of one chunk's plaintext."""
    manifest = epoch.manifest
    what = f"watchlist {manifest.deployment}, epoch {manifest.epoch}, item {sequence}"
    size = plain_bytes(min(manifest.entries_per_chunk, entries), manifest.dimension)
    plain = LockedBuffer(size).array("u1", (size,))
    ids: list[str] = []
    categories, responses = bytearray(), bytearray()
    came = 0
    for data in files:
        if came == len(pinned):
            raise WatchlistInvalid(f"{what}: more files came than the {came} that are pinned")
        place = ChunkPlace(epoch.fleet, manifest, sequence, came, entries_in(came, entries, manifest))
        rows = templates[len(ids) :][: place.entries]
        opened = open_chunk(data, pinned[came], place, epoch.cipher, epoch.categories, plain, rows)
        ids += opened.ids
        categories += opened.categories
        responses += opened.responses
        came += 1
    if len(ids) != entries:
        raise WatchlistInvalid(f"{what}: {came} of {len(pinned)} files came")
    if len(set(ids)) != len(ids):
        raise WatchlistInvalid(f"{what}: an entry id is in two chunks")
    return ChunkEntries(tuple(ids), bytes(categories), bytes(responses))


def _segment(block: Block, opened: ChunkEntries) -> Segment:
    return Segment(
        block,
        opened.ids,
        np.ones(len(opened.ids), np.bool_),
        tuple(map(category_of, opened.categories)),
        tuple(map(response_of, opened.responses)),
    )
