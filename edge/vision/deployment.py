"""One deployment, opened: its order verified, its watchlist in locked memory. No order, no gallery, no camera."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from edge.clock import Clock
from edge.errors import LfrError, WatchlistInvalid
from edge.formats.documents import Order
from edge.formats.pack import Purpose
from edge.formats.topics import order_name, watchlist_part_name
from edge.trust import watchlist
from edge.trust.order import open_order
from edge.trust.packs import check_subjects
from edge.vision.gallery import Gallery
from edge.vision.memory import LockedBuffer

FETCH_TIMEOUT_S = 10.0
RETRY_WAIT_S = 2.0
HEADER_INDEX = 0
"""Part 0 of a watchlist's files is its header; the sealed parts follow."""

log = logging.getLogger("lfr.vision.deployment")


@dataclass(frozen=True)
class Deployment:
    """What is in force."""

    order: Order
    gallery: Gallery


@dataclass(frozen=True)
class Identity:
    """Who opens it: this box, the keys it trusts, the key it opens with, the pack it runs, and on what.

    backend: `litert/int8`, the runtime's kernels and the pack's precision, to which a threshold belongs.
    """

    fleet: str
    device: str
    authority_keys: tuple[str, ...]
    seal_key: X25519PrivateKey
    pack_sha256: str
    dimension: int
    purpose: Purpose
    backend: str


def await_deployment(
    fetch: Callable[[str, float], bytes], identity: Identity, clock: Clock, stop: threading.Event
) -> Deployment | None:
    """Ask for an order until there is one that may be obeyed; None when stopped before.

    A bad order or watchlist is refused whole, said in the log, and asked for again: the fleet may mend it.
    """
    said = ""
    while not stop.is_set():
        try:
            return open_deployment(fetch, identity, clock)
        except LfrError as error:
            if str(error) != said:
                said = str(error)
                log.warning("no deployment: %s: %s", type(error).__name__, error)
        stop.wait(RETRY_WAIT_S)
    return None


def open_deployment(fetch: Callable[[str, float], bytes], identity: Identity, clock: Clock) -> Deployment:
    """Fetch, verify and open this box's order and watchlist.

    Raises: RepositoryFileMissing, DocumentInvalid, SignatureInvalid, OrderInvalid, ThresholdMismatch, OrderExpired,
    PackPurposeRefused, WatchlistInvalid, SealInvalid.
    """
    data = fetch(order_name(identity.device), FETCH_TIMEOUT_S)
    order = open_order(
        data,
        identity.authority_keys,
        identity.fleet,
        identity.device,
        identity.pack_sha256,
        identity.backend,
        clock.now_utc(),
    )
    header_name = watchlist_part_name(order.watchlist.id, HEADER_INDEX)
    header = watchlist.open_header(fetch(header_name, FETCH_TIMEOUT_S), order, identity.authority_keys)
    check_subjects(header.subjects, identity.purpose, f"watchlist {header.id}")
    if header.dimension != identity.dimension:
        raise WatchlistInvalid(
            f"watchlist {header.id}: templates of {header.dimension}, the pack's have {identity.dimension}"
        )
    cipher = watchlist.unwrap_key(header, identity.device, identity.seal_key)
    plain = LockedBuffer(watchlist.plaintext_bytes(header))
    buffer = LockedBuffer(header.entries * header.dimension * 4)
    templates = buffer.array("f4", (header.entries, header.dimension))
    names = (watchlist_part_name(header.id, HEADER_INDEX + 1 + i) for i in range(watchlist.part_count(header)))
    ids = watchlist.open_parts(
        header,
        cipher,
        (fetch(name, FETCH_TIMEOUT_S) for name in names),
        plain.array("u1", (watchlist.plaintext_bytes(header),)),
        templates,
    )
    return Deployment(order, Gallery(ids, templates, buffer))
