"""The vans of a fleet: their signing keys, their stocks of one-deployment keys, and which of those were ever used.

A key is written down as used, with fsync, before anything is sealed to it: it serves one deployment and never another.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import Field, ValidationError

from edge.errors import AuthorityInvalid, DocumentInvalid
from edge.formats.documents import Count, Document, Hex32, Identifier
from edge.formats.orders import Recipient
from edge.formats.receipts import STOCK_MAX, KeyStock, StockedKey
from edge.formats.topics import ID_PATTERN
from edge.trust.documents import SMALL_ORDER_KEYS, canonical
from edge.trust.envelope import unwrap
from provisioning.durable import write_private


class _VanFile(Document):
    device: Identifier
    signing_key_hex: Hex32
    stock_number: Count
    keys: Annotated[list[StockedKey], Field(max_length=STOCK_MAX)]
    used: dict[Recipient, Identifier]


@dataclass(frozen=True)
class Van:
    """What the fleet knows of a van. unused: keys of its newest stock that no deployment has had."""

    device: str
    signing_key_hex: str
    stock_number: int
    unused: tuple[StockedKey, ...]
    used: Mapping[str, str]


class Vans:
    """A file for each van, in the authority's folder."""

    def __init__(self, folder: Path, fleet: str) -> None:
        self._folder = folder
        self._fleet = fleet

    def add(self, device: str, signing_key_hex: str) -> None:
        """Believe what this key signs for this van from now on. Raises: AuthorityInvalid, OSError."""
        if not re.fullmatch(ID_PATTERN, device):
            raise AuthorityInvalid(f"van {device!r}: need lower-case letters, digits and '-', at most 48")
        raw = bytes.fromhex(signing_key_hex)
        if raw[:31] + bytes([raw[31] & 0x7F]) in SMALL_ORDER_KEYS:
            raise AuthorityInvalid(f"van {device}: {signing_key_hex[:16]}… is no signing key")
        if self._path(device).exists():
            known = self.get(device).signing_key_hex
            if known == signing_key_hex:
                return
            raise AuthorityInvalid(
                f"van {device} is known with another signing key, {known[:16]}…; enrol the box under a new id"
            )
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._write(_VanFile(device=device, signing_key_hex=signing_key_hex, stock_number=0, keys=[], used={}))

    def all(self) -> tuple[Van, ...]:
        """In the order of their ids. Raises: AuthorityInvalid."""
        return tuple(self.get(path.stem) for path in sorted(self._folder.glob("*.json")))

    def get(self, device: str) -> Van:
        """Raises: AuthorityInvalid."""
        file = self._read(device)
        unused = tuple(key for key in file.keys if key.recipient not in file.used)
        return Van(file.device, file.signing_key_hex, file.stock_number, unused, file.used)

    def take_stock(self, event: bytes) -> tuple[str, bool]:
        """A key stock as a van published it: of which van, and whether it is newer than the one there was.

        Raises: AuthorityInvalid for a van that is unknown; DocumentInvalid, SignatureInvalid.
        """
        device = _claimed_device(event)
        file = self._read(device)
        stock = unwrap(event, KeyStock, {file.signing_key_hex})
        if (stock.fleet, stock.device) != (self._fleet, device):
            raise DocumentInvalid(f"key stock of {stock.fleet}: {stock.device}, under the name of {device}")
        if stock.number <= file.stock_number:
            return device, False
        self._write(file.model_copy(update={"stock_number": stock.number, "keys": stock.keys}))
        return device, True

    def use_key(self, device: str, deployment: str) -> StockedKey:
        """A key of the van's for this deployment alone; the same again when asked again. Raises: AuthorityInvalid."""
        file = self._read(device)
        for key in file.keys:
            if file.used.get(key.recipient) == deployment:
                return key
        for key in file.keys:
            if key.recipient not in file.used:
                self._write(file.model_copy(update={"used": {**file.used, key.recipient: deployment}}))
                return key
        raise AuthorityInvalid(
            f"van {device}: no unused key in its stock (number {file.stock_number}, {len(file.keys)} keys); it "
            "publishes a new one when it is next connected, or bring it with: lfr-fleet stick read"
        )

    def _read(self, device: str) -> _VanFile:
        if not re.fullmatch(ID_PATTERN, device):
            raise AuthorityInvalid(f"van {device[:60]!r}: no id of a van")
        try:
            return _VanFile.model_validate(json.loads(self._path(device).read_bytes()))
        except FileNotFoundError:
            raise AuthorityInvalid(
                f"van {device} is unknown; add it with: lfr-fleet van add {device} --signing-key HEX"
            ) from None
        except (ValueError, ValidationError) as error:
            raise AuthorityInvalid(f"{self._path(device)}: not what we wrote: {error}") from None

    def _write(self, file: _VanFile) -> None:
        write_private(self._path(file.device), canonical(file.model_dump(mode="json")))

    def _path(self, device: str) -> Path:
        return self._folder / f"{device}.json"


def _claimed_device(event: bytes) -> str:
    """Of which van an event says it is; its signature is what decides."""
    try:
        return str(json.loads(event)["data"]["signed"]["device"])
    except (ValueError, KeyError, TypeError, RecursionError):
        raise DocumentInvalid("no event of a van") from None
