"""Commands on their way to the broker: a file for each, until it has taken it or the command has expired.

A command is published once. What is retained on a van's topic is the last one's, and that may be the room's: to publish
an older one again would hide it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from edge.clock import parse_utc
from edge.formats.topics import COMMANDS, device_topic
from provisioning.commanding import FOLDER
from provisioning.fleet_connection import Answered, FleetConnection
from provisioning.fleet_folder import FleetFolder

_MARK = "command "


class Outgoing:
    """Driven by whoever holds the connection."""

    def __init__(self, fleet: FleetFolder, connection: FleetConnection, say: Callable[[str], None]) -> None:
        self._fleet = fleet
        self._connection = connection
        self._say = say
        self._sent: dict[str, bytes] = {}

    @property
    def waiting(self) -> bool:
        """Whether any is not with the broker yet."""
        return bool(self._paths())

    def begin(self) -> None:
        """The connection is new: what the old one did not answer is sent again."""
        self._sent.clear()

    def send(self) -> None:
        """Publish what is not on its way."""
        for path in self._paths():
            event = path.read_bytes()
            if self._sent.get(path.name) == event:
                continue
            device, left_s = self._address(event)
            if left_s < 1:
                path.unlink(missing_ok=True)
                self._say(f"{device}: a command has expired before the broker had it")
                continue
            topic = device_topic(self._fleet.fleet, device, COMMANDS)
            if not self._connection.retain(_MARK + path.name, topic, event, left_s):
                return
            self._sent[path.name] = event

    def take(self, answer: Answered) -> bool:
        """Whether this was an answer to a command."""
        if not answer.name.startswith(_MARK):
            return False
        path = self._fleet.folder / FOLDER / answer.name.removeprefix(_MARK)
        if answer.refusal is not None:
            self._say(f"broker refuses {answer.name}: {answer.refusal}; its access list must let the fleet publish it")
        elif path.exists() and path.read_bytes() == self._sent.get(path.name):
            path.unlink()
            self._say(f"{path.stem.partition('.')[2]}: the broker has its command")
        return True

    def _paths(self) -> list[Path]:
        return sorted((self._fleet.folder / FOLDER).glob("*.json"))

    def _address(self, event: bytes) -> tuple[str, int]:
        signed = json.loads(event)["data"]["signed"]
        left = parse_utc(signed["expires_at_utc"]) - self._fleet.clock.now_utc()
        return str(signed["device"]), int(left / timedelta(seconds=1))
