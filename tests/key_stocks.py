"""A van's stock of one-deployment keys, as the event that its fleet hears."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge.clock import Clock, utc_text
from edge.formats.receipts import KeyStock
from edge.trust.documents import sign
from edge.trust.envelope import wrap
from edge.trust.vault import KeyVault
from tests.link.rig import new_event_id


def stock_event(
    vault: KeyVault,
    fleet: str,
    device: str,
    signing_key: Ed25519PrivateKey,
    clock: Clock,
    changes: Mapping[str, Any] | None = None,
) -> bytes:
    """What a van with this vault publishes; changes: other fields than it would."""
    now = utc_text(clock.now_utc())
    fields = {
        "type": "key_stock",
        "fleet": fleet,
        "device": device,
        "number": vault.number,
        "made_at_utc": now,
        "keys": list(vault.stock()),
    }
    stock = KeyStock(**{**fields, **(changes or {})})
    return wrap(sign(stock, [signing_key]), new_event_id(), f"/lfr/v1/{fleet}/{device}", "key_stock", now)
