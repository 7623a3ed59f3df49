"""The link half, wired: pipe and broker feed one inbox, one loop empties it into the courier."""

from __future__ import annotations

import logging
import threading

from edge.clock import Clock, utc_text
from edge.config import Settings
from edge.formats.topics import STATE, device_topic
from edge.link.courier import Courier
from edge.link.inbox import Inbox
from edge.link.kept_files import KeptFiles
from edge.link.mqtt import BrokerConnection, Will
from edge.link.outbox import Outbox
from edge.link.state import LOST, SessionCounter, state_payload
from edge.link.status import LinkReport, write_status
from edge.link.vision_pipe import VisionPipe

PIPE_NAME = "pipe.sock"
TICK_S = 0.25
STATUS_INTERVAL_S = 2.0
WRITE_INTERVAL_S = 1.0
QUIET_S = 0.5
"""On stopping, vision that has said nothing for so long has said all."""
GOODBYE_S = 2.0
ROWS_LEFT = 3
"""Exit code when documents remain in the outbox."""

log = logging.getLogger("lfr.link")


class LinkApp:
    """One run of the link half."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        """Open the outbox. Raises: OutboxBusy, OSError."""
        self._settings = settings
        self._clock = clock
        self._folder = settings.device.state_dir / "link"
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        rows_max, resend_s = settings.outbox.rows_max, settings.outbox.resend_s
        self._outbox = Outbox(self._folder / "outbox.sqlite", rows_max, resend_s, clock)
        self._kept = KeptFiles(self._folder / "mirror")
        self._inbox = Inbox()
        self._sessions = SessionCounter(self._folder / "session_seq", clock)
        self._connection = BrokerConnection(settings.broker, settings.device.id, self._new_will, self._inbox, clock)
        self._pipe = VisionPipe(settings.device.runtime_dir / PIPE_NAME, self._inbox)
        self._courier = Courier(settings, self._outbox, self._kept, self._connection, clock)
        self._told: LinkReport | None = None
        self._told_at_s = self._written_at_s = -STATUS_INTERVAL_S

    def run(self, stopping: threading.Event) -> int:
        """Work until told to stop, then drain; 0, or 3 when documents are left. Raises: OutboxCorrupt."""
        log.info("link of %s: %d documents wait in the outbox", self._settings.device.id, self._outbox.queued)
        self._connection.start()
        self._pipe.start()
        while not stopping.is_set():
            self._step()
        until_s = self._clock.monotonic_s() + self._settings.outbox.drain_s
        while not self._drained() and self._clock.monotonic_s() < until_s:
            self._step()
        return self._leave()

    def _step(self) -> None:
        event = self._inbox.take(TICK_S)
        if event is not None:
            self._courier.handle(event)
        self._courier.tick()
        self._tell()

    def _drained(self) -> bool:
        quiet = self._clock.monotonic_s() - self._courier.heard_at_s >= QUIET_S
        return self._outbox.queued == 0 and (quiet or not self._courier.vision_attached)

    def _leave(self) -> int:
        self._pipe.stop()
        self._courier.close_state()
        until_s = self._clock.monotonic_s() + GOODBYE_S
        while self._courier.state_pending and self._clock.monotonic_s() < until_s:
            self._step()
        self._connection.stop(GOODBYE_S)
        self._courier.drop_vision("link ends")
        left = self._outbox.queued
        self._write(self._courier.report(self._inbox.dropped))
        self._outbox.close()
        self._kept.close()
        log.info("link of %s ends, %d documents left in the outbox", self._settings.device.id, left)
        return ROWS_LEFT if left else 0

    def _tell(self) -> None:
        """To vision and the status file: at once when something changed, and every few seconds."""
        now_s = self._clock.monotonic_s()
        if now_s < self._told_at_s + TICK_S:
            return
        report = self._courier.report(self._inbox.dropped)
        if report == self._told and now_s < self._told_at_s + STATUS_INTERVAL_S:
            return
        self._told, self._told_at_s = report, now_s
        self._courier.tell_vision(report.as_link_status())
        if now_s >= self._written_at_s + WRITE_INTERVAL_S:
            self._written_at_s = now_s
            self._write(report)

    def _write(self, report: LinkReport) -> None:
        try:
            write_status(self._folder, report, utc_text(self._clock.now_utc()))
        except OSError as error:
            log.warning("the status file cannot be written: %s", error)

    def _new_will(self) -> Will:
        device = self._settings.device
        number = self._sessions.next()
        return Will(device_topic(device.fleet, device.id, STATE), state_payload(device.id, number, LOST), number)
