"""The vision half, wired: one deployment from its order to its end.

Everything that a thread owns is made here and handed to it; devices come in from the main.
"""

from __future__ import annotations

import logging
import secrets
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass

from edge.clock import Clock
from edge.config import Settings
from edge.devices import Camera, Runtime
from edge.errors import OrderExpired, OutboxFull
from edge.evidence.sequence import SequenceFile
from edge.evidence.statistics import Counters
from edge.exits import Exit
from edge.records import Alarm, DetectedFrame, Frame
from edge.trust.keys import read_seal_key, read_signing_key
from edge.trust.order import check_period
from edge.trust.packs import VerifiedPack
from edge.vision.capture import CaptureEnd, CaptureLoop, CaptureOutcome
from edge.vision.decide import Rules
from edge.vision.deployment import Deployment, Identity, await_deployment
from edge.vision.detect_loop import DetectLoop, carry_over, release_dropped
from edge.vision.enrol import FaceNetworks, load_networks
from edge.vision.face_loop import FaceLoop, FaceStages
from edge.vision.link_port import LinkPort
from edge.vision.mailbox import Mailbox
from edge.vision.quality import QualityGate
from edge.vision.reporter import Reporter
from edge.vision.seal import RecordScope, Sealer
from edge.vision.track import Tracker

STORED_WAIT_S = 30.0
"""At the end, how long link may take to put the last documents on disk."""

_POLL_S = 0.5

log = logging.getLogger("lfr.vision")


@dataclass(frozen=True)
class Devices:
    """What a main passes in: the camera, the runtime, the clock and the pipe's listening socket."""

    camera: Camera
    runtime: Runtime
    clock: Clock
    listener: socket.socket
    link_uids: tuple[int, ...]


class VisionApp:
    """Runs one deployment."""

    def __init__(self, settings: Settings, pack: VerifiedPack, devices: Devices) -> None:
        """Raises: KeyFileInvalid, ModelRejected, PackShapeMismatch, DelegateUnavailable."""
        device = settings.device
        folder = device.state_dir / "vision"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._settings = settings
        self._pack = pack
        self._devices = devices
        self._stop = threading.Event()
        self._counters = Counters()
        self._received_s: dict[str, float] = {}
        self._port = LinkPort(devices.listener, devices.link_uids, self._stored)
        sequence = SequenceFile(folder / "sequence")
        signing_key = read_signing_key(settings.keys.signing_key_file)
        self._sealer = Sealer(device.fleet, device.id, signing_key, sequence, devices.clock)
        self._identity = Identity(
            fleet=device.fleet,
            device=device.id,
            authority_keys=tuple(settings.keys.authority_keys),
            seal_key=read_seal_key(settings.keys.seal_key_file),
            pack_sha256=pack.sha256,
            dimension=pack.manifest.embedder.dimension,
            purpose=pack.manifest.purpose,
            backend=f"{devices.runtime.backend}/{pack.precision}",
        )
        self._reporter = Reporter(
            fleet=device.fleet,
            device=device.id,
            session=f"s{secrets.token_hex(8)}",
            status_file=folder / "status.json",
            interval_s=settings.health.interval_s,
            sealer=self._sealer,
            port=self._port,
            counters=self._counters,
            clock=devices.clock,
        )
        self._networks = load_networks(pack, devices.runtime)
        facts = self._reporter.facts
        facts.pack = f"{pack.manifest.name} {pack.manifest.version} {pack.precision}"
        facts.runtime = f"{devices.runtime.name} {devices.runtime.version}"

    def request_stop(self) -> None:
        """Close the deployment; safe from a signal handler."""
        self._stop.set()

    def run(self) -> Exit:
        """From locked and camera closed to closed again."""
        self._port.start()
        beats_over = threading.Event()
        beats = threading.Thread(target=self._reporter.run, args=(beats_over,), name="report", daemon=True)
        beats.start()
        try:
            self._enter("preparing")
            deployment = await_deployment(self._fetch, self._identity, self._devices.clock, self._stop)
            if deployment is None:
                self._enter("standby")
                return Exit.ENDED
            return self._watch(deployment)
        finally:
            beats_over.set()
            beats.join()
            self._port.stop()

    def _fetch(self, name: str, timeout_s: float) -> bytes:
        return self._port.fetch(name, timeout_s, self._stop)

    def _watch(self, deployment: Deployment) -> Exit:
        order, facts = deployment.order, self._reporter.facts
        facts.deployment = order.deployment
        facts.not_after_utc = order.not_after_utc
        facts.watchlist_entries = len(deployment.gallery)
        facts.gallery_locked = deployment.gallery.locked
        if not deployment.gallery.locked:
            log.warning("the gallery could not be locked in memory; raise LimitMEMLOCK")
        self._port.open_deployment(order.deployment, order.room_receipt_key_hex)
        try:
            outcome = self._run_pipeline(deployment)
        finally:
            deployment.gallery.wipe()  # first: whatever else fails, the watchlist is gone
            self._enter("closing")
        self._reporter.beat()
        scope = RecordScope(order.deployment, order.pack_sha256, order.watchlist.sha256, order.alert_retention_h)
        self._port.publish(self._sealer.record_statistics(scope, self._counters.snapshot(), len(deployment.gallery)))
        stored = self._port.wait_stored(STORED_WAIT_S)
        self._enter("standby")
        if not stored:
            log.error("documents are left that the link half did not store in %.0f s", STORED_WAIT_S)
            return Exit.NOT_STORED
        return Exit.CAMERA_FAILED if outcome.end is CaptureEnd.FAILED else Exit.ENDED

    def _run_pipeline(self, deployment: Deployment) -> CaptureOutcome:
        lock_step = self._settings.camera.pace == "fast"
        frames: Mailbox[Frame] = Mailbox(on_drop=lambda frame: frame.release())
        detected: Mailbox[DetectedFrame] = Mailbox(merge=carry_over, on_drop=release_dropped)
        capture = CaptureLoop(self._devices.camera, self._settings.camera, frames, self._devices.clock)
        detect = DetectLoop(
            self._networks.detector,
            Tracker(self._settings.tracking.lost_after_s),
            frames,
            detected,
            self._counters,
            self._devices.clock,
            lock_step,
        )
        faces = FaceLoop(
            _face_stages(self._settings, self._networks, deployment),
            detected,
            lambda alarm: self._send_alert(deployment, alarm),
            self._counters,
            self._devices.clock,
        )
        self._reporter.capture = capture
        self._enter("watching")
        threads = _Threads(self._stop)
        threads.start("detect", detect.run)
        threads.start("faces", faces.run)
        outcomes: list[CaptureOutcome] = []
        threads.start("capture", lambda: outcomes.append(capture.run(self._stop)))
        while threads.alive():
            self._check_order(deployment)
            threads.join_one(_POLL_S)
        threads.raise_first()
        return outcomes[0]

    def _check_order(self, deployment: Deployment) -> None:
        try:
            check_period(deployment.order, self._devices.clock.now_utc())
        except OrderExpired as error:
            if not self._stop.is_set():
                log.info("closing: %s", error)
                self._stop.set()

    def _send_alert(self, deployment: Deployment, alarm: Alarm) -> None:
        sealed_s = self._devices.clock.monotonic_s()
        done_s = {**alarm.done_s, "crop": sealed_s}
        stage_ms = {stage: (s - alarm.received_s) * 1000 for stage, s in done_s.items()}
        message = self._sealer.seal_alert(deployment.order, alarm, stage_ms)
        self._received_s[message.event_id] = alarm.received_s
        self._counters.alerted()
        try:
            self._port.publish(message)
        except OutboxFull as error:  # the pipeline goes on; its number is missing at the room, and that is seen
            self._counters.alert_not_stored()
            log.error("alert %s is lost: %s", message.event_id, error)
        else:
            log.info("alert %s, sequence %d", message.event_id, message.sequence)

    def _stored(self, event_id: str) -> None:
        received_s = self._received_s.pop(event_id, None)
        if received_s is not None:
            self._counters.outbox_committed((self._devices.clock.monotonic_s() - received_s) * 1000)

    def _enter(self, state: str) -> None:
        self._reporter.facts.state = state
        self._port.set_state(state)
        self._reporter.beat()
        log.info("state: %s", state)


class _Threads:
    """The pipeline's threads; the first that fails stops the others, and its error is raised in the end."""

    def __init__(self, stop: threading.Event) -> None:
        self._stop = stop
        self._threads: list[threading.Thread] = []
        self._errors: list[BaseException] = []

    def start(self, name: str, run: Callable[[], object]) -> None:
        def guarded() -> None:
            try:
                run()
            except Exception as error:  # noqa: BLE001 (raised again by raise_first, in the main thread)
                self._errors.append(error)
                self._stop.set()

        thread = threading.Thread(target=guarded, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def alive(self) -> bool:
        return any(thread.is_alive() for thread in self._threads)

    def join_one(self, timeout_s: float) -> None:
        """Wait a while for the last thread that is still at work."""
        for thread in reversed(self._threads):
            if thread.is_alive():
                thread.join(timeout_s)
                return

    def raise_first(self) -> None:
        if self._errors:
            raise self._errors[0]


def _face_stages(settings: Settings, networks: FaceNetworks, deployment: Deployment) -> FaceStages:
    decision = settings.decision
    return FaceStages(
        gate=QualityGate(settings.quality),
        aligner=networks.aligner,
        embedder=networks.embedder,
        gallery=deployment.gallery,
        rules=Rules(
            threshold=deployment.order.similarity_threshold,
            frames_min=decision.frames_min,
            margin_min=decision.margin_min,
            cooldown_s=decision.cooldown_s,
        ),
        templates_max=decision.templates_max,
        hits_min=settings.tracking.hits_min,
        face_width_min_px=settings.quality.face_width_min_px,
    )
