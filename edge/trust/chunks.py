"""A chunk of entries: hash, decryption in place, and the checks of its planes (WATCHLIST.md 3 and 4)."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Set
from dataclasses import dataclass

import numpy as np
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from numpy.typing import NDArray

from edge.errors import WatchlistInvalid
from edge.formats.categories import CATEGORIES, RESPONSES, Category, Response
from edge.formats.watchlists import WatchlistManifest
from edge.trust.documents import canonical
from edge.trust.manifest import ID_BYTES, TAGS_BYTES, chunk_bytes, plain_bytes

FULL_SCALE = 32767
NORM_TOLERANCE = 0.01
"""int16 rounding moves a unit vector of 2,048 numbers by under 0.001; anything further was not a template."""


@dataclass(frozen=True)
class ChunkPlace:
    """Where a chunk belongs. sequence: of its delta in the log, 0 for the base; index: within base or delta."""

    fleet: str
    manifest: WatchlistManifest
    sequence: int
    index: int
    entries: int

    def nonce(self) -> bytes:
        """Unique under the epoch's key, as long as a sequence is used once in an epoch."""
        return struct.pack(">QI", self.sequence, self.index)

    def context(self) -> bytes:
        """What the tag binds the chunk to."""
        epoch = self.manifest
        return b"lfr-edge watchlist chunk v2\0" + canonical(
            [
                *(self.fleet, epoch.deployment, epoch.epoch, self.sequence, self.index, self.entries),
                *(epoch.pack_sha256, epoch.dimension),
            ]
        )

    def __str__(self) -> str:
        what = f"additions of item {self.sequence}" if self.sequence else "base"
        return f"watchlist {self.manifest.deployment}, epoch {self.manifest.epoch}, {what}, chunk {self.index}"


@dataclass(frozen=True)
class ChunkEntries:
    """What is not a template: ids in hex, and the bytes of category and planned response, one an entry."""

    ids: tuple[str, ...]
    categories: bytes
    responses: bytes


def open_chunk(
    data: bytes,
    sha256: bytes,
    place: ChunkPlace,
    cipher: AESGCM,
    categories: Set[Category],
    plain: NDArray[np.uint8],
    templates: NDArray[np.float32],
) -> ChunkEntries:
    """Write a chunk's templates, of norm 1, into `templates`, and return what else its entries are.

    categories: those that the policy profile has. plain: uint8, room for one chunk; templates: float32
    (place.entries, dimension), each row in one piece. Both are the caller's locked memory; `plain` is overwritten
    before this returns or raises, `templates` when it raises. Raises: WatchlistInvalid.
    """
    size = plain_bytes(place.entries, place.manifest.dimension)
    try:
        _check_file(data, sha256, place)
        planes = plain[:size]
        try:
            cipher.decrypt_into(place.nonce(), data, place.context(), memoryview(planes.data))
        except InvalidTag:
            raise WatchlistInvalid(f"{place}: does not open: another key's, another place's, or altered") from None
        entries = _read_tags(planes, place, categories)
        _take_templates(planes, place, templates)
        if len(set(entries.ids)) != len(entries.ids):
            raise WatchlistInvalid(f"{place}: an entry id is there twice")
        return entries
    except BaseException:
        templates[:] = 0
        raise
    finally:
        plain[:] = 0


def category_of(code: int) -> Category:
    """The word for a category's byte."""
    return CATEGORIES[code - 1]


def response_of(code: int) -> Response:
    """The word for a planned response's byte."""
    return RESPONSES[code - 1]


def _check_file(data: bytes, sha256: bytes, place: ChunkPlace) -> None:
    need = chunk_bytes(place.entries, place.manifest.dimension)
    if len(data) != need:
        raise WatchlistInvalid(f"{place}: {len(data)} bytes, need {need} for {place.entries} entries")
    if hashlib.sha256(data).digest() != sha256:
        raise WatchlistInvalid(f"{place}: not the file that is pinned; altered, moved, or another list's")


def _read_tags(planes: NDArray[np.uint8], place: ChunkPlace, allowed: Set[Category]) -> ChunkEntries:
    count = place.entries
    ids = planes[: ID_BYTES * count].tobytes().hex()
    categories, responses = (planes[(ID_BYTES + at) * count :][:count].tobytes() for at in (0, 1))
    known = {CATEGORIES.index(category) + 1 for category in allowed}
    for code in set(categories) - known:
        named = category_of(code) if 1 <= code <= len(CATEGORIES) else "none of the closed set"
        raise WatchlistInvalid(f"{place}: an entry of category {code} ({named}), which the policy profile has not")
    for code in set(responses):
        if not 1 <= code <= len(RESPONSES):
            raise WatchlistInvalid(f"{place}: an entry with planned response {code}, need 1 to {len(RESPONSES)}")
    digits = 2 * ID_BYTES
    return ChunkEntries(tuple(ids[at : at + digits] for at in range(0, digits * count, digits)), categories, responses)


def _take_templates(planes: NDArray[np.uint8], place: ChunkPlace, templates: NDArray[np.float32]) -> None:
    # Above the planes' own memory, no step makes an array of the templates' size: nobody would overwrite it.
    stored = (
        planes[(ID_BYTES + TAGS_BYTES) * place.entries :].view("<i2").reshape(place.entries, place.manifest.dimension)
    )
    np.copyto(templates, stored)
    templates *= np.float32(1 / FULL_SCALE)
    norms = np.sqrt(np.einsum("ij,ij->i", templates, templates))
    wrong = np.flatnonzero(~(np.abs(norms - 1) <= NORM_TOLERANCE))
    if wrong.size:
        raise WatchlistInvalid(
            f"{place}: template {int(wrong[0])} has norm {float(norms[wrong[0]]):.3f}, need 1; "
            "another norm could match everyone"
        )
    templates /= norms[:, np.newaxis]
