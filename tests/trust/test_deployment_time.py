"""An order's time: it ends when it must, a jump suspends, and nothing prolongs it."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.trust.deployment_time import DeploymentTime, Phase

BEGIN = datetime(2026, 3, 1, 9, 0, tzinfo=timezone.utc)
HOURS = 4.0
END = BEGIN + timedelta(hours=HOURS)
STALENESS_S = 900.0


class Van:
    """An order's time with clocks that move together, unless the wall clock is set."""

    def __init__(self, wall: datetime = BEGIN, used_s: float = 0.0) -> None:
        self.real, self.boot_s, self.offset = wall, 5000.0, timedelta(0)
        self.time = DeploymentTime(BEGIN, END, STALENESS_S, 24.0, used_s)

    @property
    def wall(self) -> datetime:
        return self.real + self.offset

    def pass_(self, seconds: float) -> None:
        self.real += timedelta(seconds=seconds)
        self.boot_s += seconds

    def set_wall(self, by_s: float) -> None:
        self.offset += timedelta(seconds=by_s)

    def hear(self) -> None:
        """A timestamp that the fleet signs now, by the real time."""
        self.time.told(self.real, self.wall, self.boot_s)

    def says(self):
        return self.time.verdict(self.wall, self.boot_s)

    def run(self, seconds: float, heard: bool = True) -> None:
        """Time passes as it does on a van: looked at every minute, the fleet heard every minute."""
        while seconds > 0:
            self.pass_(min(60.0, seconds))
            seconds -= 60.0
            if heard:
                self.hear()
            self.says()


def test_waits_prepares_watches_and_closes():
    van = Van(BEGIN - timedelta(hours=25))
    van.hear()
    assert van.says().phase is Phase.WAIT
    van.run(3600)
    assert van.says().phase is Phase.PREPARE
    van.run(24 * 3600)
    assert van.says().phase is Phase.WATCH
    van.run(HOURS * 3600 - 60)
    assert van.says().phase is Phase.WATCH
    van.run(60)
    assert (van.says().phase, van.says().because) == (Phase.CLOSE, "boot_time")


def test_order_begun_late_ends_at_its_utc_end():
    van = Van(BEGIN + timedelta(hours=3))
    van.hear()
    van.run(3540)
    assert van.says().phase is Phase.WATCH
    van.run(60, heard=False)
    assert (van.says().phase, van.says().because) == (Phase.CLOSE, "order_end")


def test_order_ends_with_no_link_at_all():
    van = Van(BEGIN + timedelta(hours=3))
    van.hear()
    van.run(3600, heard=False)
    assert (van.says().phase, van.says().because) == (Phase.CLOSE, "order_end")


def test_freeze_suspends_once_the_fleet_is_stale():
    van = Van()
    van.hear()
    van.run(STALENESS_S, heard=False)
    assert van.says().phase is Phase.WATCH
    van.run(1, heard=False)
    assert van.says().phase is Phase.SUSPEND
    van.hear()
    assert van.says().phase is Phase.WATCH


def test_never_heard_of_the_fleet_suspends():
    assert Van().says().phase is Phase.SUSPEND


@pytest.mark.parametrize("jump_s", [-7 * 24 * 3600.0, -61.0, 61.0, 7 * 24 * 3600.0])
def test_clock_jump_suspends_and_destroys_nothing(jump_s: float):
    van = Van(BEGIN + timedelta(hours=1))
    van.hear()
    van.says()
    van.set_wall(jump_s)
    van.pass_(1)
    assert van.says().phase is Phase.SUSPEND


def test_jump_is_over_when_the_fleet_confirms_the_clock():
    van = Van(BEGIN + timedelta(hours=1))
    van.hear()
    van.set_wall(3600)
    assert van.says().phase is Phase.SUSPEND
    van.run(120)
    assert van.says().phase is Phase.SUSPEND
    van.set_wall(-3600)
    assert van.says().phase is Phase.SUSPEND
    van.run(60)
    assert van.says().phase is Phase.WATCH


def test_timestamp_from_before_the_jump_confirms_nothing():
    van = Van(BEGIN + timedelta(hours=1))
    van.hear()
    old = van.real
    van.set_wall(120)
    assert van.says().phase is Phase.SUSPEND
    van.set_wall(-120)
    van.time.told(old, van.wall, van.boot_s)
    assert van.says().phase is Phase.SUSPEND


def test_slow_drift_of_the_clock_is_a_jump_in_the_end():
    """Sixty steps of two seconds, each too small to see, without a word from the fleet."""
    van = Van(BEGIN + timedelta(hours=1))
    van.hear()
    for _ in range(60):
        van.set_wall(2)
        van.pass_(1)
        last = van.says()
    assert last.phase is Phase.SUSPEND


def test_clock_set_past_the_end_while_off_destroys_nothing():
    van = Van(END + timedelta(hours=1))
    van.time.told(BEGIN + timedelta(hours=1), van.wall, van.boot_s)
    assert van.says().phase is Phase.SUSPEND


def test_fleets_own_time_past_the_end_closes():
    van = Van(BEGIN + timedelta(hours=2))
    van.time.told(END, van.wall, van.boot_s)
    assert (van.says().phase, van.says().because) == (Phase.CLOSE, "fleet_time")


def test_restart_gives_no_time_back():
    van = Van(BEGIN)
    van.hear()
    van.run(2 * 3600)
    again = Van(BEGIN + timedelta(minutes=10), used_s=van.time.used_s)
    again.hear()
    again.run(2 * 3600)
    assert (again.says().phase, again.says().because) == (Phase.CLOSE, "boot_time")


STEPS = st.lists(
    st.tuples(st.sampled_from(["pass", "set", "hear"]), st.floats(-1e5, 1e5, allow_nan=False)), max_size=40
)


@given(STEPS)
def test_no_jump_ever_prolongs(steps: list[tuple[str, float]]):
    """Whatever is done to the wall clock: once so much boot time has passed as the order has, it is over."""
    van = Van()
    van.hear()
    for what, size in steps:
        if what == "pass":
            van.pass_(abs(size) % 3600)
        elif what == "set":
            van.set_wall(size)
        else:
            van.hear()
        van.says()
    van.pass_(HOURS * 3600)
    assert van.says().phase is Phase.CLOSE


@given(STEPS)
def test_no_jump_alone_ever_destroys(steps: list[tuple[str, float]]):
    """With hardly any real time gone, whatever is done to the wall clock, nothing is closed."""
    van = Van(BEGIN + timedelta(hours=1))
    van.hear()
    for what, size in steps:
        if what == "set":
            van.set_wall(size)
        elif what == "hear":
            van.hear()
        van.pass_(0.1)
        assert van.says().phase is not Phase.CLOSE


def test_timestamp_held_back_confirms_no_clock_that_was_set_back_to_meet_it():
    van = Van()
    van.hear()
    held_back = van.real + timedelta(seconds=300)
    van.run(1800, heard=False)
    van.set_wall(-1500)
    assert van.says().phase is Phase.SUSPEND
    van.time.told(held_back, van.wall, van.boot_s)
    assert van.says().phase is Phase.SUSPEND
    van.set_wall(+1500)
    van.hear()
    assert van.says().phase is Phase.WATCH


def test_clock_set_back_slowly_is_behind_the_fleet_before_an_hour_is_won():
    van = Van()
    van.hear()
    for _ in range(60):
        van.pass_(60.0)
        van.set_wall(-30.0)
        van.time.told(van.wall + timedelta(seconds=1), van.wall, van.boot_s)
        last = van.says().phase
    assert last is Phase.SUSPEND


def test_boot_time_that_runs_fast_by_a_crystals_error_suspends_nobody():
    van = Van(BEGIN - timedelta(days=30))
    van.time = DeploymentTime(BEGIN, END, 3600.0, 24.0, 0.0)
    for _ in range(30 * 24):
        van.pass_(3600.0)
        van.boot_s += 3600.0 * 1e-4
        van.hear()
        assert van.says().phase is not Phase.SUSPEND
