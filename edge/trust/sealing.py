"""HPKE boxes (RFC 9180, DHKEM X25519, HKDF-SHA256, ChaCha20-Poly1305): matches to the room, keys to a van."""

from __future__ import annotations

import struct

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from edge.errors import DocumentInvalid, SealInvalid
from edge.formats.documents import SealedMatch
from edge.trust.documents import as_document, canonical, parse_strict

PADDED_TO_BYTES = 4096
"""Matches are padded, so that a sealed alert's length says little about its picture."""

SEALED_MAX_BYTES = 20 * 1024
"""Base64 of this and the outside fit a 32 KB event."""

_SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)


def seal(plaintext: bytes, public_hex: str, context: bytes) -> bytes:
    """Encrypt to a public key; opens only under the same context. Raises: SealInvalid for a key that is none."""
    try:
        return _SUITE.encrypt(plaintext, X25519PublicKey.from_public_bytes(bytes.fromhex(public_hex)), info=context)
    except ValueError:  # Also a point of small order, under which anybody could open the box.
        raise SealInvalid(f"{public_hex[:16]}… is no X25519 public key that can be sealed to") from None


def check_public_key(public_hex: str) -> None:
    """Raises: SealInvalid for a key that nothing can be sealed to."""
    seal(b"", public_hex, b"lfr-edge check\0")


def unseal(ciphertext: bytes, key: X25519PrivateKey, context: bytes) -> bytes:
    """Raises: SealInvalid."""
    try:
        return _SUITE.decrypt(ciphertext, key, info=context)
    except (InvalidTag, ValueError):
        raise SealInvalid("sealed box does not open: another key's, another context's, or altered") from None


def alert_context(fleet: str, device: str, deployment: str, event_id: str, sequence: int) -> bytes:
    """Binds a sealed match to the alert around it."""
    return b"lfr-edge alert v1\0" + canonical([fleet, device, deployment, event_id, sequence])


def room_bundle_key_context(head: bytes) -> bytes:
    """Binds the key of a room's bundle to the bundle's head, its end among it (BUNDLE.md 2)."""
    return b"lfr-edge room bundle key v1\0" + head


def seal_match(match: SealedMatch, crop_jpeg: bytes, public_hex: str, context: bytes) -> bytes:
    """u32 length, fields (canonical JSON), u32 length, JPEG; zero-padded; sealed (ALERT.md 4).

    Raises: DocumentInvalid, SealInvalid.
    """
    fields = canonical(match.model_dump(mode="json"))
    plain = struct.pack(">I", len(fields)) + fields + struct.pack(">I", len(crop_jpeg)) + crop_jpeg
    plain += bytes(-len(plain) % PADDED_TO_BYTES)
    if len(plain) > SEALED_MAX_BYTES:
        raise DocumentInvalid(f"match of {len(plain)} bytes, at most {SEALED_MAX_BYTES}")
    return seal(plain, public_hex, context)


def unseal_match(ciphertext: bytes, key: X25519PrivateKey, context: bytes) -> tuple[SealedMatch, bytes]:
    """The fields and the crop's JPEG bytes. Raises: SealInvalid, DocumentInvalid."""
    plain = unseal(ciphertext, key, context)
    if len(plain) > SEALED_MAX_BYTES or len(plain) % PADDED_TO_BYTES:
        raise DocumentInvalid(
            f"sealed match of {len(plain)} bytes: need a multiple of {PADDED_TO_BYTES}, at most {SEALED_MAX_BYTES}"
        )
    fields, rest = _take(plain)
    jpeg, padding = _take(rest)
    if len(padding) >= PADDED_TO_BYTES or any(padding):
        raise DocumentInvalid("sealed match has something after its picture")
    return as_document(parse_strict(fields), SealedMatch), jpeg


def _take(data: bytes) -> tuple[bytes, bytes]:
    if len(data) < 4:
        raise DocumentInvalid("sealed match is cut short")
    (length,) = struct.unpack(">I", data[:4])
    if length > len(data) - 4:
        raise DocumentInvalid("sealed match is cut short")
    return data[4 : 4 + length], data[4 + length :]
