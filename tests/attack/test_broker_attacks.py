"""Attacks at the broker: strangers, stolen names and topics that belong to others."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from hwsim.broker import Broker

from edge.formats.topics import (
    ALERTS,
    COMMANDS,
    HEALTH,
    KEYS,
    RECEIPTS,
    RECORDS,
    STATE,
    all_devices_topic,
    device_topic,
    repo_topic,
)
from provisioning.authority import Authority
from tests.link.peers import Peer
from tests.link.rig import ADMIN, DEVICE, FLEET, OTHER_DEVICE, ROOM, Site, build_site


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    site = build_site(tmp_path)
    with site.broker:
        yield site


def _connect_packet(client_id: bytes) -> bytes:
    body = b"\x00\x04MQTT\x05\x02\x00\x0a\x00" + len(client_id).to_bytes(2, "big") + client_id
    return bytes([0x10, len(body)]) + body


def _handshake(site: Site, context: ssl.SSLContext, client_id: bytes = DEVICE.encode()) -> bytes:
    """What the broker answers to a CONNECT over this TLS context. Raises: OSError when it hangs up."""
    with (
        socket.create_connection((Broker.host, site.broker.port), timeout=10) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as connection,
    ):
        connection.sendall(_connect_packet(client_id))
        return connection.recv(64)


def test_a_client_without_a_certificate_is_refused(site: Site):
    context = ssl.create_default_context(cafile=str(site.authority.ca_file))
    with pytest.raises(OSError, match=r"(?i)alert|reset|eof"):
        _handshake(site, context)


def test_a_client_that_speaks_no_tls_is_refused(site: Site):
    with socket.create_connection((Broker.host, site.broker.port), timeout=10) as plain:
        plain.sendall(_connect_packet(DEVICE.encode()))
        try:
            answer = plain.recv(64)
        except ConnectionResetError:
            answer = b""
    assert not answer.startswith(b"\x20")  # no CONNACK


@pytest.mark.parametrize("fault", ["expired", "another_authority", "self_made_ca"])
def test_a_certificate_that_is_not_good_is_refused(site: Site, tmp_path: Path, fault: str):
    if fault == "expired":
        certificate = site.certificate(DEVICE, valid_for=timedelta(seconds=-1))
    else:
        certificate = Authority.create(tmp_path / "stranger", FLEET).issue_client(DEVICE)
    context = ssl.create_default_context(cafile=str(site.authority.ca_file))
    context.load_cert_chain(certificate.cert_file, certificate.key_file)
    with pytest.raises(OSError, match=r"(?i)alert|reset|eof"):
        _handshake(site, context)


def test_a_server_certificate_opens_no_client_connection(site: Site):
    server = site.authority.issue_server("again")
    context = ssl.create_default_context(cafile=str(site.authority.ca_file))
    context.load_cert_chain(server.cert_file, server.key_file)
    with pytest.raises(OSError, match=r"(?i)alert|reset|eof"):
        _handshake(site, context)


def test_another_vans_certificate_cannot_take_over_this_vans_client_id(site: Site):
    van = Peer(site, site.certificate(DEVICE))
    thief = Peer(site, site.certificate(OTHER_DEVICE), DEVICE)
    van.subscribe(device_topic(FLEET, DEVICE, RECEIPTS))
    room = Peer(site, site.certificate(ROOM))
    room.publish(device_topic(FLEET, DEVICE, RECEIPTS), b"for the van")
    van.heard.wait(lambda items: len(items) == 1)
    assert not [each for each in van.events.all() if str(each).startswith("ended")]
    for peer in (van, thief, room):
        peer.close()


@pytest.mark.parametrize("channel", [STATE, ALERTS, RECORDS, HEALTH, KEYS])
def test_another_van_cannot_publish_as_this_van(site: Site, channel: str):
    room = Peer(site, site.certificate(ADMIN), None, all_devices_topic(FLEET, channel))
    thief = Peer(site, site.certificate(OTHER_DEVICE))
    assert thief.publish(device_topic(FLEET, DEVICE, channel), b"forged") == "Not authorized"
    thief.publish(device_topic(FLEET, OTHER_DEVICE, channel), b"its own")
    heard = room.heard.wait(lambda items: items)
    assert [each.payload for each in heard] == [b"its own"]
    thief.close()
    room.close()


@pytest.mark.parametrize(
    ("identity", "topic"),
    [
        (DEVICE, device_topic(FLEET, DEVICE, RECEIPTS)),
        (DEVICE, device_topic(FLEET, DEVICE, COMMANDS)),
        (OTHER_DEVICE, device_topic(FLEET, DEVICE, COMMANDS)),
        (DEVICE, repo_topic(FLEET, f"devices/{DEVICE}/order")),
        (DEVICE, repo_topic(FLEET, "watchlists/a/0000")),
        (ROOM, device_topic(FLEET, DEVICE, ALERTS)),
        (ROOM, repo_topic(FLEET, f"devices/{DEVICE}/order")),
        (ADMIN, device_topic(FLEET, DEVICE, RECEIPTS)),
        (ADMIN, device_topic(FLEET, DEVICE, ALERTS)),
        (DEVICE, "lfr/v1/another-fleet/devices/van-1/alerts"),
        (DEVICE, "anything"),
    ],
)
def test_nobody_publishes_where_another_role_speaks(site: Site, identity: str, topic: str):
    peer = Peer(site, site.certificate(identity))
    assert peer.publish(topic, b"forged", retain=True) == "Not authorized"
    peer.close()


@pytest.mark.parametrize(
    "topic",
    [
        "#",
        f"lfr/v1/{FLEET}/devices/+/alerts",
        f"lfr/v1/{FLEET}/devices/+/commands",
        device_topic(FLEET, OTHER_DEVICE, ALERTS),
        f"lfr/v1/{FLEET}/repo/#",
    ],
)
def test_a_forbidden_subscription_never_delivers(site: Site, topic: str):
    spy = Peer(site, site.certificate(DEVICE))
    spy.subscribe(topic)  # mosquitto grants it, and never delivers: only delivery tells
    spy.subscribe(device_topic(FLEET, DEVICE, RECEIPTS))
    van, admin, room = (Peer(site, site.certificate(each)) for each in (OTHER_DEVICE, ADMIN, ROOM))
    van.publish(device_topic(FLEET, OTHER_DEVICE, ALERTS), b"another van's alert")
    admin.publish(repo_topic(FLEET, f"devices/{OTHER_DEVICE}/order"), b"another van's order", retain=True)
    admin.publish(device_topic(FLEET, OTHER_DEVICE, COMMANDS), b"another van's command", retain=True)
    room.publish(device_topic(FLEET, DEVICE, RECEIPTS), b"the van's own")
    heard = spy.heard.wait(lambda items: any(each.payload == b"the van's own" for each in items))
    assert {each.payload for each in heard} == {b"the van's own"}
    for peer in (spy, van, admin, room):
        peer.close()


def test_a_message_over_the_limit_is_refused_and_its_sender_cut_off(site: Site):
    topic = repo_topic(FLEET, "watchlists/a/0000")
    van = Peer(site, site.certificate(DEVICE), None, topic)
    flooder = Peer(site, site.certificate(ADMIN))
    flooder.post(topic, b"x" * (200 * 1024))
    flooder.events.wait(lambda items: any(str(each).startswith("ended") for each in items))
    flooder.close()
    admin = Peer(site, site.certificate(ADMIN))
    admin.publish(topic, b"small")
    heard = van.heard.wait(lambda items: items)
    assert [each.payload for each in heard] == [b"small"]
    admin.close()
    van.close()


def test_a_broker_restarted_on_its_port_still_knows_what_was_retained(site: Site):
    admin = Peer(site, site.certificate(ADMIN))
    admin.publish(repo_topic(FLEET, f"devices/{DEVICE}/order"), b"an order", retain=True)
    admin.close()
    port = site.broker.port
    site.broker.restart()
    assert site.broker.port == port
    van = Peer(site, site.certificate(DEVICE), None, repo_topic(FLEET, f"devices/{DEVICE}/order"))
    assert van.heard.wait(lambda items: items)[0].retained
    van.close()
