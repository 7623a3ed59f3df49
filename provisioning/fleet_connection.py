"""The fleet's connection to the broker: events into a bounded queue, retained messages out."""

from __future__ import annotations

import queue
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from edge.config_file import BrokerSettings
from edge.errors import BrokerUnreachable, KeyFileInvalid

PACKET_MAX_BYTES = 128 * 1024
QUEUE_MAX = 20_000
UNANSWERED_MAX = 100
RECONNECT_FIRST_S = 1


@dataclass(frozen=True)
class Up:
    """Connected, and subscribed to what is wanted."""


@dataclass(frozen=True)
class Down:
    """Not connected, and why."""

    why: str


@dataclass(frozen=True)
class Message:
    """Something that came. retained: it lay on the broker."""

    topic: str
    payload: bytes
    retained: bool


@dataclass(frozen=True)
class Answered:
    """The broker's answer to a message: None when it took it."""

    name: str
    refusal: str | None


Event = Up | Down | Message | Answered


class FleetConnection:
    """Connects again by itself; whoever uses it takes events from `next_event`."""

    def __init__(self, settings: BrokerSettings, filters: Sequence[str]) -> None:
        """Raises: KeyFileInvalid."""
        self._settings = settings
        self._filters = tuple(filters)
        self._events: queue.Queue[Event] = queue.Queue(QUEUE_MAX)
        self._unanswered: dict[int, str] = {}
        self.dropped = 0
        self._client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
        self._client.tls_set_context(_tls_context(settings))
        self._client.reconnect_delay_set(RECONNECT_FIRST_S, max(RECONNECT_FIRST_S, int(settings.reconnect_max_s)))
        self._client.max_inflight_messages_set(UNANSWERED_MAX)
        self._client.on_connect = self._on_connect
        self._client.on_connect_fail = lambda *_: self._put(Down("nothing answers"))
        self._client.on_disconnect = self._on_disconnect
        self._client.on_message = self._on_message
        self._client.on_publish = self._on_publish

    def start(self) -> None:
        """Begin to connect. Raises: BrokerUnreachable for a host that is no name."""
        properties = Properties(PacketTypes.CONNECT)
        properties.MaximumPacketSize = PACKET_MAX_BYTES
        try:
            self._client.connect_async(
                self._settings.host,
                self._settings.port,
                keepalive=self._settings.keepalive_s,
                clean_start=True,
                properties=properties,
            )
        except ValueError as error:
            raise BrokerUnreachable(f"broker {self._settings.host}: {error}") from None
        self._client.loop_start()

    def stop(self) -> None:
        """Say goodbye and end."""
        self._client.disconnect()
        self._client.loop_stop()

    def next_event(self, timeout_s: float) -> Event | None:
        """The next thing that happened; None when nothing did in time."""
        try:
            return self._events.get(timeout=max(timeout_s, 0.001))
        except queue.Empty:
            return None

    @property
    def unanswered(self) -> int:
        """Messages that the broker has not answered yet."""
        return len(self._unanswered)

    def retain(self, name: str, topic: str, data: bytes, expiry_s: int | None) -> bool:
        """Publish a retained message, QoS 1; whether it could be handed over. Without data: clear it."""
        properties = None
        if data:
            properties = Properties(PacketTypes.PUBLISH)
            properties.MessageExpiryInterval = expiry_s
        info = self._client.publish(topic, data, qos=1, retain=True, properties=properties)
        if info.rc != mqtt.MQTT_ERR_SUCCESS:
            return False
        self._unanswered[info.mid] = name
        if info.is_published():  # answered before we had written down what for
            self._unanswered.pop(info.mid, None)
        return True

    def subscribe(self, topic_filter: str) -> None:
        """Have retained messages sent, too."""
        self._client.subscribe(topic_filter, qos=1)

    def unsubscribe(self, topic_filter: str) -> None:
        """No more of these."""
        self._client.unsubscribe(topic_filter)

    def _on_connect(self, client: mqtt.Client, _: Any, flags: Any, reason: Any, properties: Any) -> None:
        if reason.is_failure:
            self._put(Down(f"the broker refuses us: {reason}"))
            return
        self._unanswered.clear()
        client.subscribe([(each, mqtt.SubscribeOptions(qos=1)) for each in self._filters])
        self._put(Up())

    def _on_disconnect(self, client: mqtt.Client, _: Any, flags: Any, reason: Any, properties: Any) -> None:
        self._put(Down(f"connection lost: {reason}"))

    def _on_message(self, client: mqtt.Client, _: Any, message: mqtt.MQTTMessage) -> None:
        try:
            topic = message.topic
        except UnicodeDecodeError:
            return
        self._put(Message(topic, bytes(message.payload), bool(message.retain)))

    def _on_publish(self, client: mqtt.Client, _: Any, message_id: int, reason: Any, properties: Any) -> None:
        name = self._unanswered.pop(message_id, None)
        if name is not None:
            self._put(Answered(name, str(reason) if reason.is_failure else None))

    def _put(self, event: Event) -> None:
        try:
            self._events.put_nowait(event)
        except queue.Full:
            self.dropped += 1


def _tls_context(settings: BrokerSettings) -> ssl.SSLContext:
    """Raises: KeyFileInvalid, with the file."""
    ca_file, cert_file, key_file = settings.ca_file, settings.cert_file, settings.key_file
    for path in (ca_file, cert_file, key_file):
        if not path.is_file():
            raise KeyFileInvalid(f"{path}: no such file")
    try:
        context = ssl.create_default_context(cafile=str(ca_file))
        context.load_cert_chain(cert_file, key_file)
    except OSError as error:
        raise KeyFileInvalid(f"{ca_file}, {cert_file} or {key_file}: {error}") from None
    return context
