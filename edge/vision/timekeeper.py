"""Keeps an order's time: clocks in, verdict out, and on disk how much boot time the deployment has used."""

from __future__ import annotations

import json
import logging
from datetime import datetime
from pathlib import Path

from edge.clock import Clock, parse_utc
from edge.files import write_durably
from edge.formats.orders import Order
from edge.formats.policy import Policy
from edge.trust.deployment_time import DeploymentTime, Verdict

KEEP_EVERY_S = 60.0

log = logging.getLogger("lfr.vision.timekeeper")


class Timekeeper:
    """Of one deployment at a time. kept: the deployment that was open when this process began, if one was."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path, self._clock = path, clock
        self.kept, self._used_s = _read(path)
        self._time: DeploymentTime | None = None
        self._deployment = ""
        self._written_s = -KEEP_EVERY_S

    def begin(self, order: Order, policy: Policy) -> None:
        """Hold the clocks against this order from here on; a deployment goes on where it was."""
        used_s = self._used_s if order.deployment == self.kept else 0.0
        if self._time is not None and order.deployment == self._deployment:
            used_s = self._time.used_s
        self._deployment = order.deployment
        self._time = DeploymentTime(
            not_before=parse_utc(order.not_before_utc),
            not_after=parse_utc(order.not_after_utc),
            staleness_s=order.staleness_s,
            prepare_h=policy.prepare_h_max,
            used_s=used_s,
        )

    def told(self, made_at: datetime) -> None:
        """A timestamp was verified just now that the fleet signed at made_at."""
        assert self._time is not None
        self._time.told(made_at, self._clock.now_utc(), self._clock.boot_s())

    def verdict(self) -> Verdict:
        """What the clocks say now; once a minute what was used is written down."""
        assert self._time is not None
        verdict = self._time.verdict(self._clock.now_utc(), self._clock.boot_s())
        if self._clock.monotonic_s() >= self._written_s + KEEP_EVERY_S:
            self.keep()
        return verdict

    def at_least(self) -> datetime:
        """What it is by the wall clock or the fleet's signed time, whichever is later."""
        assert self._time is not None
        return self._time.at_least(self._clock.now_utc(), self._clock.boot_s())

    def keep(self) -> None:
        """Write down the deployment and what it has used, so that a restart prolongs nothing."""
        if self._time is None:
            return
        self._written_s = self._clock.monotonic_s()
        state = {"deployment": self._deployment, "used_s": round(self._time.used_s, 3)}
        try:
            write_durably(self._path, json.dumps(state).encode())
        except OSError as error:
            log.error("%s: used time is not written down: %s", self._path, error.strerror or error)

    def forget(self) -> None:
        """The deployment is over."""
        self._path.unlink(missing_ok=True)
        self.kept, self._used_s, self._time = None, 0.0, None


def _read(path: Path) -> tuple[str | None, float]:
    """What was kept. A file that says nothing sensible counts as none: then UTC alone ends the order."""
    try:
        state = json.loads(path.read_bytes())
        return str(state["deployment"]), float(state["used_s"])
    except FileNotFoundError:
        return None, 0.0
    except (OSError, ValueError, TypeError, KeyError) as error:
        log.warning("%s: cannot be read (%s); the time used before is not counted", path, error)
        return None, 0.0
