"""The vision half, wired: one deployment from standby to its deletion receipt.

Everything that a thread owns is made here and handed to it; devices come in from the main. The main thread holds time
against the order and moves the state; it never waits for link while the camera is open.
"""

from __future__ import annotations

import logging
import secrets
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass

from edge.clock import Clock, utc_text
from edge.config import Settings
from edge.devices import Camera, Runtime, SecretSlots
from edge.errors import LfrError
from edge.evidence.sequence import SequenceFile
from edge.evidence.statistics import Counters
from edge.exits import Exit
from edge.formats.names import TIMESTAMP, hint_name
from edge.formats.orders import Order
from edge.formats.receipts import ClosedBecause, KeyStock
from edge.trust.deployment_time import Phase
from edge.trust.keys import read_signing_key
from edge.trust.manifest import PackFacts
from edge.trust.orders import OpenedOrder
from edge.trust.packs import VerifiedPack
from edge.trust.repository import Repository, View
from edge.trust.vault import KeyVault
from edge.vision.alert_desk import AlertDesk
from edge.vision.capture import CaptureEnd, CaptureOutcome
from edge.vision.closing import Closing, Ended
from edge.vision.commands import CommandDesk
from edge.vision.enrol import load_networks
from edge.vision.in_force import InForce
from edge.vision.judge import Amended, Judge
from edge.vision.link_port import LinkPort
from edge.vision.opening import Box, Found, OrderSeeker
from edge.vision.overseer import Overseer
from edge.vision.pipeline import POLL_S, Pipeline, PipelineParts
from edge.vision.reporter import Reporter
from edge.vision.seal import RecordScope, Sealer
from edge.vision.states import Event, State, next_state
from edge.vision.timekeeper import Timekeeper

STORED_WAIT_S = 30.0
"""On leaving, how long link may take to put the last documents on disk."""
FETCH_TIMEOUT_S = 10.0
RETRY_WAIT_S = 5.0
OVERSEER_ENDS_S = 2.0
ORDER_VERSION_MAX, LOG_SEQUENCE_MAX = 2**31, 999_999

log = logging.getLogger("lfr.vision")


@dataclass(frozen=True)
class Devices:
    """What a main passes in: the camera, the runtime, the clock, where secrets lie, the pipe's listening socket."""

    camera: Camera
    runtime: Runtime
    clock: Clock
    secrets: SecretSlots
    listener: socket.socket
    link_uids: tuple[int, ...]


End = ClosedBecause | Amended | CaptureOutcome | None
"""Why watching ends: it is over; the order is another; the camera failed; None: told to leave."""


class VisionApp:
    """Runs one deployment."""

    def __init__(self, settings: Settings, pack: VerifiedPack, root: bytes, devices: Devices) -> None:
        """root: the TUF root of this box's enrolment.

        Raises: KeyFileInvalid, VaultUnusable, StateFileInvalid, RepositoryRefused, ModelRejected, PackShapeMismatch,
        DelegateUnavailable.
        """
        device, clock = settings.device, devices.clock
        folder = device.state_dir / "vision"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._settings, self._devices = settings, devices
        self._stop, self._changed = threading.Event(), threading.Event()
        self._state = State.UNENROLLED
        self._counters = Counters()
        self._port = LinkPort(devices.listener, devices.link_uids, lambda event_id: self._alerts.stored(event_id))
        key = read_signing_key(settings.keys.signing_key_file)
        self._sealer = Sealer(device.fleet, device.id, key, SequenceFile(folder / "sequence"), clock)
        self._alerts = AlertDesk(self._sealer, self._port, self._counters, clock)
        self._vault = KeyVault(folder / "vault", devices.secrets)
        self._repository = Repository(
            folder / "repository", root, self._fetch, clock, devices.secrets.floor, devices.secrets.raise_floor
        )
        backend = f"{devices.runtime.backend}/{pack.precision}"
        box = Box(device.fleet, device.id, pack.sha256, backend)
        self._pack = PackFacts(pack.sha256, pack.manifest.embedder.dimension, pack.manifest.purpose)
        self._seeker = OrderSeeker(box, self._repository, self._vault, self._fetch)
        self._timekeeper = Timekeeper(folder / "deployment.json", clock)
        self._commands = CommandDesk(folder / "commands.json", device.id)
        self._port.hear_commands(self._commands.hand_in)
        self._closing = Closing(folder / "closing.json", self._vault, self._forget, self._sealer, self._port, clock)
        self._reporter = Reporter(
            fleet=device.fleet,
            device=device.id,
            session=f"s{secrets.token_hex(8)}",
            status_file=folder / "status.json",
            interval_s=settings.health.interval_s,
            sealer=self._sealer,
            port=self._port,
            counters=self._counters,
            clock=clock,
        )
        self._judge = Judge(self._timekeeper, self._commands, self._reporter)
        networks = load_networks(pack, devices.runtime)
        self._parts = PipelineParts(settings, devices.camera, networks, self._counters, clock)
        facts = self._reporter.facts
        facts.pack = f"{pack.manifest.name} {pack.manifest.version} {pack.precision}"
        facts.runtime = f"{devices.runtime.name} {devices.runtime.version}"

    def request_stop(self) -> None:
        """Leave, and let a deployment go on at the next start; safe from a signal handler."""
        self._stop.set()

    def run(self) -> Exit:
        """From locked and camera closed to closed again. Raises: VaultUnusable."""
        self._port.start()
        beats_over = threading.Event()
        beats = threading.Thread(target=self._reporter.run, args=(beats_over,), name="report", daemon=True)
        beats.start()
        try:
            if self._closing.pending is not None:
                log.warning("the close of %s was cut off: going on with it", self._closing.pending)
                return self._finish_close(lambda: (0, 0))
            self._announce_stock()
            self._move(Event.ENROLLED)
            for name in (TIMESTAMP, hint_name(self._settings.device.id)):
                self._port.watch(name, self._changed.set)
            return self._serve()
        finally:
            beats_over.set()
            beats.join()
            self._port.stop()

    def _serve(self) -> Exit:
        """Obey orders until one is over, the camera fails, or we are told to leave. An amended order is opened anew."""
        while True:
            opened = self._prepare()
            if isinstance(opened, Exit):
                return opened
            in_force, view = opened
            overseer = Overseer(self._repository, in_force, view, self._devices.clock, self._changed)
            overseer.start()
            try:
                end = self._oversee(in_force, overseer)
            except BaseException:
                in_force.wipe()
                raise
            finally:
                overseer.stop(OVERSEER_ENDS_S)
                self._timekeeper.keep()
            if isinstance(end, Amended):
                in_force.wipe()
                self._move(Event.AMENDED)
            elif isinstance(end, str):
                return self._close(in_force.opened, end, len(in_force.holder), in_force.wipe)
            else:
                return self._leave(in_force, end)

    def _prepare(self) -> tuple[InForce, View] | Exit:
        """Wait for an order whose time has come, and open it, unless it is closed already or we are told to leave."""
        said = ""
        while not self._stop.is_set():
            self._changed.clear()
            found = self._seeker.find(self._timekeeper.kept, self._is_due)
            self._reporter.facts.repository_error = self._seeker.error
            if found is not None:
                self._move(Event.ORDER_FOUND)
                over = "close" if found.is_closed else self._timekeeper.verdict().because
                if over is not None:  # while the van was off; the list may be gone from the repository by then
                    return self._close(found.opened, over, 0, lambda: (0, 0))
                try:
                    return self._open(found), found.view
                except LfrError as error:
                    self._move(Event.WITHDRAWN)
                    self._reporter.facts.repository_error = str(error)
                    if str(error) != said:
                        said = str(error)
                        log.warning("no deployment: %s: %s", type(error).__name__, error)
            self._changed.wait(RETRY_WAIT_S)
        return Exit.ENDED

    def _is_due(self, found: Found) -> bool:
        """Whether the clocks leave anything to do, were it to close; they are held against this order from here on."""
        self._timekeeper.begin(found.opened.order, found.opened.policy)
        self._timekeeper.told(found.view.made_at_utc)
        return self._timekeeper.verdict().phase is not Phase.WAIT

    def _open(self, found: Found) -> InForce:
        opened = found.opened
        key = self._vault.take(opened.recipient)
        self._announce_stock()
        in_force = InForce(opened, found.view, key, self._pack, self._repository, self._fetch)
        self._timekeeper.opened()
        order, facts = opened.order, self._reporter.facts
        facts.deployment, facts.order_version = order.deployment, order.version
        facts.not_after_utc = order.not_after_utc
        facts.gallery_locked = in_force.holder.locked
        if not facts.gallery_locked:
            log.warning("the gallery could not be locked in memory; raise LimitMEMLOCK")
        self._port.open_deployment(order.deployment, order.room_receipt_key_hex)
        return in_force

    def _oversee(self, in_force: InForce, overseer: Overseer) -> End:
        """Until the deployment is over, amended, or left: watch while clocks and commands allow it."""
        while not self._stop.is_set():
            judged = self._judge.judge(in_force, overseer)
            if judged.over is not None:
                return judged.over
            if judged.may_watch:
                self._move(Event.BEGINS if self._state is State.PREPARING else Event.RESUMED)
                outcome = self._watch(in_force, overseer)
                if outcome.end is CaptureEnd.FAILED:
                    return outcome
                if outcome.end is CaptureEnd.ENDED:
                    return "camera_end"
            elif judged.verdict.phase is Phase.SUSPEND:
                is_news = self._judge.tell(in_force, judged.verdict)
                if self._state is not State.SUSPENDED:
                    log.warning("suspended: %s", judged.verdict.why)
                    self._move(Event.SUSPENDED)
                elif is_news:
                    self._reporter.beat()
            self._stop.wait(POLL_S)
        return None

    def _watch(self, in_force: InForce, overseer: Overseer) -> CaptureOutcome:
        """One opening of the camera, for as long as nothing else is to be done."""
        order = in_force.opened.order

        def go_on() -> bool:
            return self._judge.judge(in_force, overseer).may_watch and not self._stop.is_set()

        pipeline = Pipeline(
            self._parts, in_force.holder, order.similarity_threshold, lambda alarm: self._alerts.send(order, alarm)
        )
        self._reporter.capture = pipeline.capture
        return pipeline.run(go_on)

    def _close(
        self, opened: OpenedOrder, because: ClosedBecause, entries: int, overwrite: Callable[[], tuple[int, int]]
    ) -> Exit:
        """The deployment is over: every trace of its list is destroyed, and signed for."""
        order = opened.order
        log.info("closing %s: %s", order.deployment, because)
        self._reporter.beat()
        self._closing.begin(
            Ended(
                scope=_scope(order),
                recipient=opened.recipient,
                because=because,
                room_receipt_key_hex=order.room_receipt_key_hex,
                entries=entries,
                statistics=self._counters.snapshot().model_dump(mode="json"),
            )
        )
        return self._finish_close(overwrite)

    def _finish_close(self, overwrite: Callable[[], tuple[int, int]]) -> Exit:
        self._move(Event.CLOSES)
        deployment = self._closing.pending
        stored = self._closing.run(overwrite)
        self._timekeeper.forget(deployment)
        self._commands.forget(deployment or "")
        self._reporter.facts.watchlist_entries, self._reporter.facts.suspended_because = 0, None
        self._move(Event.CLOSED)
        if not stored:
            log.error("documents are left that the link half did not store; the close goes on at the next start")
            return Exit.NOT_STORED
        return Exit.ENDED

    def _leave(self, in_force: InForce, outcome: CaptureOutcome | None) -> Exit:
        """Told to stop, or without a camera: memory is overwritten, the deployment goes on at the next start."""
        entries, _ = in_force.wipe()
        self._reporter.beat()  # which also counts what the camera had to say
        self._port.publish(
            self._sealer.record_statistics(_scope(in_force.opened.order), self._counters.snapshot(), entries)
        )
        stored = self._port.wait_stored(STORED_WAIT_S)
        self._reporter.facts.state = State.STANDBY.value
        self._reporter.beat()
        if not stored:
            log.error("documents are left that the link half did not store in %.0f s", STORED_WAIT_S)
            return Exit.NOT_STORED
        return Exit.ENDED if outcome is None else Exit.CAMERA_FAILED

    def _announce_stock(self) -> None:
        """Keys for deployments to come, their public halves signed."""
        self._vault.refill(self._settings.keys.stock)
        device = self._settings.device
        stock = KeyStock(
            type="key_stock",
            fleet=device.fleet,
            device=device.id,
            number=self._vault.number,
            made_at_utc=utc_text(self._devices.clock.now_utc()),
            keys=list(self._vault.stock()),
        )
        self._port.announce(self._sealer.announce_stock(stock))

    def _fetch(self, name: str, fresh: bool) -> bytes:
        return self._port.fetch(name, FETCH_TIMEOUT_S, self._stop, fresh)

    def _forget(self, deployment: str) -> int:
        """Of a deployment that is over, nothing is kept but that it is over: no later order for it is obeyed."""
        try:
            self._repository.kept()
            self._repository.acted_on(deployment, ORDER_VERSION_MAX, LOG_SEQUENCE_MAX)
        except LfrError as error:  # Its key is destroyed; only a new order with a new key could open it again.
            log.warning("%s may be ordered again: %s", deployment, error)
        return self._repository.forget(deployment)

    def _move(self, event: Event) -> None:
        self._state = next_state(self._state, event)
        self._reporter.facts.state = self._state.value
        self._port.set_state(self._state.value)
        self._reporter.beat()
        log.info("state: %s", self._state.value)


def _scope(order: Order) -> RecordScope:
    return RecordScope(order.deployment, order.pack_sha256, order.watchlist.manifest_sha256, order.alert_retention_h)
