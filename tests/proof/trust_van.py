"""A van without eyes: its keys, its trust in the fleet and its list, over the real end of the pipe; no camera, no pack.

What `edge.vision.app` does until the camera opens, and goes on doing beside it. The link half is the caller's.
"""

from __future__ import annotations

import os
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from edge import wire
from edge.clock import SystemClock, utc_text
from edge.config import Settings
from edge.drivers.file_secrets import FileSecrets
from edge.errors import LfrError
from edge.evidence.sequence import SequenceFile
from edge.evidence.statistics import Counters
from edge.formats.names import TIMESTAMP, hint_name
from edge.formats.receipts import KeyStock
from edge.trust.deployment_time import Phase
from edge.trust.keys import read_signing_key
from edge.trust.manifest import PackFacts
from edge.trust.packs import read_manifest
from edge.trust.repository import Repository
from edge.trust.vault import KeyVault
from edge.vision.app import FETCH_TIMEOUT_S, RETRY_WAIT_S
from edge.vision.in_force import InForce
from edge.vision.link_port import LinkPort
from edge.vision.opening import Box, Found, OrderSeeker
from edge.vision.overseer import REFRESH_LEAST_S, REFRESH_S, Overseer
from edge.vision.reporter import Reporter
from edge.vision.seal import Sealer
from edge.vision.timekeeper import Timekeeper

BACKEND = "litert/int8"
CLOCK = SystemClock()


@dataclass(frozen=True)
class CameInForce:
    """What a van tells: since when (monotonic) it searches which list."""

    device: str
    at_s: float
    sequence: int
    entries: int


class TrustVan:
    """Runs in threads of its own from `start` to `stop`. tell: called in one of them."""

    def __init__(self, settings: Settings, pack: Path, tell: Callable[[CameInForce], None]) -> None:
        manifest, sha256 = read_manifest(pack)
        device, folder = settings.device, settings.device.state_dir / "vision"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.device, self.heard, self.error = device.id, {TIMESTAMP: 0, hint_name(device.id): 0}, ""
        self._fleet, self._stock, self._tell = device.fleet, settings.keys.stock, tell
        self._stop, self._changed = threading.Event(), threading.Event()
        self._listener = wire.listen(device.runtime_dir / "pipe.sock")
        self.port = LinkPort(self._listener, (os.getuid(),), lambda event_id: None)
        key = read_signing_key(settings.keys.signing_key_file)
        self._sealer = Sealer(device.fleet, device.id, key, SequenceFile(folder / "sequence"), CLOCK)
        slots = FileSecrets(folder / "secrets")
        self._vault = KeyVault(folder / "vault", slots)
        root = settings.keys.root_file.read_bytes()
        self._repository = Repository(
            folder / "repository", root, self._fetch, CLOCK, slots.floor, slots.raise_floor
        )  # fmt: skip
        self._pack = PackFacts(sha256, manifest.embedder.dimension, manifest.purpose)
        box = Box(device.fleet, device.id, sha256, BACKEND)
        self._seeker = OrderSeeker(box, self._repository, self._vault, self._fetch)
        self._timekeeper = Timekeeper(folder / "deployment.json", CLOCK)
        self._reporter = Reporter(
            fleet=device.fleet,
            device=device.id,
            session=f"s{secrets.token_hex(8)}",
            status_file=folder / "status.json",
            interval_s=settings.health.interval_s,
            sealer=self._sealer,
            port=self.port,
            counters=Counters(),
            clock=CLOCK,
        )
        self._reporter.facts.state = "preparing"
        self._threads = [
            threading.Thread(target=run, daemon=True)
            for run in (self._run, partial(self._reporter.run, self._stop))
        ]  # fmt: skip

    def start(self) -> None:
        self.port.start()
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """As when it is switched off: the deployment goes on at the next start."""
        self._stop.set()
        self._changed.set()
        for thread in self._threads:
            thread.join()
        self.port.stop()
        self._listener.close()

    def _run(self) -> None:
        self._announce()
        self._state("preparing")
        for name in self.heard:
            self.port.watch(name, partial(self._on_change, name))
        opened = self._prepare()
        if opened is None:
            return
        in_force, found = opened
        overseer = Overseer(self._repository, in_force, found.view, CLOCK, self._changed)
        self._say(in_force)
        # Overseer's own loop, in this thread: so the moment at which a change is in force is known.
        while not self._stop.is_set():
            before = in_force.log
            self._changed.wait(REFRESH_S)
            self._changed.clear()
            if not self._stop.is_set():
                overseer.look()
                self.error = self._reporter.facts.repository_error = overseer.seen.error
                if in_force.log != before:
                    self._say(in_force)
                self._stop.wait(REFRESH_LEAST_S)
        in_force.wipe()

    def _prepare(self) -> tuple[InForce, Found] | None:
        while not self._stop.is_set():
            self._changed.clear()
            found = self._seeker.find(self._timekeeper.kept, self._is_due)
            self.error = self._seeker.error
            if found is not None:
                try:
                    return self._open(found), found
                except LfrError as error:
                    self.error = f"{type(error).__name__}: {error}"
            self._reporter.facts.repository_error = self.error
            self._changed.wait(RETRY_WAIT_S)
        return None

    def _is_due(self, found: Found) -> bool:
        self._timekeeper.begin(found.opened.order, found.opened.policy)
        self._timekeeper.told(found.view.made_at_utc)
        return self._timekeeper.verdict().phase is Phase.WATCH

    def _open(self, found: Found) -> InForce:
        key = self._vault.take(found.opened.recipient)
        self._announce()
        in_force = InForce(found.opened, found.view, key, self._pack, self._repository, self._fetch)
        self._timekeeper.keep()
        order = found.opened.order
        self._reporter.facts.deployment, self._reporter.facts.order_version = order.deployment, order.version
        self.port.open_deployment(order.deployment, order.room_receipt_key_hex)
        self._state("watching")
        return in_force

    def _say(self, in_force: InForce) -> None:
        facts, log = self._reporter.facts, in_force.log
        self._tell(CameInForce(self.device, CLOCK.monotonic_s(), log.sequence, len(in_force.holder)))
        facts.watchlist_entries = len(in_force.holder)
        facts.watchlist_epoch, facts.watchlist_sequence = log.epoch, log.sequence
        facts.in_force_since_utc = utc_text(CLOCK.now_utc())

    def _state(self, state: str) -> None:
        self._reporter.facts.state = state
        self.port.set_state(state)

    def _announce(self) -> None:
        self._vault.refill(self._stock)
        stock = KeyStock(
            type="key_stock",
            fleet=self._fleet,
            device=self.device,
            number=self._vault.number,
            made_at_utc=utc_text(CLOCK.now_utc()),
            keys=list(self._vault.stock()),
        )
        self.port.announce(self._sealer.announce_stock(stock))

    def _on_change(self, name: str) -> None:
        self.heard[name] += 1
        self._changed.set()

    def _fetch(self, name: str, fresh: bool) -> bytes:
        return self.port.fetch(name, FETCH_TIMEOUT_S, self._stop, fresh)
