"""Plain MQTT clients beside a van: the room, the fleet, or an attacker."""

from __future__ import annotations

import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import paho.mqtt.client as paho
from hwsim.broker import Broker

from edge.config_file import BrokerSettings
from edge.formats.topics import ALERTS, HEALTH, RECEIPTS, RECORDS, STATE, all_devices_topic, device_topic, repo_topic
from provisioning.authority import Certificate
from provisioning.fleet_connection import Answered, FleetConnection, Up
from tests.link.rig import ADMIN, DEVICE, FLEET, PATIENCE_S, ROOM, Log, Site, new_receipt

EXPIRY_S = 3600


@dataclass(frozen=True)
class Heard:
    """A message as a subscriber got it."""

    topic: str
    payload: bytes
    retained: bool
    expiry_s: int | None = None


class Peer:
    """A plain MQTT client with a certificate: the room, the fleet, or an attacker."""

    def __init__(self, site: Site, certificate: Certificate, client_id: str | None = None, *topics: str) -> None:
        self.heard = Log()
        self.events = Log()
        self._client = paho.Client(
            paho.CallbackAPIVersion.VERSION2, client_id=client_id or certificate.identity, protocol=paho.MQTTv5
        )
        context = ssl.create_default_context(cafile=str(certificate.ca_file))
        context.load_cert_chain(certificate.cert_file, certificate.key_file)
        self._client.tls_set_context(context)
        self._client.reconnect_delay_set(1, 1)
        self._topics = topics
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = lambda *_: self.events.add("subscribed")
        self._client.on_disconnect = lambda client, _, flags, reason, properties: self.events.add(f"ended: {reason}")
        self._client.on_publish = lambda client, _, mid, reason, properties: self.events.add((mid, str(reason)))
        self._client.on_message = self._on_message
        self._client.connect(Broker.host, site.broker.port, keepalive=5, clean_start=True)
        self._client.loop_start()
        self.events.wait(lambda items: "subscribed" in items if topics else "connected" in items, "peer")

    def post(self, topic: str, payload: bytes) -> None:
        """Publish without waiting for an answer."""
        self._client.publish(topic, payload, qos=1)

    def publish(self, topic: str, payload: bytes, retain: bool = False) -> str:
        """Publish, and what the broker said to it."""
        message_id = self._client.publish(topic, payload, qos=1, retain=retain).mid
        items = self.events.wait(
            lambda items: any(isinstance(each, tuple) and each[0] == message_id for each in items), topic
        )
        return next(each[1] for each in items if isinstance(each, tuple) and each[0] == message_id)

    def ask(self, topic: str) -> None:
        """Subscribe without waiting for an answer."""
        self._client.subscribe(topic, qos=1)

    def subscribe(self, topic: str) -> None:
        before = self.events.all().count("subscribed")
        self._client.subscribe(topic, qos=1)
        self.events.wait(lambda items: items.count("subscribed") > before, topic)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _on_connect(self, *_: Any) -> None:
        self.events.add("connected")
        for topic in self._topics:
            self._client.subscribe(topic, qos=1)

    def _on_message(self, client: paho.Client, _: Any, message: paho.MQTTMessage) -> None:
        expiry_s = getattr(message.properties, "MessageExpiryInterval", None)
        self.heard.add(Heard(message.topic, bytes(message.payload), bool(message.retain), expiry_s))


def publish_files(site: Site, files: Mapping[str, bytes]) -> None:
    """Repository files by name, as a fleet publishes them; the broker has them when this returns."""
    own = site.certificate(ADMIN)
    settings = BrokerSettings(
        host="localhost", port=site.broker.port, ca_file=own.ca_file, cert_file=own.cert_file, key_file=own.key_file
    )
    connection = FleetConnection(settings, [all_devices_topic(FLEET, STATE)])
    connection.start()
    waiting = set(files)
    try:
        while waiting:
            event = connection.next_event(PATIENCE_S)
            assert event is not None, f"{len(waiting)} files were not taken"
            if isinstance(event, Up):
                assert all(connection.retain(name, repo_topic(FLEET, name), files[name], EXPIRY_S) for name in waiting)
            elif isinstance(event, Answered):
                assert event.refusal is None, event
                waiting.discard(event.name)
    finally:
        connection.stop()


class RoomPeer(Peer):
    """A control room: hears every device; answers when asked to."""

    def __init__(self, site: Site) -> None:
        self._site = site
        channels = (ALERTS, RECORDS, HEALTH, STATE)
        super().__init__(site, site.certificate(ROOM), None, *(all_devices_topic(FLEET, each) for each in channels))

    def wait_alerts(self, *event_ids: str) -> None:
        self.heard.wait(lambda items: set(event_ids) <= set(_alert_ids(items)), "alerts")

    def alert_ids(self) -> list[str]:
        """Ids of the alerts heard, in order, repetitions included."""
        return _alert_ids(self.heard.all())

    def acknowledge(self, *event_ids: str) -> None:
        self.publish(device_topic(FLEET, DEVICE, RECEIPTS), new_receipt(self._site.room_key, list(event_ids)))

    def wait_state(self, state: str) -> dict[str, Any]:
        items = self.heard.wait(lambda items: any(each["state"] == state for each in _states(items)), state)
        return next(each for each in reversed(_states(items)) if each["state"] == state)

    def states(self) -> list[dict[str, Any]]:
        return _states(self.heard.all())


def _alert_ids(items: list[Heard]) -> list[str]:
    return [json.loads(each.payload)["id"] for each in items if each.topic.endswith("/alerts")]


def _states(items: list[Heard]) -> list[dict[str, Any]]:
    return [json.loads(each.payload) for each in items if each.topic.endswith("/state")]
