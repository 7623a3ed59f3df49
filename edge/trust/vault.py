"""The vault of one-deployment keys: what a van opens its watchlists with, until a close destroys it.

Private keys lie in one file, AES-256-GCM under a secret in a slot that can be destroyed (a TPM's, or a file's). Every
change writes the whole anew under a new secret in the other slot, and then destroys the old secret: a copy of
the old file, on worn flash or in a backup, stays shut for good.

    "lfr-vault1" u64 generation, 12 bytes nonce, ciphertext and tag
    plaintext: u64 stock number, u32 n, n × (16 bytes recipient, 32 bytes private key, u8 taken), big endian
"""

from __future__ import annotations

import os
import secrets
import struct
from dataclasses import dataclass, replace
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from edge.devices import SecretSlots
from edge.errors import KeyGone, VaultUnusable
from edge.files import write_durably
from edge.formats.receipts import STOCK_MAX, KeyStoreKind, StockedKey
from edge.trust.keys import seal_public_hex

_MAGIC = b"lfr-vault1"
_HEAD = struct.Struct(f">{len(_MAGIC)}sQ12s")
_COUNTS = struct.Struct(">QI")
_ENTRY = struct.Struct(">16s32s?")
_FILE_MAX_BYTES = 64 * 1024
KEYS_MAX = 4 * STOCK_MAX


@dataclass(frozen=True)
class _Key:
    recipient: str
    private: bytes
    taken: bool


@dataclass(frozen=True)
class _Content:
    """generation: rises with each writing; number: of the stock, rises when what may be published changes."""

    generation: int
    number: int
    keys: tuple[_Key, ...]


class KeyVault:
    """The keys of this box. `found_shut`: whether a vault was there that no secret opens any more."""

    def __init__(self, folder: Path, slots: SecretSlots) -> None:
        """Open it, and finish a change that a power cut interrupted. Raises: VaultUnusable."""
        self._folder = folder
        self._slots = slots
        self.found_shut = False
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        opened = [(content, slot) for slot in (0, 1) if (content := self._open(slot)) is not None]
        self._content, self._slot = max(opened, key=lambda pair: pair[0].generation, default=(_Content(0, 0, ()), 1))
        if opened:
            self._clear(1 - self._slot)
        elif any(self._path(slot).exists() for slot in (0, 1)):
            self.found_shut = True

    @property
    def kind(self) -> KeyStoreKind:
        """Where the secret lies, as a deletion receipt says it."""
        return self._slots.kind

    @property
    def number(self) -> int:
        """Of the stock; rises with every change of it."""
        return self._content.number

    def stock(self) -> tuple[StockedKey, ...]:
        """The public halves of the keys that no deployment has taken."""
        return tuple(
            StockedKey(
                recipient=key.recipient, public_hex=seal_public_hex(X25519PrivateKey.from_private_bytes(key.private))
            )
            for key in self._content.keys
            if not key.taken
        )

    def refill(self, count: int) -> bool:
        """Make keys until the stock has so many; whether any were made. Raises: VaultUnusable."""
        missing = min(count, STOCK_MAX) - sum(not key.taken for key in self._content.keys)
        if missing <= 0:
            return False
        made = tuple(_Key(secrets.token_hex(16), secrets.token_bytes(32), taken=False) for _ in range(missing))
        self._change((*self._content.keys, *made))
        return True

    @property
    def recipients(self) -> frozenset[str]:
        """Whose private halves are here, in the stock or taken."""
        return frozenset(key.recipient for key in self._content.keys)

    def holds(self, recipient: str) -> bool:
        """Whether the private half is here."""
        return recipient in self.recipients

    def take(self, recipient: str) -> X25519PrivateKey:
        """The private half, out of the stock from now on. Raises: KeyGone, VaultUnusable."""
        for key in self._content.keys:
            if key.recipient == recipient:
                if not key.taken:
                    self._change(
                        tuple(replace(each, taken=True) if each is key else each for each in self._content.keys)
                    )
                return X25519PrivateKey.from_private_bytes(key.private)
        raise KeyGone(
            f"key {recipient} is not in this van's vault: destroyed at a close, or another van's; "
            "the order must name a key of this van's present stock"
        )

    def destroy(self, recipient: str) -> None:
        """A key, and the secret under which any older copy of the file could be opened. Raises: VaultUnusable."""
        if self.holds(recipient):
            self._change(tuple(key for key in self._content.keys if key.recipient != recipient))

    def _change(self, keys: tuple[_Key, ...]) -> None:
        if len(keys) > KEYS_MAX:
            raise VaultUnusable(f"{len(keys)} keys in the vault, at most {KEYS_MAX}; close the deployments that ended")
        content = _Content(self._content.generation + 1, self._content.number + 1, keys)
        old, new = self._slot, 1 - self._slot
        self._clear(new)
        secret = secrets.token_bytes(32)
        self._slots.write(new, secret)
        try:
            write_durably(self._path(new), _seal(content, secret))
        except OSError as error:
            raise VaultUnusable(f"{self._path(new)}: cannot be written: {error.strerror or error}") from None
        self._content, self._slot = content, new
        self._clear(old)

    def _clear(self, slot: int) -> None:
        """The secret first: the file alone says nothing."""
        self._slots.destroy(slot)
        self._path(slot).unlink(missing_ok=True)

    def _open(self, slot: int) -> _Content | None:
        secret = self._slots.read(slot)
        path = self._path(slot)
        if secret is None:
            return None
        try:
            with path.open("rb") as file:
                data = file.read(_FILE_MAX_BYTES + 1)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise VaultUnusable(f"{path}: cannot be read: {error.strerror or error}") from None
        return _unseal(data, secret)

    def _path(self, slot: int) -> Path:
        return self._folder / f"vault-{slot}"


def _seal(content: _Content, secret: bytes) -> bytes:
    plain = _COUNTS.pack(content.number, len(content.keys)) + b"".join(
        _ENTRY.pack(bytes.fromhex(key.recipient), key.private, key.taken) for key in content.keys
    )
    head = _HEAD.pack(_MAGIC, content.generation, os.urandom(12))
    return head + AESGCM(secret).encrypt(head[-12:], plain, head)


def _unseal(data: bytes, secret: bytes) -> _Content | None:
    """None for what this secret does not open: half a file, or one older than the secret."""
    if not _HEAD.size < len(data) <= _FILE_MAX_BYTES:
        return None
    head = data[: _HEAD.size]
    magic, generation, nonce = _HEAD.unpack(head)
    if magic != _MAGIC:
        return None
    try:
        plain = AESGCM(secret).decrypt(nonce, data[_HEAD.size :], head)
    except InvalidTag:
        return None
    number, count = _COUNTS.unpack_from(plain)
    entries = [_ENTRY.unpack_from(plain, _COUNTS.size + index * _ENTRY.size) for index in range(count)]
    return _Content(generation, number, tuple(_Key(r.hex(), private, taken) for r, private, taken in entries))
