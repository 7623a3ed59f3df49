"""What the box says of itself while it runs: the signed heartbeat, and status.json for the engineer."""

from __future__ import annotations

import json
import logging
import os
import threading
from dataclasses import dataclass
from pathlib import Path

from edge.clock import Clock, utc_text
from edge.evidence.statistics import Counters
from edge.files import write_durably
from edge.formats.documents import HealthDocument
from edge.vision.capture import CaptureLoop
from edge.vision.link_port import LinkPort
from edge.vision.seal import Sealer

log = logging.getLogger("lfr.vision.reporter")


@dataclass
class Facts:
    """What the app knows and the reporter tells."""

    state: str = "starting"
    deployment: str | None = None
    not_after_utc: str | None = None
    order_version: int | None = None
    watchlist_entries: int = 0
    watchlist_epoch: int | None = None
    watchlist_sequence: int | None = None
    in_force_since_utc: str | None = None
    suspended_because: str | None = None
    repository_error: str = ""
    command_number: int | None = None
    command_refused: str = ""
    gallery_locked: bool = False
    pack: str = ""
    runtime: str = ""


class Reporter:
    """Beats at an interval in a thread of its own, and once more when asked."""

    def __init__(
        self,
        fleet: str,
        device: str,
        session: str,
        status_file: Path,
        interval_s: float,
        sealer: Sealer,
        port: LinkPort,
        counters: Counters,
        clock: Clock,
    ) -> None:
        self.facts = Facts()
        self.capture: CaptureLoop | None = None
        self._fleet = fleet
        self._device = device
        self._session = session
        self._status_file = status_file
        self._interval_s = interval_s
        self._sealer = sealer
        self._port = port
        self._counters = counters
        self._clock = clock
        self._beat = 0
        self._processed_before = 0
        self._beat_before_s = clock.monotonic_s()
        self._lock = threading.Lock()

    def run(self, stop: threading.Event) -> None:
        """Beat until stopped."""
        while not stop.wait(self._interval_s):
            self.beat()

    def beat(self) -> None:
        """Say how the box is: to the room, signed, and on disk."""
        with self._lock:
            self._count_capture()
            health = self._health()
            self._port.beat(self._sealer.beat(health))
            try:
                self._write_status(health)
            except OSError as error:  # a full disk must not end the heartbeat, which is how the room learns of it
                log.error("status.json was not written: %s", error)

    def _count_capture(self) -> None:
        if self.capture is not None:
            health = self.capture.health
            self._counters.capture_progress(health.frames_read, health.frames_skipped, dict(health.faults))

    def _health(self) -> HealthDocument:
        statistics = self._counters.snapshot()
        now_s = self._clock.monotonic_s()
        elapsed_s = max(now_s - self._beat_before_s, 1e-3)
        rate = (statistics.frames_processed - self._processed_before) / elapsed_s
        self._processed_before, self._beat_before_s = statistics.frames_processed, now_s
        self._beat += 1
        link = self._port.status
        camera = self.capture.health if self.capture is not None else None
        return HealthDocument(
            type="health",
            fleet=self._fleet,
            device=self._device,
            deployment=self.facts.deployment,
            session=self._session,
            beat=self._beat,
            made_at_utc=utc_text(self._clock.now_utc()),
            state=self.facts.state,
            last_sequence=self._sealer.last_sequence,
            frames_per_s=round(rate, 1),
            camera="closed" if camera is None else camera.state.value,
            camera_retries=0 if camera is None else camera.retries,
            statistics=statistics,
            outbox_queued=link.queued if link else 0,
            outbox_expired=link.expired if link else 0,
            order_version=self.facts.order_version,
            watchlist_epoch=self.facts.watchlist_epoch,
            watchlist_sequence=self.facts.watchlist_sequence,
            in_force_since_utc=self.facts.in_force_since_utc,
            suspended_because=self.facts.suspended_because and self.facts.suspended_because[:1000],
            repository_error=self.facts.repository_error[:1000],
            command_number=self.facts.command_number,
            command_refused=self.facts.command_refused,
        )

    def _write_status(self, health: HealthDocument) -> None:
        camera = self.capture.health if self.capture is not None else None
        status = {
            "half": "vision",
            "pid": os.getpid(),
            "written_at_utc": health.made_at_utc,
            "facts": vars(self.facts),
            "camera_error": (camera.last_error or "") if camera else "",
            "link_connected": self._port.status is not None,
            "health": health.model_dump(mode="json"),
        }
        write_durably(self._status_file, json.dumps(status, indent=1).encode())
