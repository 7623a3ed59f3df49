"""Used time is kept for each deployment by itself: no restart, and no look at another order, prolongs one."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from edge.clock import utc_text
from edge.formats.orders import Order
from edge.trust.deployment_time import Phase
from edge.vision.timekeeper import Timekeeper
from provisioning.policy_profiles import profile
from tests.fake_clock import FakeClock
from tests.vectors import make_order_vectors as made
from tests.vectors.make_vectors import canonical

POLICY = profile("uk")[0]
HOUR = 3600.0


class Van:
    """A clock, a file, and the timekeeper of whatever process runs now."""

    def __init__(self, folder: Path) -> None:
        self.path, self.clock = folder / "deployment.json", FakeClock()
        self.begin = self.clock.now_utc()
        self.restart()

    def restart(self) -> None:
        self.keeper = Timekeeper(self.path, self.clock)

    def order(self, deployment: str, starts_h: float = 0.0, lasts_h: float = 6.0) -> Order:
        begin, end = (self.begin + timedelta(hours=each) for each in (starts_h, starts_h + lasts_h))
        fields = {**made.ORDER, "deployment": deployment}
        return Order.model_validate_json(
            canonical({**fields, "not_before_utc": utc_text(begin), "not_after_utc": utc_text(end)})
        )

    def look_at(self, order: Order) -> Phase:
        self.keeper.begin(order, POLICY)
        self.keeper.told(self.clock.now_utc())
        return self.keeper.verdict().phase

    def watch(self, seconds: float) -> Phase:
        """Heard and looked at every minute; the wall clock stands still for an attacker who sets it back."""
        for _ in range(int(seconds / 60)):
            self.clock.advance(60.0)
            self.clock.set_wall(-60.0)
            self.keeper.verdict()
        return self.keeper.verdict().phase


@pytest.fixture
def van(tmp_path: Path) -> Van:
    return Van(tmp_path)


def open_and_use(van: Van, hours: float) -> None:
    assert van.look_at(van.order("market")) is Phase.WATCH
    van.keeper.opened()
    van.watch(hours * HOUR)


def test_restart_goes_on_where_it_was(van: Van):
    open_and_use(van, 5)
    van.restart()
    assert van.keeper.kept == "market"
    van.look_at(van.order("market"))
    assert van.watch(0.9 * HOUR) is not Phase.CLOSE
    assert van.watch(0.2 * HOUR) is Phase.CLOSE


def test_look_at_another_order_prolongs_neither_though_the_van_starts_again(van: Van):
    open_and_use(van, 5)
    for _ in range(3):
        van.restart()
        van.look_at(van.order("station", starts_h=20.0))
        van.clock.advance(120.0)
        van.clock.set_wall(-120.0)
        van.keeper.verdict()
    van.restart()
    assert van.keeper.kept == "market"
    van.look_at(van.order("market"))
    assert van.watch(1.1 * HOUR) is Phase.CLOSE


def test_what_is_over_is_forgotten_and_nothing_else(van: Van):
    open_and_use(van, 2)
    van.look_at(van.order("station"))
    van.keeper.opened()
    van.watch(HOUR)
    van.keeper.forget("station")
    van.restart()
    assert van.keeper.kept is None
    van.look_at(van.order("market"))
    assert van.watch(4.1 * HOUR) is Phase.CLOSE
    van.keeper.forget("market")
    assert not van.path.exists()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b'{"open":"market"}',
        b'{"open":null,"used_s":{"market":NaN}}',
        b'{"open":null,"used_s":{"market":-1}}',
        b'{"open":null,"used_s":[1]}',
        b"[" * 100_000,
    ],
)
def test_damaged_file_counts_as_none(van: Van, content: bytes):
    van.path.write_bytes(content)
    van.restart()
    assert van.keeper.kept is None
    assert van.look_at(van.order("market")) is Phase.WATCH


def test_full_disk_ends_nothing(van: Van, monkeypatch: pytest.MonkeyPatch):
    def full(path: Path, data: bytes) -> None:
        raise OSError(28, "No space left on device")

    open_and_use(van, 1)
    van.look_at(van.order("station"))
    monkeypatch.setattr("edge.vision.timekeeper.write_durably", full)
    van.keeper.keep()
    van.keeper.forget("station")
