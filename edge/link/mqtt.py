"""The connection to the broker: MQTT 5 over mutual TLS, one thread that connects, listens and connects again.

Each attempt gets a fresh paho client with clean_start: no queue of the broker's or of paho's is relied on,
a renewed certificate is picked up, and last will and birth carry the same session_seq.
"""

from __future__ import annotations

import contextlib
import logging
import random
import select
import socket
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import paho.mqtt.client as paho
from cryptography import x509
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from edge.clock import Clock
from edge.config import BrokerSettings
from edge.formats.topics import RETAINED_EXPIRY_S
from edge.link.inbox import Acknowledged, Connected, Disconnected, Inbox, Received, SubscriptionRefused

PACKET_MAX_BYTES = 128 * 1024
"""Told to the broker: larger packets are never sent to us (a 200 MB message costs 650 MB, FINDINGS)."""

CONNECT_TIMEOUT_S = 5.0
BACKOFF_FIRST_S = 0.5
STABLE_S = 5.0
"""A connection that held so long starts the backoff anew; two boxes with one identity do not duel at full speed."""
CUT_SHORT_SUSPECT = 3
POLL_S = 1.0

log = logging.getLogger("lfr.link.mqtt")


@dataclass(frozen=True)
class Will:
    """The message that the broker publishes, retained, when it loses us."""

    topic: str
    payload: bytes
    session_seq: int


class BrokerConnection:
    """Publishes and subscribes while connected; what happens goes to the inbox."""

    def __init__(
        self, settings: BrokerSettings, device: str, new_will: Callable[[], Will], inbox: Inbox, clock: Clock
    ) -> None:
        self._settings = settings
        self._device = device
        self._new_will = new_will
        self._inbox = inbox
        self._clock = clock
        self._stopping = threading.Event()
        self._client: paho.Client | None = None
        self._fault = ""
        self._connected_at_s: float | None = None
        self._wake_reader, self._wake_writer = socket.socketpair()
        self._wake_reader.setblocking(False)
        self._wake_writer.setblocking(False)
        self._thread = threading.Thread(target=self._run, name="mqtt", daemon=True)

    def start(self) -> None:
        """Begin to connect; there need be no broker yet."""
        self._thread.start()

    def stop(self, timeout_s: float) -> None:
        """Say goodbye, so that no last will is published, and end."""
        self._stopping.set()
        self._wake()
        self._thread.join(timeout_s)

    def publish(self, topic: str, payload: bytes, retained_s: int = 0) -> int | None:
        """Hand a message (QoS 1) to the broker, which retains it so long; its id for the PUBACK, or None without
        a connection."""
        client = self._client
        if client is None or not client.is_connected():
            return None
        properties = _expiry(PacketTypes.PUBLISH, retained_s) if retained_s else None
        info = client.publish(topic, payload, qos=1, retain=retained_s > 0, properties=properties)
        self._wake()
        return info.mid if info.rc == paho.MQTT_ERR_SUCCESS else None

    def subscribe(self, topic: str) -> int | None:
        """Ask for a topic (QoS 1); an id for the refusal, or None without a connection."""
        client = self._client
        if client is None or not client.is_connected():
            return None
        result, message_id = client.subscribe(topic, qos=1)
        self._wake()
        return message_id if result == paho.MQTT_ERR_SUCCESS else None

    def unsubscribe(self, topic: str) -> None:
        """Stop listening to a topic."""
        client = self._client
        if client is not None and client.is_connected():
            client.unsubscribe(topic)
            self._wake()

    def _run(self) -> None:
        failures = cut_short = 0
        while not self._stopping.is_set():
            self._fault = ""
            self._connected_at_s = None
            try:
                self._converse()
            except (OSError, ValueError) as error:  # ssl.SSLError is an OSError; paho raises ValueError on bad input
                self._fault = self._fault or describe(error, self._settings)
            self._client = None
            if self._stopping.is_set():
                break
            stable, connected = self._held_s() >= STABLE_S, self._connected_at_s is not None
            failures = 0 if stable else failures + 1
            cut_short = cut_short + 1 if connected and not stable else 0
            why = self._certificate_fault() or self._fault or "the broker closed the connection"
            if cut_short >= CUT_SHORT_SUSPECT:
                # mosquitto 2.0 does not say that a session was taken over.
                why += f", {cut_short} times soon after connecting: does another client use this certificate?"
            log.warning("broker %s:%d: %s", self._settings.host, self._settings.port, why)
            self._inbox.put(Disconnected(why))
            longest_s = min(self._settings.reconnect_max_s, BACKOFF_FIRST_S * 2.0 ** min(failures, 16))
            self._stopping.wait(longest_s * (0.5 + 0.5 * random.random()))

    def _converse(self) -> None:
        """One connection, from its first packet to its last. Raises: OSError, ValueError."""
        client = self._new_client()
        client.connect(
            self._settings.host,
            self._settings.port,
            keepalive=self._settings.keepalive_s,
            clean_start=True,
            properties=_connect_properties(),
        )
        self._client = client
        while (connection := client.socket()) is not None:
            # What TLS has already decrypted does not show in select.
            pending = isinstance(connection, ssl.SSLSocket) and connection.pending() > 0
            writing = [connection] if client.want_write() else []
            readable, _, _ = select.select([connection, self._wake_reader], writing, [], 0 if pending else POLL_S)
            if self._wake_reader in readable:
                with contextlib.suppress(BlockingIOError):
                    self._wake_reader.recv(4096)
            if pending or connection in readable:
                client.loop_read()
            if client.want_write():
                client.loop_write()
            client.loop_misc()
            if self._stopping.is_set() and client.is_connected():
                client.disconnect()

    def _new_client(self) -> paho.Client:
        will = self._new_will()
        client = paho.Client(
            paho.CallbackAPIVersion.VERSION2,
            client_id=self._device,
            protocol=paho.MQTTv5,
            reconnect_on_failure=False,
        )
        client.connect_timeout = CONNECT_TIMEOUT_S
        client.tls_set_context(_tls_context(self._settings))
        expiry = _expiry(PacketTypes.WILLMESSAGE, RETAINED_EXPIRY_S)
        client.will_set(will.topic, will.payload, qos=1, retain=True, properties=expiry)
        # With a write handler set, paho leaves all writing to our loop, also when another thread publishes.
        client.on_socket_register_write = _left_to_our_loop
        client.on_log = self._on_log
        client.on_connect = lambda client, _, flags, reason, properties: self._on_connect(will, reason)
        client.on_disconnect = self._on_disconnect
        client.on_publish = self._on_publish
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        return client

    def _on_connect(self, will: Will, reason: Any) -> None:
        if reason.is_failure:
            self._fault = f"the broker refuses us: {reason}"
            return
        self._connected_at_s = self._clock.monotonic_s()
        log.info("broker %s:%d: connected, session %d", self._settings.host, self._settings.port, will.session_seq)
        self._inbox.put(Connected(will.session_seq))

    def _on_disconnect(self, client: paho.Client, _: Any, flags: Any, reason: Any, properties: Any) -> None:
        if flags.is_disconnect_packet_from_server:
            self._fault = f"the broker ended the connection: {reason}"
        elif reason.is_failure and not self._fault:
            self._fault = "connection lost"

    def _on_publish(self, client: paho.Client, _: Any, message_id: int, reason: Any, properties: Any) -> None:
        # 0x10, no matching subscribers, is no failure: the room may come later.
        self._inbox.put(Acknowledged(message_id, str(reason) if reason.is_failure else None))

    def _on_subscribe(self, client: paho.Client, _: Any, message_id: int, reasons: Any, properties: Any) -> None:
        for reason in reasons:
            if reason.is_failure:
                self._inbox.put(SubscriptionRefused(message_id, str(reason)))

    def _on_message(self, client: paho.Client, _: Any, message: paho.MQTTMessage) -> None:
        self._inbox.put_or_drop(Received(message.topic, bytes(message.payload)))

    def _on_log(self, client: paho.Client, _: Any, level: int, text: str) -> None:
        # TLS 1.3 tells a refused certificate only after the handshake, in paho's log and nowhere else.
        if level == paho.MQTT_LOG_ERR and "ALERT" in text.upper():
            self._fault = f"the broker refuses our certificate: {text}"

    def _held_s(self) -> float:
        return 0.0 if self._connected_at_s is None else self._clock.monotonic_s() - self._connected_at_s

    def _certificate_fault(self) -> str:
        path = self._settings.cert_file
        try:
            certificate = x509.load_pem_x509_certificate(path.read_bytes())
        except OSError as error:
            return f"client certificate {path} cannot be read: {error.strerror}"
        except ValueError:
            return f"client certificate {path} is no PEM certificate"
        if certificate.not_valid_after_utc < self._clock.now_utc():
            return (
                f"client certificate {path.name} expired at {certificate.not_valid_after_utc:%Y-%m-%d %H:%M}Z: renew it"
            )
        if certificate.not_valid_before_utc > self._clock.now_utc():
            return f"client certificate {path.name} is not valid yet: is this box's clock right?"
        return ""

    def _wake(self) -> None:
        with contextlib.suppress(BlockingIOError):
            self._wake_writer.send(b"\0")


def describe(error: Exception, settings: BrokerSettings) -> str:
    """What went wrong with a connection attempt, for a field engineer."""
    where = f"{settings.host}:{settings.port}"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the broker's certificate is not good: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return f"TLS with {where} failed: {error.reason or error}"
    if isinstance(error, socket.gaierror):
        return f"host name {settings.host} cannot be resolved"
    if isinstance(error, TimeoutError):
        return f"{where} does not answer"
    if isinstance(error, ConnectionRefusedError):
        return f"nothing listens at {where}"
    if isinstance(error, FileNotFoundError):
        return f"TLS files: one of {settings.ca_file}, {settings.cert_file}, {settings.key_file} is missing"
    return f"{where}: {error}"


def _tls_context(settings: BrokerSettings) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_verify_locations(settings.ca_file)
    context.load_cert_chain(settings.cert_file, settings.key_file)
    return context


def _connect_properties() -> Properties:
    properties = Properties(PacketTypes.CONNECT)
    properties.MaximumPacketSize = PACKET_MAX_BYTES
    properties.ReceiveMaximum = 64
    return properties


def _expiry(packet: int, expiry_s: int) -> Properties:
    properties = Properties(packet)
    properties.MessageExpiryInterval = expiry_s
    return properties


def _left_to_our_loop(client: paho.Client, userdata: Any, connection: Any) -> None:
    """Nothing to do: publish wakes the loop itself."""
