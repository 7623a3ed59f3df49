"""Suspensions on their way to the broker: a file for each van, until the broker has it or it has expired.

`lfr-room suspend` leaves them; whoever holds the room's one connection publishes them, `watch` where it runs: a second
client under the room's certificate would cut the first one off.
"""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from control_room.errors import StoreUnusable
from edge.clock import Clock, parse_utc, utc_text
from edge.errors import DocumentInvalid
from edge.files import write_durably
from edge.formats.commands import LIFE_MAX_S, Command
from edge.formats.topics import COMMANDS, device_topic
from edge.trust.documents import as_document, sign
from edge.trust.envelope import wrap

FOLDER, NUMBER = "commands", "number"
NEVER_SENT = -1
"""In place of a message's number: one that the broker never answers."""


class Retaining(Protocol):
    """The room's connection, as far as it is needed here."""

    @property
    def connected(self) -> bool: ...

    def retain(self, topic: str, payload: bytes, expiry_s: int) -> int | None: ...

    def answer(self, message_id: int) -> str | None: ...


class Outgoing:
    """The folder `commands` of a room's state folder."""

    def __init__(self, state_dir: Path, fleet: str, clock: Clock, say: Callable[[str], None]) -> None:
        self._folder = state_dir / FOLDER
        self._fleet = fleet
        self._clock = clock
        self._say = say
        self._sent: dict[str, tuple[bytes, int]] = {}

    def suspend(self, deployment: str, vans: Sequence[str], reason: str, key: Ed25519PrivateKey) -> list[Command]:
        """Leave a suspension for each of these vans. Raises: DocumentInvalid, StoreUnusable."""
        now = self._clock.now_utc()
        number = max(int(now.timestamp() * 1000), 1 + self._last_number())
        fields = {
            "type": "command",
            "fleet": self._fleet,
            "deployment": deployment,
            "command": "suspend",
            "number": number,
            "made_at_utc": utc_text(now),
            "expires_at_utc": utc_text(now + timedelta(seconds=LIFE_MAX_S["suspend"])),
            "reason": reason,
        }
        commands = [as_document({**fields, "device": device}, Command) for device in vans]
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            self._write(self._folder / NUMBER, str(number).encode())
            for command in commands:
                source = f"/lfr/v1/{self._fleet}/room"
                event = wrap(sign(command, [key]), str(uuid.uuid4()), source, "command", command.made_at_utc)
                self._write(self._folder / f"{deployment}.{command.device}.json", event)
        except OSError as error:
            raise StoreUnusable(f"{self._folder}: {error.strerror or error}") from None
        return commands

    def waiting(self, commands: Sequence[Command]) -> list[str]:
        """The vans whose command the broker has not got."""
        names = {path.name for path in self._paths()}
        return [each.device for each in commands if f"{each.deployment}.{each.device}.json" in names]

    def step(self, broker: Retaining) -> None:
        """Publish what is not on its way, take the broker's answers, drop what has expired."""
        if not broker.connected:
            self._sent.clear()
            return
        for path in self._paths():
            event = path.read_bytes()
            sent, message_id = self._sent.get(path.name, (b"", 0))
            if sent == event:
                self._take_answer(path, broker.answer(message_id))
                continue
            try:
                device, expires_at = _address(event)
            except DocumentInvalid as error:
                self._say(f"{path}: {error}")
                self._sent[path.name] = (event, NEVER_SENT)
                continue
            left_s = int((expires_at - self._clock.now_utc()) / timedelta(seconds=1))
            if left_s < 1:
                path.unlink(missing_ok=True)
                self._say(f"{device}: a suspension has expired before the broker had it")
                continue
            number = broker.retain(device_topic(self._fleet, device, COMMANDS), event, left_s)
            if number is None:
                return
            self._sent[path.name] = (event, number)

    def _take_answer(self, path: Path, answer: str | None) -> None:
        device = path.stem.partition(".")[2]
        if answer:
            self._say(f"{device}: the broker refuses its suspension: {answer}; its access list must let the room")
        elif answer is not None:
            path.unlink(missing_ok=True)
            self._say(f"{device}: the broker has its suspension; it is in force when the van says so")

    def _paths(self) -> list[Path]:
        return sorted(self._folder.glob("*.json"))

    def _last_number(self) -> int:
        try:
            return int((self._folder / NUMBER).read_bytes()[:20])
        except (OSError, ValueError):  # none yet; and numbers by the clock go on where they were
            return 0

    def _write(self, path: Path, data: bytes) -> None:
        before = os.umask(0o077)
        try:
            write_durably(path, data)
        finally:
            os.umask(before)


def _address(event: bytes) -> tuple[str, datetime]:
    try:
        signed = json.loads(event)["data"]["signed"]
        return str(signed["device"]), parse_utc(signed["expires_at_utc"])
    except (ValueError, KeyError, TypeError):
        raise DocumentInvalid("no command, and not what we wrote; remove it") from None
