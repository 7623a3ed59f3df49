"""The outbox alone: what ends a row, what never does, and what damage costs."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.clock import utc_text
from edge.errors import OutboxBusy, OutboxFull
from edge.link.outbox import SET_ASIDE_MAX, Outbox, Row
from tests.link.rig import FakeClock, new_event_id

ROOM_KEY = "ab" * 32


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "outbox.sqlite"


def _open(path: Path, clock: FakeClock, rows_max: int = 100) -> Outbox:
    return Outbox(path, rows_max, resend_s=5.0, clock=clock)


def _row(clock: FakeClock, kept_for_s: float = 3600, deployment: str = "deployment-1") -> Row:
    expires_at_utc = utc_text(clock.now_utc() + timedelta(seconds=kept_for_s))
    return Row(new_event_id(), "alerts", "lfr/v1/f/devices/d/alerts", deployment, 1, expires_at_utc, b"payload")


def test_a_row_is_there_after_a_reopening(path: Path, clock: FakeClock):
    row = _row(clock)
    outbox = _open(path, clock)
    assert outbox.insert(row)
    outbox.close()
    again = _open(path, clock)
    assert again.queued == 1
    assert again.due(10) == [row]


def test_the_same_event_is_one_row_and_the_first_stays(path: Path, clock: FakeClock):
    outbox, row = _open(path, clock), _row(clock)
    assert outbox.insert(row)
    assert not outbox.insert(replace(row, payload=b"another"))
    assert [each.payload for each in outbox.due(10)] == [b"payload"]


def test_a_receipt_ends_the_rows_of_its_deployment_alone(path: Path, clock: FakeClock):
    outbox = _open(path, clock)
    ours, other = _row(clock), _row(clock, deployment="deployment-2")
    outbox.insert(ours)
    outbox.insert(other)
    assert outbox.settle([ours.event_id, other.event_id], ["deployment-1"]) == 1
    assert outbox.due(10) == [other]


def test_retention_ends_rows_and_the_count_survives_a_restart(path: Path, clock: FakeClock):
    outbox = _open(path, clock)
    outbox.insert(_row(clock, kept_for_s=10))
    outbox.insert(_row(clock, kept_for_s=20))
    clock.advance(9)
    assert outbox.expire() == 0
    clock.advance(2)
    assert outbox.expire() == 1
    outbox.close()
    again = _open(path, clock)
    assert (again.queued, again.expired) == (1, 1)
    clock.advance(60)
    assert again.expire() == 1
    assert (again.queued, again.expired) == (0, 2)


def test_a_row_without_a_receipt_is_due_again_with_doubling_waits_up_to_twelve_times(path: Path, clock: FakeClock):
    outbox, row = _open(path, clock), _row(clock, kept_for_s=10_000)
    outbox.insert(row)
    waits = []
    for _ in range(7):
        assert outbox.due(1) == [row]
        outbox.sent(row.event_id)
        waited = 0
        while not outbox.due(1):
            clock.advance(1)
            waited += 1
        waits.append(waited)
    assert waits == [5, 10, 20, 40, 60, 60, 60]


def test_a_new_connection_makes_every_row_due_the_oldest_first(path: Path, clock: FakeClock):
    outbox, rows = _open(path, clock), [_row(clock) for _ in range(5)]
    for row in rows:
        outbox.insert(row)
        outbox.sent(row.event_id)
    assert outbox.due(10) == []
    outbox.all_due()
    assert outbox.due(10) == rows
    assert outbox.due(2, without=[rows[0].event_id]) == rows[1:3]


def test_a_full_outbox_refuses_new_rows_and_keeps_the_old(path: Path, clock: FakeClock):
    outbox = _open(path, clock, rows_max=2)
    rows = [_row(clock), _row(clock)]
    for row in rows:
        outbox.insert(row)
    with pytest.raises(OutboxFull, match="at most 2"):
        outbox.insert(_row(clock))
    assert not outbox.insert(rows[0])
    assert outbox.due(10) == rows


def test_a_second_link_on_the_same_folder_is_refused_and_harms_nothing(path: Path, clock: FakeClock):
    outbox = _open(path, clock)
    outbox.insert(_row(clock))
    with pytest.raises(OutboxBusy, match="another link half"):
        _open(path, clock)
    assert outbox.queued == 1
    assert outbox.set_aside == 0


@pytest.mark.parametrize("damage", ["garbage", "zeroed_page", "newer_schema"])
def test_a_damaged_file_is_set_aside_and_counted(path: Path, clock: FakeClock, damage: str, caplog):
    outbox = _open(path, clock)
    for _ in range(50):
        outbox.insert(_row(clock))
    outbox.close()
    if damage == "garbage":
        path.write_bytes(b"this is no database, and long enough to be read as one" * 100)
    elif damage == "zeroed_page":
        data = bytearray(path.read_bytes())
        data[4096 : 3 * 4096] = b"\xff" * 2 * 4096
        path.write_bytes(data)
    else:
        with sqlite3.connect(path) as database:
            database.execute("PRAGMA user_version = 99")
        database.close()
    again = _open(path, clock)
    assert (again.queued, again.set_aside) == (0, 1)
    assert "set aside" in caplog.text
    assert again.insert(_row(clock))


def test_only_so_many_damaged_files_are_kept(path: Path, clock: FakeClock):
    for _ in range(SET_ASIDE_MAX + 2):
        path.write_bytes(b"no database" * 500)
        outbox = _open(path, clock)
        outbox.close()
        clock.advance(1)
    assert outbox.set_aside == SET_ASIDE_MAX


def test_the_receipt_keys_of_many_old_deployments_are_forgotten_but_not_while_rows_wait(path: Path, clock: FakeClock):
    outbox = _open(path, clock)
    outbox.open_deployment("deployment-1", ROOM_KEY)
    outbox.insert(_row(clock))
    for number in range(100):
        outbox.open_deployment(f"later-{number}", f"{number:064x}")
    known = outbox.deployments_by_key()
    assert known[ROOM_KEY] == ["deployment-1"]
    assert len(known) <= 18


@settings(max_examples=30, deadline=None)
@given(steps=st.lists(st.sampled_from(["insert", "send", "settle", "expire", "reopen", "connect"]), max_size=30))
def test_the_count_of_rows_is_always_the_rows_that_are_there(tmp_path_factory, steps: list[str]):
    clock = FakeClock()
    path = tmp_path_factory.mktemp("outbox") / "outbox.sqlite"
    outbox, inserted = _open(path, clock, rows_max=12), 0
    settled = 0
    for step in steps:
        if step == "insert" and outbox.queued < 12:
            inserted += outbox.insert(_row(clock, kept_for_s=30))
        elif step == "send":
            for row in outbox.due(3):
                outbox.sent(row.event_id)
        elif step == "settle":
            settled += outbox.settle([each.event_id for each in outbox.due(2)], ["deployment-1"])
        elif step == "expire":
            clock.advance(11)
            outbox.expire()
        elif step == "connect":
            outbox.all_due()
        elif step == "reopen":
            outbox.close()
            outbox = _open(path, clock, rows_max=12)
        assert outbox.queued == inserted - settled - outbox.expired
    outbox.all_due()
    assert len(outbox.due(100)) == outbox.queued
    outbox.close()
