"""Reads a van's files in their order: an order and its base, then the log; returns the gallery in force at the end."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from itertools import takewhile

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from edge.formats.categories import Category
from edge.formats.orders import Order
from edge.formats.pack import Purpose
from edge.formats.watchlists import WatchlistBase
from edge.trust.content_key import unwrap_content_key
from edge.trust.documents import document_sha256
from edge.trust.manifest import PackFacts, open_manifest
from edge.trust.orders import open_close, read_order
from edge.trust.watchlist_log import begin_log, follow, read_item
from edge.vision.fold import Epoch, apply_delta, open_base
from edge.vision.gallery import Gallery

Lines = list[tuple[str, bytes]]


def lines_of(body: bytes) -> Lines:
    """A vector's body."""
    return [(word, base64.b64decode(text)) for word, text in (line.split(" ") for line in body.decode().splitlines())]


class Van:
    """Opens what it is given, in that order."""

    def __init__(
        self, key: X25519PrivateKey, recipient: str, dimension: int, categories: frozenset[Category], purpose: Purpose
    ) -> None:
        self.key = key
        self.recipient = recipient
        self.dimension = dimension
        self.categories = categories
        self.purpose: Purpose = purpose
        self.gallery: Gallery | None = None

    def read(self, lines: Lines) -> None:
        """Raises: what the first file that is refused raises; `gallery` is then the one before it."""
        rest = iter(lines)
        order = read_order(next(rest)[1])
        word, data = next(rest)
        if word == "close":
            assert open_close(data, order).reason
            return
        epoch, self.gallery = self._base(data, order.watchlist.manifest_sha256, order, 1, None, rest)
        state = begin_log(order, epoch.manifest)
        for data, files in _items(lines):
            item = read_item(data, order)
            after = follow(state, item, document_sha256(data), order)
            if isinstance(item, WatchlistBase):
                of_base = iter(files)
                pinned = item.manifest_sha256
                opened = self._base(next(of_base)[1], pinned, order, item.epoch, item.entries, of_base)
                epoch, self.gallery = opened
            else:
                self.gallery = apply_delta(self.gallery, epoch, item, (file for _, file in files))
            state = after
            assert len(self.gallery) == state.entries

    def _base(
        self,
        data: bytes,
        pinned: str,
        order: Order,
        number: int,
        entries: int | None,
        rest: Iterator[tuple[str, bytes]],
    ) -> tuple[Epoch, Gallery]:
        pack = PackFacts(order.pack_sha256, self.dimension, self.purpose)
        manifest = open_manifest(data, pinned, order, number, pack, entries)
        cipher = unwrap_content_key(next(rest)[1], self.key, order.fleet, order.deployment, number, self.recipient)
        epoch = Epoch(order.fleet, manifest, cipher, self.categories)
        hashes = next(rest)[1]
        return epoch, open_base(epoch, hashes, (file for _, file in takewhile(lambda line: line[0] == "chunk", rest)))


def _items(lines: Lines) -> Iterator[tuple[bytes, Lines]]:
    starts = [at for at, (word, _) in enumerate(lines) if word == "item"]
    for start, end in zip(starts, [*starts, len(lines)][1:], strict=True):
        yield lines[start][1], lines[start + 1 : end]
