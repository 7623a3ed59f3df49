"""Key files: one key a file, raw bytes in hex, readable by their owner alone."""

from __future__ import annotations

import os
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from edge.errors import KeyFileInvalid


def read_public_hex(path: Path) -> str:
    """A public key (32 bytes) as lower-case hex. Raises: KeyFileInvalid."""
    return _read(path).hex()


def read_signing_key(path: Path) -> Ed25519PrivateKey:
    """Raises: KeyFileInvalid."""
    return Ed25519PrivateKey.from_private_bytes(_read_private(path))


def read_seal_key(path: Path) -> X25519PrivateKey:
    """Raises: KeyFileInvalid."""
    return X25519PrivateKey.from_private_bytes(_read_private(path))


def write_private(path: Path, key: Ed25519PrivateKey | X25519PrivateKey) -> None:
    """Write a private key, mode 0600, never over an existing file."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(key.private_bytes_raw().hex().encode() + b"\n")


def seal_public_hex(key: X25519PrivateKey) -> str:
    """The public half of a sealing key, raw, in lower-case hex."""
    return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex()


def _read_private(path: Path) -> bytes:
    key = _read(path)
    mode = path.stat().st_mode & 0o777
    if mode & 0o077:
        raise KeyFileInvalid(f"{path}: mode {mode:04o} lets others read a private key; run: chmod 600 {path}")
    return key


def _read(path: Path) -> bytes:
    try:
        text = path.read_text(encoding="ascii").strip()
        key = bytes.fromhex(text)
    except FileNotFoundError:
        raise KeyFileInvalid(f"{path}: no such key file") from None
    except (ValueError, OSError) as error:
        raise KeyFileInvalid(f"{path}: not a key file ({type(error).__name__})") from None
    if len(key) != 32:
        raise KeyFileInvalid(f"{path}: {len(key)} bytes, a key has 32")
    return key
