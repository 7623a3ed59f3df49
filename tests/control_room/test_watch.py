"""`lfr-room watch` as a process, on a real mosquitto with mutual TLS, killed and started again."""

from __future__ import annotations

import json
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pytest
import yaml
from hwsim.broker import Broker, Roles
from paho.mqtt.enums import CallbackAPIVersion

from edge.clock import SystemClock
from edge.formats.documents import ReceiptDocument
from edge.formats.topics import RECEIPTS, STATE
from edge.trust.envelope import unwrap
from edge.trust.keys import read_signing_key
from provisioning.authority import Authority
from tests.control_room.van import FLEET, Van, write_bundle

PATIENCE_S = 30.0


@dataclass
class Site:
    """Authority, broker (not started), one van's keys, and the room's configuration."""

    folder: Path
    authority: Authority
    broker: Broker
    van: Van

    @property
    def saved(self) -> Path:
        return self.folder / "saved"

    def config(self, room_valid_for: timedelta = timedelta(days=1), **changes: Any) -> Path:
        certificate = self.authority.issue_client("room-1", room_valid_for)
        keys = self.authority.room_keys("room-1")
        content = {
            "fleet": FLEET,
            "state_dir": "state",
            "bundle_dir": "bundle",
            "receipt_key_file": str(keys.signing_key_file),
            "seal_key_file": str(keys.seal_key_file),
            "devices": {"van-1": self.van.public_hex},
            "broker": {
                "host": "localhost",
                "port": self.broker.port or 1,
                "ca_file": str(certificate.ca_file),
                "cert_file": str(certificate.cert_file),
                "key_file": str(certificate.key_file),
                "reconnect_max_s": 0.5,
            },
            **changes,
        }
        path = self.folder / "room.yaml"
        path.write_text(yaml.safe_dump(content))
        return path

    def saved_alerts(self) -> list[dict]:
        return [json.loads(line) for line in (self.saved / "alerts.jsonl").read_text().splitlines()]


@pytest.fixture
def site(tmp_path) -> Iterator[Site]:
    authority = Authority.create(tmp_path / "authority", FLEET)
    broker = Broker(tmp_path / "broker", authority.issue_server(), Roles(FLEET, devices=("van-1",), rooms=("room-1",)))
    write_bundle(tmp_path / "bundle")
    key = read_signing_key(authority.device_keys("van-1").signing_key_file)
    van = Van(authority.room_keys("room-1").seal_key_hex, key=key, clock=SystemClock())  # type: ignore[arg-type]
    site = Site(tmp_path, authority, broker, van)
    with broker:
        yield site


class RoomProcess:
    """`lfr-room watch --json`, its lines read as they come."""

    def __init__(self, site: Site, config: Path | None = None) -> None:
        self._lines: queue.Queue[dict] = queue.Queue()
        self.alerts: list[str] = []
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-m", "control_room.cli", "watch", "--json"),
                *("--config", str(config or site.config()), "--save", str(site.saved)),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._reading = threading.Thread(target=self._read, daemon=True)
        self._reading.start()

    def wait_for(self, wanted: Callable[[dict], bool]) -> dict:
        while True:
            line = self._lines.get(timeout=PATIENCE_S)
            if wanted(line):
                return line

    def wait_for_notice(self, kind: str, text: str) -> dict:
        return self.wait_for(lambda line: line["kind"] == kind and text in line.get("text", ""))

    def wait_for_alert(self, event_id: str) -> dict:
        return self.wait_for(lambda line: line.get("event_id") == event_id)

    def kill(self) -> None:
        self.process.kill()
        self._finish()

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        self._finish()
        return self.process.returncode

    def _finish(self) -> None:
        self.process.wait(PATIENCE_S)
        self._reading.join(PATIENCE_S)
        self.process.stdout.close()
        self.process.stderr.close()

    def _read(self) -> None:
        for text in self.process.stdout:
            line = json.loads(text)
            if line["kind"] == "alert":
                self.alerts.append(line["event_id"])
            self._lines.put(line)


class VanLink:
    """Sends each event until its receipt comes, as the van's link half does."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._room_key = site.authority.room_keys("room-1").signing_key_hex
        self._lock = threading.Lock()
        self._waiting: dict[str, tuple[str, bytes]] = {}
        self._empty = threading.Event()
        self._stop = threading.Event()
        certificate = site.authority.issue_client("van-1")
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="van-1", protocol=mqtt.MQTTv5)
        self._client.tls_set(str(certificate.ca_file), str(certificate.cert_file), str(certificate.key_file))
        self._client.reconnect_delay_set(1, 1)
        self._client.will_set(site.van.topic(STATE), b'{"state":"lost"}', qos=1, retain=True)
        self._client.on_connect = self._connected
        self._client.on_message = self._received
        self._client.connect("localhost", site.broker.port)
        self._client.loop_start()
        self._resender = threading.Thread(target=self._resend, daemon=True)
        self._resender.start()

    def alert(self) -> str:
        topic, payload = self._site.van.alert()
        event_id = json.loads(payload)["id"]
        with self._lock:
            self._empty.clear()
            self._waiting[event_id] = (topic, payload)
        self._client.publish(topic, payload, qos=1)
        return event_id

    def wait_until_receipted(self) -> None:
        assert self._empty.wait(PATIENCE_S), f"{len(self._waiting)} without receipt"

    def vanish(self) -> None:
        self._stop.set()
        self._resender.join()
        self._client.loop_stop()
        self._client._sock_close()

    def _connected(self, client, userdata, flags, reason, properties) -> None:
        client.subscribe(self._site.van.topic(RECEIPTS), qos=1)
        client.publish(self._site.van.topic(STATE), b'{"state":"watching"}', qos=1, retain=True)

    def _received(self, client, userdata, message) -> None:
        receipt = unwrap(message.payload, ReceiptDocument, {self._room_key})
        with self._lock:
            for event_id in receipt.received:
                self._waiting.pop(event_id, None)
            if not self._waiting:
                self._empty.set()

    def _resend(self) -> None:
        while not self._stop.wait(0.3):
            with self._lock:
                waiting = list(self._waiting.values())
            for topic, payload in waiting:
                self._client.publish(topic, payload, qos=1)


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
