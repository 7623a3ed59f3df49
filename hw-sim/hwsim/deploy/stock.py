"""The van's stock of keys, as its fleet hears it: the signed, retained message under the van's own topic."""

from __future__ import annotations

import queue
from typing import Any

import paho.mqtt.client as mqtt

from edge.errors import LfrError
from edge.formats.receipts import KeyStock, StockedKey
from edge.formats.topics import KEYS, device_topic
from edge.trust.envelope import unwrap
from hwsim.errors import DeploymentBroken
from provisioning.authority import Certificate
from provisioning.publish import tls_context


def await_key(
    host: str, port: int, admin: Certificate, fleet: str, device: str, key_hex: str, wait_s: float
) -> StockedKey:
    """An unused one-deployment key of the van's. Raises: DeploymentBroken when none comes in time."""
    heard: queue.Queue[bytes] = queue.Queue()
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
    client.tls_set_context(tls_context(admin.ca_file, admin.cert_file, admin.key_file))
    topic = device_topic(fleet, device, KEYS)

    def on_connect(connected: mqtt.Client, *_: Any) -> None:
        connected.subscribe(topic, qos=1)

    client.on_connect = on_connect
    client.on_message = lambda _client, _data, message: heard.put(bytes(message.payload))
    client.connect(host, port)
    client.loop_start()
    try:
        stock = unwrap(heard.get(timeout=wait_s), KeyStock, {key_hex})
    except queue.Empty:
        raise DeploymentBroken(f"{device} published no stock of keys in {wait_s:.0f} s") from None
    except LfrError as error:
        raise DeploymentBroken(f"{device}'s stock of keys is refused: {error}") from None
    finally:
        client.disconnect()
        client.loop_stop()
    if not stock.keys:
        raise DeploymentBroken(f"{device} has no key left for a deployment")
    return stock.keys[0]
