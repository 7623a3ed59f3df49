"""The order in force: signed by the authority, meant for this box, this pack and this moment (thin).

Verification does no input or output; `edge/vision/deployment.py` fetches.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from edge.clock import parse_utc
from edge.errors import OrderExpired, OrderInvalid, SealInvalid, ThresholdMismatch
from edge.formats.documents import Order
from edge.trust.documents import verify
from edge.trust.sealing import check_public_key


def open_order(
    data: bytes,
    authority_keys: Iterable[str],
    fleet: str,
    device: str,
    pack_sha256: str,
    backend: str,
    now: datetime,
) -> Order:
    """The order, if it may be obeyed here and now. backend: what this box computes with, `litert/int8`.

    Raises: DocumentInvalid, DocumentTooLarge, SignatureInvalid, OrderInvalid, ThresholdMismatch, OrderExpired.
    """
    order = verify(data, Order, authority_keys)
    if order.fleet != fleet or device not in order.devices:
        raise OrderInvalid(f"order for {order.fleet}: {', '.join(order.devices[:4])}; this is {fleet}: {device}")
    if order.pack_sha256 != pack_sha256:
        raise OrderInvalid(
            f"order {order.deployment} is for pack {order.pack_sha256[:16]}…, installed is {pack_sha256[:16]}…; "
            "install the pack that the order names"
        )
    if order.threshold_backend != backend:
        raise ThresholdMismatch(
            f"order {order.deployment}: its threshold is for {order.threshold_backend}, this van computes with "
            f"{backend}; set inference to that, or have an order made with: lfr-models threshold"
        )
    try:
        check_public_key(order.room_seal_key_hex)
    except SealInvalid as error:
        raise OrderInvalid(f"order {order.deployment}: room_seal_key_hex {error}") from None
    check_period(order, now)
    return order


def check_period(order: Order, now: datetime) -> None:
    """Raises: OrderExpired outside the order's time."""
    try:
        begin, end = parse_utc(order.not_before_utc), parse_utc(order.not_after_utc)
    except ValueError as error:
        raise OrderInvalid(f"order {order.deployment}: {error}") from None
    if begin >= end:
        raise OrderInvalid(f"order {order.deployment} ends at {order.not_after_utc}, before it begins")
    if not begin <= now < end:
        raise OrderExpired(
            f"order {order.deployment} is for {order.not_before_utc} to {order.not_after_utc}; it is {now:%FT%TZ}"
        )
