"""What the tests of `lfr-room watch` stand on: a site with a broker, the room as a process, a van's sender."""

from __future__ import annotations

import json
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import yaml
from hwsim.broker import Broker
from paho.mqtt.enums import CallbackAPIVersion

from edge.formats.documents import ReceiptDocument
from edge.formats.topics import RECEIPTS, STATE
from edge.trust.envelope import unwrap
from provisioning.authority import Authority
from tests.control_room.van import FLEET, Van

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
