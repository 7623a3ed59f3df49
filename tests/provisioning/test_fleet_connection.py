"""The fleet's connection on a real broker: who may not publish is told so, and a failure is an event, never silence."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from hwsim.broker import Broker

from edge.config_file import BrokerSettings
from edge.errors import KeyFileInvalid
from edge.formats.topics import STATE, all_devices_topic, repo_topic
from provisioning.authority import Certificate
from provisioning.fleet_connection import Answered, Down, Event, FleetConnection, Up
from tests.link.peers import Peer, publish_files
from tests.link.rig import ADMIN, DEVICE, FLEET, PATIENCE_S, Site, build_site

HINT = f"hints/{DEVICE}.json"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    site = build_site(tmp_path)
    with site.broker:
        yield site


@contextmanager
def connected(site: Site, own: Certificate, port: int | None = None) -> Iterator[FleetConnection]:
    settings = BrokerSettings(
        host=Broker.host,
        port=port or site.broker.port,
        ca_file=own.ca_file,
        cert_file=own.cert_file,
        key_file=own.key_file,
    )
    connection = FleetConnection(settings, [all_devices_topic(FLEET, STATE)])
    connection.start()
    try:
        yield connection
    finally:
        connection.stop()


def wait(connection: FleetConnection, wanted: Callable[[Event], bool]) -> list[Event]:
    """What happened, up to what is wanted."""
    found: list[Event] = []
    while not found or not wanted(found[-1]):
        event = connection.next_event(PATIENCE_S)
        assert event is not None, found
        found.append(event)
    return found


def is_down(event: Event) -> bool:
    return isinstance(event, Down)


def read_back(site: Site, name: str) -> bytes:
    """What a van that connects now is given."""
    peer = Peer(site, site.certificate(DEVICE), None, repo_topic(FLEET, name))
    (heard,) = peer.heard.wait(lambda items: len(items) == 1, name)
    peer.close()
    payload: bytes = heard.payload
    return payload


def test_an_expired_certificate_never_connects(site: Site):
    with connected(site, site.certificate(ADMIN, timedelta(days=-1))) as connection:
        assert not any(isinstance(event, Up) for event in wait(connection, is_down))


def test_a_broker_of_another_authority_is_refused(site: Site, tmp_path: Path):
    (tmp_path / "other").mkdir()
    own, other = site.certificate(ADMIN), build_site(tmp_path / "other")
    wrong = Certificate(own.identity, other.authority.ca_file, own.cert_file, own.key_file)
    with connected(site, wrong) as connection:
        assert not any(isinstance(event, Up) for event in wait(connection, is_down))


def test_no_broker_is_said(site: Site):
    with socket.socket() as taken:
        taken.bind((Broker.host, 0))
        with connected(site, site.certificate(ADMIN), taken.getsockname()[1]) as connection:
            assert wait(connection, is_down) == [Down("nothing answers")]


def test_a_van_s_certificate_cannot_publish_a_file(site: Site):
    publish_files(site, {HINT: b"the fleet's"})
    with connected(site, site.certificate(DEVICE)) as connection:
        wait(connection, lambda event: isinstance(event, Up))
        assert connection.retain(HINT, repo_topic(FLEET, HINT), b"forged", 60)
        answer = wait(connection, lambda event: isinstance(event, Answered))[-1]
    assert answer == Answered(HINT, "Not authorized")
    assert read_back(site, HINT) == b"the fleet's"


def test_a_broker_that_dies_is_said_and_takes_nothing(site: Site):
    with connected(site, site.certificate(ADMIN)) as connection:
        wait(connection, lambda event: isinstance(event, Up))
        site.broker.kill()
        wait(connection, is_down)
        assert not connection.retain(HINT, repo_topic(FLEET, HINT), b"lost", 60)


def test_a_certificate_that_is_not_there_is_said_by_name(site: Site, tmp_path: Path):
    own = site.certificate(ADMIN)
    missing = Certificate(ADMIN, own.ca_file, tmp_path / "absent.pem", own.key_file)
    with pytest.raises(KeyFileInvalid, match=r"absent\.pem"), connected(site, missing):
        pytest.fail("connected without a certificate")


def test_a_key_that_does_not_fit_its_certificate_is_said(site: Site):
    own, other = site.certificate(ADMIN), site.certificate(DEVICE)
    wrong = Certificate(ADMIN, own.ca_file, own.cert_file, other.key_file)
    with pytest.raises(KeyFileInvalid, match=r"\.tls\.key"), connected(site, wrong):
        pytest.fail("connected with another's key")
