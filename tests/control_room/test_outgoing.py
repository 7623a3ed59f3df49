"""`lfr-room suspend`: signed by the room, published by whoever holds its one connection."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from control_room import cli, outgoing, suspend
from control_room.outgoing import Outgoing
from edge.errors import DocumentInvalid
from edge.formats.commands import Command
from edge.formats.topics import COMMANDS, device_topic
from edge.trust.documents import public_hex
from edge.trust.envelope import unwrap
from tests.control_room.test_watch import site, start
from tests.control_room.watch_rig import RoomProcess, Site
from tests.fake_clock import FakeClock

__all__ = ["site", "start"]
KEY = Ed25519PrivateKey.generate()


class Broker:
    """Answers what it is told to."""

    def __init__(self, says: str | None = "") -> None:
        self.connected = True
        self.says = says
        self.kept: list[tuple[str, bytes, int]] = []

    def retain(self, topic: str, payload: bytes, expiry_s: int) -> int | None:
        self.kept.append((topic, payload, expiry_s))
        return len(self.kept)

    def answer(self, message_id: int) -> str | None:
        return self.says if message_id > 0 else None


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def folder(tmp_path: Path, said: list[str]) -> Outgoing:
    return Outgoing(tmp_path, "fleet-1", FakeClock(), said.append)


def test_a_suspension_is_signed_by_the_room_and_kept_on_the_broker_as_long_as_it_lives(folder: Outgoing):
    commands = folder.suspend("station-1", ["van-1", "van-2"], "two false alerts", KEY)
    broker = Broker()
    folder.step(broker)
    (topic, payload, expiry_s), _ = broker.kept
    assert topic == device_topic("fleet-1", "van-1", COMMANDS)
    assert unwrap(payload, Command, {public_hex(KEY)}) == commands[0]
    assert expiry_s == 86_400
    folder.step(broker)
    assert folder.waiting(commands) == []


def test_what_the_broker_has_not_answered_waits_and_is_sent_again_on_a_new_connection(folder: Outgoing):
    commands = folder.suspend("station-1", ["van-1"], "two false alerts", KEY)
    broker = Broker(says=None)
    folder.step(broker)
    folder.step(broker)
    assert len(broker.kept) == 1
    broker.connected = False
    folder.step(broker)
    broker.connected = True
    folder.step(broker)
    assert len(broker.kept) == 2
    assert folder.waiting(commands) == ["van-1"]


def test_what_the_broker_refuses_is_told_and_stays(folder: Outgoing, said: list[str]):
    commands = folder.suspend("station-1", ["van-1"], "two false alerts", KEY)
    broker = Broker(says="Not authorized")
    folder.step(broker)
    folder.step(broker)
    assert "the broker refuses its suspension: Not authorized" in said[0]
    assert folder.waiting(commands) == ["van-1"]


def test_numbers_rise_though_the_clock_does_not(folder: Outgoing, tmp_path: Path):
    first = folder.suspend("station-1", ["van-1"], "one", KEY)[0].number
    second = folder.suspend("station-1", ["van-1"], "two", KEY)[0].number
    assert second == first + 1
    (tmp_path / "commands" / "number").write_text("rubbish")
    assert folder.suspend("station-1", ["van-1"], "three", KEY)[0].number == first


def test_a_suspension_that_expired_before_the_broker_had_it_is_dropped_and_told(tmp_path: Path, said: list[str]):
    clock = FakeClock()
    folder = Outgoing(tmp_path, "fleet-1", clock, said.append)
    folder.suspend("station-1", ["van-1"], "two false alerts", KEY)
    clock.advance(86_400)
    broker = Broker()
    folder.step(broker)
    assert broker.kept == []
    assert "expired before the broker had it" in said[0]


def test_a_file_in_the_folder_that_is_no_command_is_told_once_and_stops_nothing(
    folder: Outgoing, tmp_path: Path, said: list[str]
):
    commands = folder.suspend("station-1", ["van-1"], "two false alerts", KEY)
    (tmp_path / "commands" / "a.b.json").write_bytes(b"{}")
    broker = Broker()
    for _ in range(3):
        folder.step(broker)
    assert folder.waiting(commands) == []
    assert sum("not what we wrote" in line for line in said) == 1


def test_a_reason_that_would_draw_on_terminals_is_refused(folder: Outgoing):
    with pytest.raises(DocumentInvalid):
        folder.suspend("station-1", ["van-1"], "\x1b[2J", KEY)


# The command


def run(site: Site, *words: str) -> int:
    return cli.main(["suspend", "market", "--config", str(site.config()), *words])


def test_a_running_watch_publishes_it_and_is_not_cut_off(
    site: Site, start: Callable[..., RoomProcess], capsys: pytest.CaptureFixture[str]
):
    room = start()
    room.wait_for_notice("broker", "connected")
    assert run(site, "--reason", "two false alerts") == 0
    assert "the running lfr-room watch publishes it" in capsys.readouterr().out
    room.wait_for_notice("command", "van-1: the broker has its suspension")
    assert room.stop() == 0


def test_without_a_watch_it_publishes_by_itself(site: Site, capsys: pytest.CaptureFixture[str]):
    assert run(site, "--reason", "two false alerts", "--vans", "van-1") == 0
    assert "the broker has the suspension of van-1" in capsys.readouterr().out


def test_without_a_broker_it_waits_for_the_next_watch(
    site: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(suspend, "BROKER_WAIT_S", 0.3)
    path = site.config()
    site.broker.stop()
    assert cli.main(["suspend", "market", "--config", str(path), "--reason", "two false alerts"]) == 1
    assert "the next lfr-room watch publishes it" in capsys.readouterr().out
    assert list((site.folder / "state" / outgoing.FOLDER).glob("*.json"))


@pytest.mark.parametrize(
    ("words", "says"),
    [(("--reason", "x", "--vans", "van-9"), "no van of room.yaml"), (("--reason", ""), "reason")],
)
def test_what_cannot_be_is_refused_with_exit_code_2(
    site: Site, words: tuple[str, ...], says: str, capsys: pytest.CaptureFixture[str]
):
    assert run(site, *words) == 2
    assert says in capsys.readouterr().err
