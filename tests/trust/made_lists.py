"""Lists of made people, sealed by the product's own writer, and vans that open them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from edge.formats.categories import CATEGORIES
from edge.formats.orders import Order
from edge.formats.watchlists import WatchlistBase, WatchlistDelta
from edge.trust.content_key import unwrap_content_key
from edge.trust.documents import document_sha256, sign
from edge.trust.keys import seal_public_hex
from edge.trust.manifest import PackFacts, open_manifest
from edge.trust.orders import read_order
from edge.trust.watchlist_log import LogState, begin_log, follow, read_item
from edge.trust.watchlist_writer import SealedBase, SealedDelta, WatchlistEntry, seal_base, seal_delta
from edge.vision.fold import Epoch, apply_delta, open_base
from edge.vision.gallery import Gallery
from tests.vectors import make_watchlist_vectors as made

FLEET, DEPLOYMENT, PACK, NOON = made.FLEET, made.DEPLOYMENT, made.PACK, made.NOON
VAN, OTHER_VAN = (X25519PrivateKey.from_private_bytes(bytes([n]) * 32) for n in (31, 32))
RECIPIENTS = {made.RECIPIENT: seal_public_hex(VAN), "6b" * 16: seal_public_hex(OTHER_VAN)}
SIGNERS: tuple[Ed25519PrivateKey, ...] = (made.FIRST, made.SECOND)


def template_of(number: int, dimension: int = 16) -> np.ndarray:
    """A made person's template: float32 (d,), norm 1, the same for the same number."""
    vector = np.random.default_rng([number, dimension]).normal(0, 1, dimension)
    return (vector / np.linalg.norm(vector)).astype(np.float32)


def id_of(number: int) -> str:
    return f"{number:032x}"


def entry(number: int, dimension: int = 16, **changes: Any) -> WatchlistEntry:
    fields = {"category": "wanted", "response": "red", "template": template_of(number, dimension)}
    return WatchlistEntry(**{"id": id_of(number), **fields, **changes})


def entries(numbers: Sequence[int], dimension: int = 16) -> list[WatchlistEntry]:
    return [entry(number, dimension) for number in numbers]


def base_of(numbers: Sequence[int], dimension: int = 16, **changes: Any) -> SealedBase:
    fields = {"fleet": FLEET, "deployment": DEPLOYMENT, "epoch": 1, "pack_sha256": PACK, "subjects": "real"}
    return seal_base(**{**fields, "entries": entries(numbers, dimension), "recipients": RECIPIENTS, **changes})


def order_for(base: SealedBase, **limits: Any) -> Order:
    return read_order(made.order(base.manifest, **{"entries_max": 200_000, "delta_entries_max": 1_000, **limits}))


@dataclass
class List:
    """A list as one van holds it, and the fleet's side of it."""

    base: SealedBase
    order: Order
    epoch: Epoch
    state: LogState
    gallery: Gallery

    def sealed(self, removes: Sequence[int] = (), adds: Sequence[WatchlistEntry] = ()) -> SealedDelta:
        off = {id_of(number) for number in removes}
        return seal_delta(
            self.base.secret, self.state, self.order, self.gallery.entry_ids(), off, adds, made_at_utc=NOON
        )

    def take(self, item: bytes, adds: Sequence[bytes] = ()) -> Gallery:
        """As a van takes an item: the new gallery; `self` goes on to it when all is well."""
        delta = read_item(item, self.order)
        state = follow(self.state, delta, document_sha256(item), self.order)
        assert isinstance(delta, WatchlistDelta)
        gallery = apply_delta(self.gallery, self.epoch, delta, adds)
        self.state, self.gallery = state, gallery
        return gallery

    def push(self, removes: Sequence[int] = (), adds: Sequence[WatchlistEntry] = ()) -> Gallery:
        sealed = self.sealed(removes, adds)
        return self.take(sign(sealed.delta, SIGNERS), sealed.adds)


def open_list(
    base: SealedBase,
    key: X25519PrivateKey = VAN,
    recipient: str = made.RECIPIENT,
    files: Callable[[], Any] | None = None,
    **limits: Any,
) -> List:
    """What a van does with a base."""
    order = order_for(base, **limits)
    epoch = open_epoch(base, order, key, recipient)
    gallery = open_base(epoch, base.hashes, files() if files else base.chunks)
    return List(base, order, epoch, begin_log(order, epoch.manifest), gallery)


def open_epoch(base: SealedBase, order: Order, key: X25519PrivateKey, recipient: str) -> Epoch:
    pinned = order.watchlist.manifest_sha256
    dimension = base.secret.manifest.dimension
    manifest = open_manifest(base.manifest, pinned, order, 1, PackFacts(PACK, dimension, "operations"))
    cipher = unwrap_content_key(base.keys[recipient], key, FLEET, DEPLOYMENT, 1, recipient)
    return Epoch(FLEET, manifest, cipher, frozenset(CATEGORIES))


def content_cipher(base: SealedBase) -> AESGCM:
    """What a van of the order has, and so whoever took one over."""
    return AESGCM(base.secret.content_key)


def new_base_item(state: LogState, base: SealedBase) -> WatchlistBase:
    return WatchlistBase(
        type="watchlist_base",
        fleet=FLEET,
        deployment=DEPLOYMENT,
        sequence=state.sequence + 1,
        previous_sha256=state.previous_sha256,
        made_at_utc=NOON,
        epoch=base.secret.manifest.epoch,
        manifest_sha256=document_sha256(base.manifest),
        entries=base.secret.manifest.entries,
    )
