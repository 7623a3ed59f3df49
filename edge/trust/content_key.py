"""The content key of an epoch, wrapped to one van's one-deployment key (WATCHLIST.md 1)."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from edge.errors import SealInvalid
from edge.trust.documents import canonical
from edge.trust.sealing import seal, unseal

CONTENT_KEY_BYTES = 32
WRAPPED_KEY_BYTES = 80
"""An HPKE box: 32 bytes of `enc`, the key, a tag of 16."""


def wrap_content_key(
    content_key: bytes, public_hex: str, fleet: str, deployment: str, epoch: int, recipient: str
) -> bytes:
    """The file `key-{recipient}`. Raises: SealInvalid for a key that nothing can be sealed to."""
    if len(content_key) != CONTENT_KEY_BYTES:
        raise SealInvalid(f"content key of {len(content_key)} bytes, need {CONTENT_KEY_BYTES}")
    return seal(content_key, public_hex, _context(fleet, deployment, epoch, recipient))


def unwrap_content_key(
    data: bytes, key: X25519PrivateKey, fleet: str, deployment: str, epoch: int, recipient: str
) -> AESGCM:
    """The cipher of an epoch's chunks. Raises: SealInvalid."""
    if len(data) != WRAPPED_KEY_BYTES:
        raise SealInvalid(
            f"wrapped key of {deployment}, epoch {epoch}: {len(data)} bytes, need {WRAPPED_KEY_BYTES}; "
            "have the base published again"
        )
    return AESGCM(unseal(data, key, _context(fleet, deployment, epoch, recipient)))


def _context(fleet: str, deployment: str, epoch: int, recipient: str) -> bytes:
    return b"lfr-edge content key v2\0" + canonical([fleet, deployment, epoch, recipient])
