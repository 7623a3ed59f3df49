"""Key files: one key a file, raw bytes in hex, readable by their owner alone."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from edge.errors import KeyFileInvalid

_KEY_TEXT = re.compile(rb"([0-9a-fA-F]{64})\s{0,4}")
_READ_MAX_BYTES = 128


def read_public_hex(path: Path) -> str:
    """A public key (32 bytes) as lower-case hex. Raises: KeyFileInvalid."""
    return _read(path, private=False).hex()


def read_signing_key(path: Path) -> Ed25519PrivateKey:
    """Raises: KeyFileInvalid."""
    return Ed25519PrivateKey.from_private_bytes(_read(path, private=True))


def read_seal_key(path: Path) -> X25519PrivateKey:
    """Raises: KeyFileInvalid."""
    return X25519PrivateKey.from_private_bytes(_read(path, private=True))


def write_private(path: Path, key: Ed25519PrivateKey | X25519PrivateKey) -> None:
    """Write a private key, mode 0600, never over an existing file."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(key.private_bytes_raw().hex().encode() + b"\n")


def seal_public_hex(key: X25519PrivateKey) -> str:
    """The public half of a sealing key, raw, in lower-case hex."""
    return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex()


def _read(path: Path, private: bool) -> bytes:
    try:
        # A pipe in the place of a key file must not hold up the start.
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            if not stat.S_ISREG(mode):
                raise KeyFileInvalid(f"{path}: not a file")
            text = file.read(_READ_MAX_BYTES)
    except FileNotFoundError:
        raise KeyFileInvalid(f"{path}: no such key file") from None
    except OSError as error:
        raise KeyFileInvalid(f"{path}: cannot be read: {error.strerror}") from None
    if private and mode & 0o077:
        raise KeyFileInvalid(f"{path}: mode {mode & 0o777:04o} lets others read a private key; run: chmod 600 {path}")
    found = _KEY_TEXT.fullmatch(text)
    if not found:
        raise KeyFileInvalid(f"{path}: not a key file: need the 64 hex digits of one key and nothing else")
    return bytes.fromhex(found[1].decode())
