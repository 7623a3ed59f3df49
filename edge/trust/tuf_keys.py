"""Keys of TUF roles: an id says which key it is, so that one key can never sign as two people (REPOSITORY.md 1)."""

from __future__ import annotations

import re
from collections.abc import Iterable

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from securesystemslib.signer import ECDSA_SHA2_NISTP256, ED25519, KEY_TYPE_ECDSA, KEY_TYPE_ED25519, Key, SSlibKey

from edge.errors import RepositoryRefused
from edge.trust.documents import SMALL_ORDER_KEYS

_HEX32 = re.compile(r"[0-9a-f]{64}")


def ed25519_key(public_hex: str) -> SSlibKey:
    """A TUF key from a raw public key. Raises: RepositoryRefused when it is none."""
    key = SSlibKey(public_hex, KEY_TYPE_ED25519, ED25519, {"public": public_hex})
    check_key(key)
    return key


def check_keys(keys: Iterable[Key]) -> None:
    """Raises: RepositoryRefused for a key that is not of our kinds, or goes by another id than its own."""
    for key in keys:
        check_key(key)


def check_key(key: Key) -> None:
    """Raises: RepositoryRefused."""
    if key.unrecognized_fields:
        raise RepositoryRefused(f"key {key.keyid[:16]}… has fields that no key has")
    kind = (key.keytype, key.scheme)
    if kind == (KEY_TYPE_ED25519, ED25519):
        public = key.keyval.get("public")
        if set(key.keyval) != {"public"} or not isinstance(public, str) or not _HEX32.fullmatch(public):
            raise RepositoryRefused(f"key {key.keyid[:16]}…: need a public Ed25519 key in lower-case hex")
        raw = bytes.fromhex(public)
        if raw[:31] + bytes([raw[31] & 0x7F]) in SMALL_ORDER_KEYS:
            raise RepositoryRefused(f"key {public[:16]}… is no key: it has small order")
        own = public
    elif kind == (KEY_TYPE_ECDSA, ECDSA_SHA2_NISTP256):
        own = _own_p256_id(key)
    else:
        raise RepositoryRefused(f"key {key.keyid[:16]}… is {key.keytype}/{key.scheme}: need Ed25519 or ECDSA P-256")
    if key.keyid != own:
        raise RepositoryRefused(f"key {own[:16]}… goes by another id, {key.keyid[:16]}…: one key could sign as two")


def _own_p256_id(key: Key) -> str:
    """The id that securesystemslib gives the key, written in the one way it writes it. Raises: RepositoryRefused."""
    pem = key.keyval.get("public")
    try:
        public = load_pem_public_key(str(pem).encode())
    except ValueError:
        raise RepositoryRefused(f"key {key.keyid[:16]}…: its PEM holds no public key") from None
    if not isinstance(public, EllipticCurvePublicKey) or not isinstance(public.curve, SECP256R1):
        raise RepositoryRefused(f"key {key.keyid[:16]}…: its PEM holds no P-256 key")
    own = SSlibKey.from_crypto(public)
    if key.keyval != own.keyval:
        raise RepositoryRefused(f"key {key.keyid[:16]}…: its PEM is not written in the canonical way")
    return own.keyid
