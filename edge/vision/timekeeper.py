"""Keeps an order's time: clocks in, verdict out, and on disk how much boot time the deployment has used."""

from __future__ import annotations

import json
import logging
import math
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
    """Of one deployment at a time; what others have used is remembered, so that looking at them prolongs none.

    kept: the deployment that is open, or was when this process began.
    """

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path, self._clock = path, clock
        self.kept, self._used_s = _read(path)
        self._time: DeploymentTime | None = None
        self._deployment = ""
        self._written_s = -KEEP_EVERY_S

    def begin(self, order: Order, policy: Policy) -> None:
        """Hold the clocks against this order from here on; a deployment goes on where it was."""
        self._count()
        self._deployment = order.deployment
        self._time = DeploymentTime(
            not_before=parse_utc(order.not_before_utc),
            not_after=parse_utc(order.not_after_utc),
            staleness_s=order.staleness_s,
            prepare_h=policy.prepare_h_max,
            used_s=self._used_s.get(order.deployment, 0.0),
        )

    def opened(self) -> None:
        """The list of this order is open: after a restart it is looked for first."""
        self.kept = self._deployment
        self.keep()

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
        """Write down what every deployment has used, so that a restart prolongs nothing."""
        if self._time is None:
            return
        self._count()
        self._written_s = self._clock.monotonic_s()
        self._write()

    def forget(self, deployment: str | None) -> None:
        """A deployment is over: its key is gone, so it needs no time any more."""
        self.kept, self._time = None, None
        self._used_s.pop(deployment or "", None)
        if self._used_s:
            self._write()
        else:
            self._path.unlink(missing_ok=True)

    def _write(self) -> None:
        state = {"open": self.kept, "used_s": {name: round(used_s, 3) for name, used_s in self._used_s.items()}}
        try:
            write_durably(self._path, json.dumps(state).encode())
        except OSError as error:
            log.error("%s: used time is not written down: %s", self._path, error.strerror or error)

    def _count(self) -> None:
        if self._time is not None and self._time.used_s > 0:
            self._used_s[self._deployment] = self._time.used_s


def _read(path: Path) -> tuple[str | None, dict[str, float]]:
    """What was kept. A file that says nothing sensible counts as none: then UTC alone ends the order."""
    try:
        state = json.loads(path.read_bytes())
        used_s = {str(name): float(seconds) for name, seconds in state["used_s"].items()}
        if not all(math.isfinite(seconds) and seconds >= 0 for seconds in used_s.values()):
            raise ValueError("no time in seconds")
        return (None if state["open"] is None else str(state["open"])), used_s
    except FileNotFoundError:
        return None, {}
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        log.warning("%s: cannot be read (%s); the time used before is not counted", path, error)
        return None, {}
