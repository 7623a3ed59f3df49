"""When an order may be obeyed, and when it is over, by three clocks of which none is believed alone (ORDER.md 3).

Pure: what the clocks say comes in, a verdict goes out. The wall clock may be set by anybody; boot time runs forward and
nowhere else; the fleet's signed `made_at` is a time before which it cannot be. A jump suspends: it never destroys what
the van holds, and never prolongs what it may do.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from edge.formats.receipts import ClosedBecause

JUMP_S = 60.0
"""What the wall clock may move otherwise than boot time, and stand from the fleet's, before it is doubted."""
DRIFT = 2e-4
"""By how much boot time may run fast: a share of it, twice what a cheap crystal does."""


class Phase(str, Enum):
    """What the clocks allow."""

    WAIT = "wait"
    PREPARE = "prepare"
    WATCH = "watch"
    SUSPEND = "suspend"
    CLOSE = "close"


@dataclass(frozen=True)
class Verdict:
    """why: in words, for SUSPEND; because: for CLOSE."""

    phase: Phase
    why: str = ""
    because: ClosedBecause | None = None


class DeploymentTime:
    """The time of one order. Every call gives the wall clock (aware, UTC) and boot time in seconds, both now.

    used_s: boot time that the deployment has used since it first might have watched; it ends with it, whatever the
    wall clock says.
    """

    def __init__(
        self, not_before: datetime, not_after: datetime, staleness_s: float, prepare_h: float, used_s: float = 0.0
    ) -> None:
        self._not_before, self._not_after = not_before, not_after
        self._staleness_s = staleness_s
        self._prepare = timedelta(hours=prepare_h)
        self.used_s = used_s
        self._begun = used_s > 0
        self._last_boot_s: float | None = None
        self._anchor: tuple[datetime, float] | None = None
        self._confirmed = False
        self._doubt = ""
        self._made_at: datetime | None = None
        self._made_at_boot_s = 0.0
        self._latest: tuple[datetime, float] | None = None

    def told(self, made_at: datetime, wall: datetime, boot_s: float) -> None:
        """A timestamp was verified just now, which the fleet signed at made_at. An older one says nothing."""
        self._advance(wall, boot_s)
        if self._made_at is not None and made_at <= self._made_at:
            return
        self._made_at, self._made_at_boot_s = made_at, boot_s
        is_late = self._latest is not None and (self._least(boot_s) - made_at).total_seconds() > JUMP_S
        if self._latest is None or made_at >= self._least(boot_s):
            self._latest = (made_at, boot_s)
        # One that was held back confirms nothing: the clock may have been set back to meet it.
        if abs((wall - made_at).total_seconds()) <= JUMP_S and not is_late:
            self._anchor, self._confirmed, self._doubt = (wall, boot_s), True, ""
        elif (made_at - wall).total_seconds() > JUMP_S:
            self._doubt = "the clock is behind the fleet's"

    def verdict(self, wall: datetime, boot_s: float) -> Verdict:
        """What is allowed now."""
        self._advance(wall, boot_s)
        ended = wall >= self._not_after
        if self.used_s >= (self._not_after - self._not_before).total_seconds():
            return Verdict(Phase.CLOSE, because="boot_time")
        if self._made_at is not None and self._made_at >= self._not_after:
            return Verdict(Phase.CLOSE, because="fleet_time")
        if ended and self._confirmed and not self._doubt:
            return Verdict(Phase.CLOSE, because="order_end")
        if self._doubt:
            return Verdict(Phase.SUSPEND, self._doubt)
        if ended:
            return Verdict(Phase.SUSPEND, "the clock says that the order is over, and the fleet has not confirmed it")
        if wall < self._not_before - self._prepare:
            return Verdict(Phase.WAIT)
        if wall < self._not_before:
            return Verdict(Phase.PREPARE)
        if self._age_s(wall, boot_s) > self._staleness_s:
            return Verdict(Phase.SUSPEND, f"nothing was heard of the fleet for {self._staleness_s:g} s")
        return Verdict(Phase.WATCH)

    def at_least(self, wall: datetime, boot_s: float) -> datetime:
        """The wall clock, or what the fleet has signed and the boot time since, whichever is later."""
        return wall if self._latest is None else max(wall, self._least(boot_s))

    def _age_s(self, wall: datetime, boot_s: float) -> float:
        """Of the newest timestamp: by the wall clock or by boot time, whichever says more."""
        if self._made_at is None:
            return float("inf")
        return max((wall - self._made_at).total_seconds(), boot_s - self._made_at_boot_s)

    def _least(self, boot_s: float) -> datetime:
        """Before this it cannot be: what the fleet has signed, and the boot time since that was heard."""
        assert self._latest is not None
        made_at, heard_s = self._latest
        return made_at + timedelta(seconds=(boot_s - heard_s) * (1 - DRIFT))

    def _advance(self, wall: datetime, boot_s: float) -> None:
        if self._last_boot_s is not None and self._begun:
            self.used_s += max(0.0, boot_s - self._last_boot_s)
        self._last_boot_s = boot_s
        if self._anchor is None:
            self._anchor = (wall, boot_s)
        anchor_wall, anchor_boot_s = self._anchor
        moved_s = (wall - anchor_wall).total_seconds() - (boot_s - anchor_boot_s)
        if abs(moved_s) > JUMP_S and not self._doubt:
            self._doubt = f"the clock has jumped by {moved_s:+.0f} s"
        if self._latest is not None and (self._least(boot_s) - wall).total_seconds() > JUMP_S and not self._doubt:
            self._doubt = "the clock is behind the fleet's"
        # Once it might have watched, time counts, whatever the wall clock says afterwards.
        self._begun = self._begun or wall >= self._not_before
