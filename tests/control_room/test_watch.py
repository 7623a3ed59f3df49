"""`lfr-room watch` as a process, on a real mosquitto with mutual TLS, killed and started again."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import yaml
from hwsim.broker import Broker, Roles

from edge.clock import SystemClock
from edge.trust.keys import read_signing_key
from provisioning.authority import Authority
from tests.control_room.van import FLEET, Van, write_room_bundle
from tests.control_room.watch_rig import PATIENCE_S, RoomProcess, Site, VanLink


@pytest.fixture
def site(tmp_path) -> Iterator[Site]:
    authority = Authority.create(tmp_path / "authority", FLEET)
    broker = Broker(tmp_path / "broker", authority.issue_server(), Roles(FLEET, devices=("van-1",), rooms=("room-1",)))
    key = read_signing_key(authority.device_keys("van-1").signing_key_file)
    van = Van(authority.room_keys("room-1").seal_key_hex, key=key, clock=SystemClock())  # type: ignore[arg-type]
    not_after = SystemClock().now_utc() + timedelta(hours=1)
    write_room_bundle(tmp_path / "bundle" / "list.bundle", van.room_seal_hex, not_after=not_after)
    site = Site(tmp_path, authority, broker, van)
    with broker:
        yield site


@pytest.fixture
def van(site) -> Iterator[VanLink]:
    link = VanLink(site)
    yield link
    link.vanish()


@pytest.fixture
def start(site) -> Iterator[Callable[..., RoomProcess]]:
    started: list[RoomProcess] = []

    def start_room(config: Path | None = None) -> RoomProcess:
        started.append(RoomProcess(site, config))
        return started[-1]

    yield start_room
    for room in started:
        if room.process.poll() is None:
            room.kill()


def test_alerts_come_through_the_broker_are_receipted_and_shown_once(site, van, start):
    room = start()
    sent = [van.alert() for _ in range(5)]
    van.wait_until_receipted()
    room.wait_for_alert(sent[-1])
    assert room.stop() == 0
    assert sorted(room.alerts) == sent
    lines = site.saved_alerts()
    assert sorted(line["event_id"] for line in lines) == sent
    assert {line["reference"] for line in lines} == {"entry 1"}
    assert all((site.saved / line["crop"]).exists() for line in lines)


def test_a_stopped_room_says_what_it_came_to_and_exits_cleanly(site, van, start):
    room = start()
    event_id = van.alert()
    room.wait_for_alert(event_id)
    room.process.send_signal(signal.SIGINT)
    assert "1 alerts" in room.wait_for_notice("room", "stopped")["text"]
    assert room.process.wait(PATIENCE_S) == 0
    assert room.process.stderr.read() == ""


def test_without_a_broker_at_start_the_room_waits_for_it(site, start):
    port = site.broker.port
    site.broker.stop()
    room = start()
    room.wait_for_notice("broker", "no connection")
    site.broker.start()
    assert site.broker.port == port
    room.wait_for_notice("broker", "connected")
    van = VanLink(site)
    room.wait_for_alert(van.alert())
    van.vanish()
    assert room.stop() == 0


def test_a_broker_killed_and_started_again_loses_and_doubles_nothing(site, van, start):
    room = start()
    sent = [van.alert() for _ in range(3)]
    room.wait_for_alert(sent[-1])
    site.broker.kill()
    sent += [van.alert() for _ in range(3)]
    room.wait_for_notice("broker", "no connection")
    site.broker.start()
    sent += [van.alert() for _ in range(3)]
    van.wait_until_receipted()
    waiting = set(sent) - set(room.alerts)
    while waiting - set(room.alerts):
        room.wait_for(lambda line: line["kind"] == "alert")
    assert room.stop() == 0
    assert sorted(line["event_id"] for line in site.saved_alerts()) == sent
    assert sorted(room.alerts) == sent


def test_a_room_killed_again_and_again_records_every_alert_once(site, van, start):
    sent: list[str] = []
    rooms = []
    for _ in range(4):
        room = start()
        rooms.append(room)
        room.wait_for_notice("broker", "connected")
        sent += [van.alert() for _ in range(10)]
        room.wait_for(lambda line: line["kind"] == "alert")  # in the midst of receiving and showing
        room.kill()
    last = start()
    rooms.append(last)
    van.wait_until_receipted()
    final = van.alert()
    last.wait_for_alert(final)
    assert last.stop() == 0
    assert sorted(line["event_id"] for line in site.saved_alerts()) == sorted([*sent, final])
    shown = [event_id for room in rooms for event_id in room.alerts]
    assert set(shown) == {*sent, final}
    assert len(shown) - len(set(shown)) <= 4, "at most the one in hand at each kill, and that says so"


def test_a_van_that_vanishes_is_told_as_lost(site, start):
    room = start()
    van = VanLink(site)
    room.wait_for_notice("state", "watching")
    van.vanish()
    room.wait_for_notice("state", "lost")
    assert room.stop() == 0


def test_an_expired_certificate_of_the_room_is_said_and_does_not_end_it(site, start):
    room = start(site.config(room_valid_for=timedelta(days=-1)))
    room.wait_for_notice("broker", "own certificate ended")
    room.wait_for_notice("broker", "no connection")
    assert room.stop() == 0


def test_a_broker_of_another_authority_is_refused(site, tmp_path, start):
    other = Authority.create(tmp_path / "other", FLEET)
    config = yaml.safe_load(site.config().read_text())
    config["broker"]["ca_file"] = str(other.ca_file)
    (site.folder / "room.yaml").write_text(yaml.safe_dump(config))
    room = start(site.folder / "room.yaml")
    room.wait_for_notice("broker", "certificate is refused")
    assert room.stop() == 0


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "control_room.cli", "watch", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False)


def test_a_second_room_on_the_same_state_is_refused_with_exit_code_3(site, start):
    room = start()
    room.wait_for_notice("broker", "connected")
    second = run("--config", str(site.folder / "room.yaml"))
    assert (second.returncode, "stop that one first" in second.stderr) == (3, True)


def test_every_mistake_in_room_yaml_is_reported_at_once_with_exit_code_2(site):
    path = site.config(retention_h=-1, colour="red", devices={"Van 1": "zz"})
    done = run("--config", str(path))
    assert done.returncode == 2
    for mistake in ("retention_h", "colour: unknown key", "devices.Van 1"):
        assert mistake in done.stderr


def test_a_missing_key_is_named_with_exit_code_2(site):
    done = run("--config", str(site.config(seal_key_file="nowhere.key")))
    assert (done.returncode, "nowhere.key" in done.stderr) == (2, True)


def test_a_reader_that_goes_away_ends_the_room_with_exit_code_1(site):
    room = subprocess.Popen(
        [sys.executable, "-m", "control_room.cli", "watch", "--json", "--config", str(site.config())],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    room.stdout.readline()
    room.stdout.close()
    van = VanLink(site)
    van.alert()
    assert room.wait(PATIENCE_S) == 1
    van.vanish()
    assert b"nobody reads" in room.stderr.read()
    room.stderr.close()
