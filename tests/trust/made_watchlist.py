"""A small watchlist in three parts, and the dirty memory it is opened into."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from edge.errors import (
    LfrError,
    WatchlistInvalid,
)
from edge.formats.documents import WatchlistHeader
from edge.trust import watchlist
from edge.trust.keys import seal_public_hex
from edge.trust.watchlist import PART_MAX_BYTES, TAG_BYTES, entry_bytes
from tests.made_documents import (
    DEPLOYMENT,
    DEVICE,
    PACK_SHA256,
    ROOM_SEAL,
    VAN_SEAL,
    WATCHLIST,
)

DIMENSION = 2000
"""Large templates make short parts: three parts hold few entries."""

PER_PART = (PART_MAX_BYTES - TAG_BYTES) // entry_bytes(DIMENSION)
DIRT = 0xA5
SEED = 20_260_301


def entries_of(count: int, dimension: int = DIMENSION, seed: int = SEED) -> list[tuple[str, np.ndarray]]:
    vectors = np.random.default_rng(seed).standard_normal((count, dimension)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return [(f"{number + 1:032x}", vector) for number, vector in enumerate(vectors)]


@dataclass
class Opening:
    """One watchlist as a van receives it, and the memory it is opened into: dirty, to show what is wiped."""

    header: WatchlistHeader
    parts: list[bytes]

    def __post_init__(self) -> None:
        self.plain = np.full(watchlist.plaintext_bytes(self.header), DIRT, np.uint8)
        self.templates = np.full((self.header.entries, self.header.dimension), np.nan, np.float32)

    def open(self, parts: Iterator[bytes] | None = None, cipher: AESGCM | None = None) -> tuple[str, ...]:
        cipher = cipher or watchlist.unwrap_key(self.header, DEVICE, VAN_SEAL)
        return watchlist.open_parts(self.header, cipher, parts or iter(self.parts), self.plain, self.templates)

    def refuses(self, why: str, parts: Iterator[bytes] | None = None, error: type[LfrError] = WatchlistInvalid) -> None:
        with pytest.raises(error, match=why):
            self.open(parts)
        self.is_wiped()

    def is_wiped(self) -> None:
        assert not self.plain.any(), "plaintext is left"
        assert not self.templates.any(), "templates are left"


def made(count: int = 2 * PER_PART + 1, dimension: int = DIMENSION, seed: int = SEED, **changes: str) -> Opening:
    names = {"watchlist": WATCHLIST, "deployment": DEPLOYMENT, "pack_sha256": PACK_SHA256, **changes}
    recipients = {DEVICE: seal_public_hex(VAN_SEAL), "van-2": seal_public_hex(ROOM_SEAL)}
    return Opening(
        *watchlist.seal_watchlist(**names, entries=entries_of(count, dimension, seed), recipients=recipients)
    )
