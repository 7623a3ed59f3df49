"""The overseer: keeps the repository fresh while a deployment runs, and applies what its log adds.

A thread of its own, for a link that lies may make every fetch wait its longest. It decides nothing about time: it says
what it saw, and the main thread, which never waits for link, holds that against the clocks.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from edge.clock import Clock, utc_text
from edge.errors import LfrError
from edge.trust.repository import Repository, View
from edge.vision.in_force import InForce

REFRESH_S = 30.0
"""Between two refreshes when nobody says that something has changed."""
REFRESH_LEAST_S = 1.0
"""Between two refreshes when link says so all the time."""

log = logging.getLogger("lfr.vision.overseer")


@dataclass(frozen=True)
class Seen:
    """What the last refreshes showed. made_at: of the newest timestamp; seen_boot_s: boot time when it was verified;
    log_key_ids: whose log the fleet says it is.
    """

    made_at: datetime | None = None
    seen_boot_s: float = 0.0
    amended: bool = False
    closed: bool = False
    log_key_ids: frozenset[str] = frozenset()
    epoch: int = 0
    sequence: int = 0
    in_force_since_utc: str | None = None
    items_refused: int = 0
    error: str = ""


class Overseer:
    """Watches over one deployment; `seen` is what it knows."""

    def __init__(
        self, repository: Repository, deployment: InForce, first: View, clock: Clock, changed: threading.Event
    ) -> None:
        """first: the view that the deployment was opened from, in which it may be closed already.

        changed: set by whoever hears that something is new.
        """
        self._repository = repository
        self._deployment = deployment
        self._clock = clock
        self._changed = changed
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._seen = Seen(
            made_at=first.made_at_utc,
            seen_boot_s=clock.boot_s(),
            epoch=deployment.log.epoch,
            sequence=deployment.log.sequence,
            in_force_since_utc=utc_text(clock.now_utc()),
        )
        self._thread = threading.Thread(target=self._run, name="oversee", daemon=True)
        self._look_into(first)

    @property
    def seen(self) -> Seen:
        with self._lock:
            return self._seen

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout_s: float) -> bool:
        """Whether the thread has ended; one that still waits for link ends by itself, and changes nothing more."""
        self._stop.set()
        self._changed.set()
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while not self._stop.is_set():
            self._changed.wait(REFRESH_S)
            self._changed.clear()
            if self._stop.is_set():
                return
            self.look()
            self._stop.wait(REFRESH_LEAST_S)

    def look(self) -> None:
        """One refresh, and what follows from it."""
        try:
            view = self._repository.refresh()
        except LfrError as error:
            self._say(str(error))
            return
        self._update(lambda seen: replace(seen, made_at=view.made_at_utc, seen_boot_s=self._clock.boot_s(), error=""))
        self._look_into(view)

    def _look_into(self, view: View) -> None:
        try:
            closed, amended = self._deployment.is_closed(view), self._deployment.is_amended(view)
            keys = view.log_key_ids(self._deployment.deployment)
            self._update(lambda seen: replace(seen, closed=seen.closed or closed, amended=amended, log_key_ids=keys))
            if not (closed or amended or self._stop.is_set()):
                self._follow(view)
        except LfrError as error:
            self._say(str(error))

    def _follow(self, view: View) -> None:
        before = self._deployment.log
        try:
            self._deployment.follow(view)
        finally:
            now = self._deployment.log
            if now != before:
                log.info("watchlist: epoch %d, sequence %d in force, %d entries", now.epoch, now.sequence, now.entries)
                since = utc_text(self._clock.now_utc())
                self._update(
                    lambda seen: replace(seen, epoch=now.epoch, sequence=now.sequence, in_force_since_utc=since)
                )

    def _say(self, error: str) -> None:
        if error != self.seen.error:
            log.warning("%s", error)
        self._update(lambda seen: replace(seen, error=error, items_refused=self._deployment.items_refused))

    def _update(self, change: Callable[[Seen], Seen]) -> None:
        with self._lock:
            self._seen = change(self._seen)
