"""Commands, obeyed: what link hands in waits here until an order says who may command, and what was obeyed is kept.

Kept with fsync before it takes effect, so that neither a replay nor a restart undoes it (COMMANDS.md 4).
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Set
from datetime import datetime
from pathlib import Path

from edge.errors import CommandElsewhere, CommandStale, DocumentInvalid, LfrError, StateFileInvalid
from edge.files import write_durably
from edge.formats.documents import Document, Identifier
from edge.trust.commands import (
    NOTHING_OBEYED,
    Commanders,
    GivenCommand,
    Obeyed,
    commanders_of,
    obey,
    open_command,
)  # fmt: skip
from edge.trust.documents import as_document, canonical, parse_strict
from edge.trust.orders import OpenedOrder

WAITING_MAX = 32
DEPLOYMENTS_MAX = 64
REFUSAL_MAX_CHARS = 400
_FILE_MAX_BYTES = 1024 * 1024

log = logging.getLogger("lfr.vision.commands")


class _Kept(Document):
    deployments: dict[Identifier, Obeyed]


class CommandDesk:
    """Handed commands in any thread; obeys them in the thread that asks it to."""

    def __init__(self, path: Path, device: str) -> None:
        """Raises: StateFileInvalid for a file that cannot be read: a suspension may stand in it."""
        self._path, self._device = path, device
        self._lock = threading.Lock()
        self._waiting: deque[bytes] = deque(maxlen=WAITING_MAX)
        self._deployments = _read(path)
        self.refused = ""

    def hand_in(self, event: bytes) -> None:
        """A command as it came, believed by nobody yet; of too many the oldest goes."""
        with self._lock:
            if event not in self._waiting:
                self._waiting.append(event)

    def obey_waiting(self, opened: OpenedOrder, log_key_ids: Set[str], now: datetime) -> None:
        """Obey what has come, as far as this order's people ask for it. now: the latest that it may be."""
        with self._lock:
            waiting = list(self._waiting)
            self._waiting.clear()
        if not waiting:
            return
        commanders = commanders_of(opened.order, opened.policy, log_key_ids)
        for event in waiting:
            self._take(event, opened, commanders, now)

    def of(self, deployment: str) -> Obeyed:
        """What its commands have come to."""
        return self._deployments.get(deployment, NOTHING_OBEYED)

    def forget(self, deployment: str) -> None:
        """It is over: no later command finds it."""
        if self._deployments.pop(deployment, None) is None:
            return
        try:
            self._write()
        except OSError as error:
            log.error("%s: commands of %s stay in it: %s", self._path, deployment, error.strerror or error)

    def _take(self, event: bytes, opened: OpenedOrder, commanders: Commanders, now: datetime) -> None:
        before = self.of(opened.order.deployment)
        try:
            given = open_command(event, opened.order, self._device, commanders, before, now)
        except (CommandStale, CommandElsewhere) as error:  # what a broker retains comes again with each connection
            log.info("%s", error)
            return
        except LfrError as error:
            self._refuse(f"{type(error).__name__}: {error}")
            return
        self._obey(opened.order.deployment, before, given, commanders)

    def _obey(self, deployment: str, before: Obeyed, given: GivenCommand, commanders: Commanders) -> None:
        command = given.command
        kept = self._deployments
        others = {name: each for name, each in kept.items() if name != deployment}
        for name in list(others)[: max(0, len(others) + 1 - DEPLOYMENTS_MAX)]:
            del others[name]
        self._deployments = {**others, deployment: obey(before, given, commanders)}
        try:
            self._write()
        except OSError as error:
            why = f"{self._path}: cannot be written: {error.strerror or error}"
            if command.command == "resume":
                self._deployments = kept
                self._refuse(why)
                return
            log.error("%s; suspended all the same", why)
        self.refused = ""
        signers = ", ".join(f"{key[:16]}…" for key in sorted(given.signers))
        log.warning("%s %d by %s: %s", command.command, command.number, signers, command.reason)

    def _refuse(self, why: str) -> None:
        if why != self.refused:
            log.warning("command refused: %s", why)
        self.refused = why[:REFUSAL_MAX_CHARS]

    def _write(self) -> None:
        if self._deployments:
            write_durably(self._path, canonical(_Kept(deployments=self._deployments).model_dump(mode="json")))
        else:
            self._path.unlink(missing_ok=True)


def _read(path: Path) -> dict[str, Obeyed]:
    try:
        with path.open("rb") as file:
            data = file.read(_FILE_MAX_BYTES + 1)
        return dict(as_document(parse_strict(data, _FILE_MAX_BYTES), _Kept).deployments)
    except FileNotFoundError:
        return {}
    except (DocumentInvalid, OSError) as error:
        raise StateFileInvalid(
            f"{path}: not what we wrote: {error}; a suspension may stand in it: remove it once the deployment is closed"
        ) from None
