"""Publishing the fleet's repository: each file a retained message with an expiry, cleared at the close."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from edge.errors import BrokerUnreachable, KeyFileInvalid
from edge.formats.topics import repo_topic

CONNECT_TIMEOUT_S = 10.0
ACK_TIMEOUT_S = 30.0


class RepositoryPublisher:
    """The fleet's connection to the broker; a context manager."""

    def __init__(self, host: str, port: int, fleet: str, ca_file: Path, cert_file: Path, key_file: Path) -> None:
        """Raises: KeyFileInvalid."""
        self._fleet = fleet
        self._where = f"{host}:{port}"
        self._address = (host, port)
        self._connected = threading.Event()
        self._refused = ""
        self._refusals: dict[int, str] = {}
        self._client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
        self._client.tls_set_context(tls_context(ca_file, cert_file, key_file))
        self._client.on_connect = self._on_connect
        self._client.on_publish = self._on_publish

    def __enter__(self) -> RepositoryPublisher:
        """Raises: BrokerUnreachable."""
        try:
            self._client.connect(*self._address)
        except OSError as error:
            raise BrokerUnreachable(f"broker {self._where}: {error}") from None
        self._client.loop_start()
        if not self._connected.wait(CONNECT_TIMEOUT_S) or self._refused:
            self.__exit__()
            raise BrokerUnreachable(f"broker {self._where}: {self._refused or 'no answer'}")
        return self

    def __exit__(self, *_: object) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def publish(self, files: Mapping[str, bytes], expiry_s: int) -> None:
        """Publish files by repository name, retained, QoS 1. Raises: BrokerUnreachable when one is not taken."""
        properties = Properties(PacketTypes.PUBLISH)
        properties.MessageExpiryInterval = expiry_s
        self._send((name, data, properties) for name, data in files.items())

    def clear(self, names: Iterable[str]) -> None:
        """Take retained files away. Raises: BrokerUnreachable."""
        self._send((name, b"", None) for name in names)

    def _send(self, messages: Iterable[tuple[str, bytes, Properties | None]]) -> None:
        sent = [
            self._client.publish(repo_topic(self._fleet, name), data, qos=1, retain=True, properties=properties)
            for name, data, properties in messages
        ]
        for info in sent:
            try:
                info.wait_for_publish(ACK_TIMEOUT_S)
            except (RuntimeError, ValueError) as error:  # paho's words for a lost connection and a full queue
                raise BrokerUnreachable(f"broker {self._where}: {error}") from None
            if not info.is_published():
                raise BrokerUnreachable(f"broker {self._where}: a file was not acknowledged in {ACK_TIMEOUT_S:.0f} s")
            if info.mid in self._refusals:
                raise BrokerUnreachable(f"broker {self._where} refuses a file: {self._refusals[info.mid]}")

    def _on_connect(self, _client: Any, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        self._refused = str(reason) if reason.is_failure else ""
        self._connected.set()

    def _on_publish(self, _client: Any, _data: Any, message_id: int, reason: Any, _properties: Any) -> None:
        if reason.is_failure:
            self._refusals[message_id] = str(reason)


def tls_context(ca_file: Path, cert_file: Path, key_file: Path) -> ssl.SSLContext:
    """Raises: KeyFileInvalid, with the file."""
    for path in (ca_file, cert_file, key_file):
        if not path.is_file():
            raise KeyFileInvalid(f"{path}: no such file")
    try:
        context = ssl.create_default_context(cafile=str(ca_file))
        context.load_cert_chain(cert_file, key_file)
    except OSError as error:
        raise KeyFileInvalid(f"{ca_file}, {cert_file} or {key_file}: {error}") from None
    return context
