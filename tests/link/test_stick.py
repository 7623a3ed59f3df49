"""The stick: read by strict names, no link followed; what the van leaves lies there whole."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import pytest

from edge.link.leaving import INTERVAL_S, Leaving
from edge.link.outbox import Outbox, Row
from edge.link.stick import Stick
from edge.wire import FILE_MAX_BYTES
from tests.link.rig import DEVICE, FakeClock


def row(number: int, channel: str = "records") -> Row:
    return Row(f"event-{number}", channel, "topic", "market", number, "2099-01-01T00:00:00.000Z", b"%d" % number)


@pytest.mark.parametrize("name", ["../secret", "a/../../secret", "/etc/passwd", "a/.x", "A", "", "a\0b", "from_vans"])
def test_path_traversal_by_name_reads_nothing(tmp_path: Path, name: str):
    (tmp_path / "secret").write_bytes(b"secret")
    (tmp_path / "stick" / "a").mkdir(parents=True)
    assert Stick(tmp_path / "stick", DEVICE).read(name) is None


def test_a_link_on_the_stick_is_not_followed_as_a_file_nor_as_a_folder(tmp_path: Path):
    (tmp_path / "secret").write_bytes(b"secret")
    stick = tmp_path / "stick"
    (stick / "metadata").mkdir(parents=True)
    (stick / "metadata" / "1.root.json").symlink_to(tmp_path / "secret")
    (stick / "deployments").symlink_to(tmp_path)
    assert Stick(stick, DEVICE).read("metadata/1.root.json") is None
    assert Stick(stick, DEVICE).read("deployments/secret") is None


def test_a_pipe_a_folder_and_a_file_too_large_are_no_files(tmp_path: Path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    (tmp_path / "large").write_bytes(bytes(FILE_MAX_BYTES + 1))
    (tmp_path / "fits").write_bytes(bytes(FILE_MAX_BYTES))
    stick = Stick(tmp_path, DEVICE)
    assert [stick.read(name) for name in ("pipe", "folder", "large", "absent")] == [None] * 4
    assert stick.read("fits") == bytes(FILE_MAX_BYTES)


def test_a_link_in_the_place_of_what_the_van_leaves_is_not_written_through(tmp_path: Path):
    outside = tmp_path / "outside"
    outside.mkdir()
    stick = tmp_path / "stick"
    (stick / "from-vans").mkdir(parents=True)
    (stick / "from-vans" / DEVICE).symlink_to(outside)
    with pytest.raises(OSError, match=r"(?i)directory|symbolic"):
        Stick(stick, DEVICE).leave("keys.json", b"stock")
    assert os.listdir(outside) == []


def test_the_newest_stock_and_the_records_are_left_once_and_go_on_waiting(tmp_path: Path):
    clock = FakeClock()
    outbox = Outbox(tmp_path / "outbox.sqlite", 100, 1.0, clock)
    outbox.insert(row(1))
    outbox.insert(row(2, channel="alerts"))
    stick = tmp_path / "stick"
    leaving = Leaving(Stick(stick, DEVICE), outbox, clock)
    leaving.tick(b"stock 1")
    assert not stick.exists()
    stick.mkdir()
    clock.advance(INTERVAL_S)
    leaving.tick(b"stock 1")
    left = stick / "from-vans" / DEVICE
    assert {each.name: each.read_bytes() for each in left.iterdir()} == {"keys.json": b"stock 1", "event-1.json": b"1"}
    (left / "event-1.json").write_bytes(b"as it was")
    outbox.insert(row(3))
    clock.advance(INTERVAL_S)
    leaving.tick(b"stock 2")
    assert (left / "keys.json").read_bytes() == b"stock 2"
    assert (left / "event-1.json").read_bytes() == b"as it was"
    assert (left / "event-3.json").read_bytes() == b"3"
    assert outbox.queued == 3
    outbox.close()


def test_a_stick_put_in_again_gets_the_stock_again(tmp_path: Path):
    clock = FakeClock()
    outbox = Outbox(tmp_path / "outbox.sqlite", 100, 1.0, clock)
    leaving = Leaving(Stick(tmp_path / "stick", DEVICE), outbox, clock)
    for folder in (True, False, True):
        if folder:
            (tmp_path / "stick").mkdir()
        else:
            (tmp_path / "stick").rename(tmp_path / "taken away")
        clock.utc += timedelta(seconds=1)
        clock.advance(INTERVAL_S)
        leaving.tick(b"stock")
    assert (tmp_path / "stick" / "from-vans" / DEVICE / "keys.json").read_bytes() == b"stock"
    outbox.close()


def test_a_stick_that_takes_nothing_is_counted_and_survived(tmp_path: Path):
    clock = FakeClock()
    outbox = Outbox(tmp_path / "outbox.sqlite", 100, 1.0, clock)
    (tmp_path / "stick").mkdir()
    (tmp_path / "stick" / "from-vans").write_bytes(b"a file in the way")
    leaving = Leaving(Stick(tmp_path / "stick", DEVICE), outbox, clock)
    leaving.tick(b"stock")
    assert leaving.errors == 1
    outbox.close()
