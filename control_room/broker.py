"""The room's connection: MQTT 5 over mutual TLS, driven by one thread, tried again with backoff and jitter."""

from __future__ import annotations

import random
import ssl
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

import paho.mqtt.client as mqtt
from cryptography import x509
from cryptography.x509.oid import NameOID
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from edge.clock import Clock
from edge.config_file import BrokerSettings
from edge.errors import ConfigInvalid

CONNECT_TIMEOUT_S = 5.0
PACKET_MAX_BYTES = 256 * 1024
"""Above our own cap of 32 KB, so that an oversized message is seen, and refused aloud; the broker drops larger ones."""

FIRST_WAIT_S = 0.5
STEADY_AFTER_S = 5.0
"""A connection that lived this long makes the next wait short again."""


def identity_of(cert_file: Path) -> tuple[str, datetime]:
    """Common name and end of validity of a client certificate. Raises: ConfigInvalid."""
    try:
        certificate = x509.load_pem_x509_certificate(cert_file.read_bytes())
        (name,) = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    except (OSError, ValueError) as error:
        raise ConfigInvalid(f"broker.cert_file: {cert_file}: no certificate with one common name: {error}") from None
    return str(name.value), certificate.not_valid_after_utc


class BrokerConnection:
    """Connects, subscribes, receives in `poll`; what it cannot send now it drops (vans ask again)."""

    def __init__(
        self,
        settings: BrokerSettings,
        client_id: str,
        filters: Sequence[str],
        on_message: Callable[[str, bytes], None],
        on_change: Callable[[bool, str], None],
        clock: Clock,
    ) -> None:
        """on_change: told when the connection is made (True) or lost or refused (False), with why.

        Raises: ConfigInvalid when certificates or key cannot be used.
        """
        self._settings = settings
        self._filters = list(filters)
        self._on_message = on_message
        self._on_change = on_change
        self._clock = clock
        self._random = random.Random()
        self._failures = 0
        self._next_try_s = 0.0
        self._up_since_s: float | None = None
        self._last_why = ""
        self._refusal = ""
        self._answers: dict[int, str | None] = {}
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=client_id, protocol=mqtt.MQTTv5)
        self._client.tls_set_context(_tls_context(settings))
        self._client.connect_timeout = CONNECT_TIMEOUT_S
        self._client.on_connect = self._connected
        self._client.on_message = self._received
        self._client.on_disconnect = self._disconnected
        self._client.on_publish = self._answered

    @property
    def connected(self) -> bool:
        """True from the broker's acceptance until the connection is seen to be gone."""
        return self._up_since_s is not None

    def poll(self, timeout_s: float) -> None:
        """Drive the connection: wait up to timeout_s for messages, or try to connect when that is due."""
        now_s = self._clock.monotonic_s()
        if self._client.socket() is None:
            if now_s < self._next_try_s:
                time.sleep(min(timeout_s, self._next_try_s - now_s))
                return
            self._connect()
            return
        self._client.loop(timeout_s)

    def publish(self, topic: str, payload: bytes) -> bool:
        """Send at QoS 1 if there is a connection; False when there is none."""
        if not self.connected:
            return False
        return self._client.publish(topic, payload, qos=1).rc is MQTTErrorCode.MQTT_ERR_SUCCESS

    def retain(self, topic: str, payload: bytes, expiry_s: int) -> int | None:
        """Have the broker keep a message (QoS 1) so long; what to ask `answer` for, or None without a connection."""
        if not self.connected:
            return None
        properties = Properties(PacketTypes.PUBLISH)
        properties.MessageExpiryInterval = expiry_s
        info = self._client.publish(topic, payload, qos=1, retain=True, properties=properties)
        if info.rc is not MQTTErrorCode.MQTT_ERR_SUCCESS:
            return None
        self._answers[info.mid] = None
        return info.mid

    def answer(self, message_id: int) -> str | None:
        """What the broker said, once: None: nothing yet; empty: it has the message; else why it refuses it."""
        said = self._answers.get(message_id)
        if said is not None:
            del self._answers[message_id]
        return said

    def close(self) -> None:
        """Say goodbye and leave."""
        if self.connected:
            self._client.disconnect()
            deadline_s = self._clock.monotonic_s() + 1.0
            while self._client.socket() is not None and self._clock.monotonic_s() < deadline_s:
                self._client.loop(0.1)

    def _connect(self) -> None:
        properties = Properties(PacketTypes.CONNECT)
        properties.MaximumPacketSize = PACKET_MAX_BYTES
        try:
            self._client.connect(
                self._settings.host,
                self._settings.port,
                keepalive=self._settings.keepalive_s,
                clean_start=True,
                properties=properties,
            )
        except (OSError, ValueError) as error:  # ssl.SSLError is an OSError; ValueError: a host that is no name
            self._failed(_reason(error))

    def _failed(self, why: str) -> None:
        now_s = self._clock.monotonic_s()
        steady = self._up_since_s is not None and now_s - self._up_since_s >= STEADY_AFTER_S
        self._failures = 1 if steady else self._failures + 1
        longest_s = min(self._settings.reconnect_max_s, FIRST_WAIT_S * 2 ** min(self._failures - 1, 10))
        self._next_try_s = now_s + longest_s * self._random.uniform(0.5, 1.0)
        self._up_since_s = None
        if why != self._last_why:
            self._last_why = why
            self._on_change(False, why)

    def _connected(
        self, client: mqtt.Client, userdata: object, flags: object, reason: ReasonCode, properties: object
    ) -> None:
        if reason.is_failure:
            self._refusal = f"the broker refuses us: {reason}"
            client.disconnect()
            return
        self._up_since_s = self._clock.monotonic_s()
        self._last_why = ""
        if self._filters:
            client.subscribe([(each, mqtt.SubscribeOptions(qos=1)) for each in self._filters])
        self._on_change(True, f"{self._settings.host}:{self._settings.port}")

    def _received(self, client: mqtt.Client, userdata: object, message: mqtt.MQTTMessage) -> None:
        try:
            topic = message.topic
        except UnicodeDecodeError:
            topic = "(a topic that is no text)"
        self._on_message(topic, bytes(message.payload))

    def _answered(
        self, client: mqtt.Client, userdata: object, message_id: int, reason: ReasonCode, properties: object
    ) -> None:
        if message_id in self._answers:
            self._answers[message_id] = str(reason) if reason.is_failure else ""

    def _disconnected(
        self, client: mqtt.Client, userdata: object, flags: object, reason: ReasonCode, properties: object
    ) -> None:
        self._failed(self._refusal or f"connection lost: {reason}")
        self._refusal = ""


def _tls_context(settings: BrokerSettings) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=str(settings.ca_file))
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(str(settings.cert_file), str(settings.key_file))
    except (OSError, ValueError) as error:
        files = f"{settings.ca_file}, {settings.cert_file}, {settings.key_file}"
        raise ConfigInvalid(f"broker: certificates or key cannot be used ({_reason(error)}): {files}") from None
    return context


def _reason(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the broker's certificate is refused: {error.verify_message}"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__
