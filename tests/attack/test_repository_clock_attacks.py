"""Attacks on the fleet's repository by the clock: set forward, set back, and timestamps that lie about their time."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tuf.api.metadata import Timestamp

from edge.errors import (
    OrderRollback,
    RepositoryRefused,
    RepositoryUnavailable,
)  # fmt: skip
from tests.fake_clock import FakeClock
from tests.made_repository import MadeFleet
from tests.repository_van import STATION, Van, changed


@pytest.fixture(autouse=True)
def no_fsync(monkeypatch: pytest.MonkeyPatch) -> None:
    """These tests are about what is believed; that it is on disk is another's promise."""
    monkeypatch.setattr(os, "fsync", lambda _: None)


@pytest.fixture
def fleet(tmp_path: Path) -> MadeFleet:
    made = MadeFleet(tmp_path / "repo", FakeClock())
    made.publish_order()
    return made


@pytest.fixture
def van(tmp_path: Path, fleet: MadeFleet) -> Van:
    return Van(tmp_path / "van", fleet)


def test_clock_set_forward_refuses_what_is_new_and_destroys_nothing(fleet: MadeFleet, van: Van):
    van.act()
    fleet.clock.advance(7200)
    with pytest.raises(RepositoryUnavailable, match="nothing in date"):
        van.repository.refresh()
    assert van.repository.kept().order(STATION).data == fleet.order_bytes(
        begins=fleet.clock.now_utc() + timedelta(hours=2)
    )
    fleet.repository.refresh_timestamp(fleet.online)
    assert van.repository.refresh().made_at_utc <= fleet.clock.now_utc()


def test_clock_set_back_brings_no_older_repository_back(fleet: MadeFleet, van: Van):
    van.courier.freeze()
    old = van.courier.frozen
    van.courier.frozen = None
    fleet.clock.advance(3600)
    fleet.publish_order(fleet.order_bytes(version=2))
    van.act()
    fleet.clock.advance(-3600)
    van.courier.frozen = old
    van.lose("kept.json")
    with pytest.raises(OrderRollback):
        van.repository.refresh()


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"made_at_utc": "2025-01-01T00:16:40.000Z"},
        {"made_at_utc": "2025-01-01T00:16:40.000Z", "staleness_s": 86_401},
        {"made_at_utc": "2025-01-01T00:16:40.000Z", "staleness_s": True},
        {"made_at_utc": "2025-01-01T00:16:41.000Z", "staleness_s": 900},
        {"made_at_utc": "2025-13-01T00:16:40.000Z", "staleness_s": 900},
        {"made_at_utc": 5, "staleness_s": 900},
        {"made_at_utc": "2025-01-01T00:16:40.000Z", "staleness_s": 900, "x": 1},
    ],
)
def test_timestamp_that_serves_longer_than_it_says_is_refused(fleet: MadeFleet, van: Van, fields: dict[str, Any]):
    data = fleet.repository.files()["metadata/timestamp.json"]

    def change(timestamp: Timestamp) -> None:
        timestamp.unrecognized_fields = fields

    van.courier.lies = {"metadata/timestamp.json": changed(data, change, "timestamp")}
    with pytest.raises(RepositoryRefused, match="timestamp"):
        van.repository.refresh()
