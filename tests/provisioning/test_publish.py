"""Publishing on a real broker: files are there for who may read them, cleared at the close, and a failure is said."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from hwsim.broker import Broker

from edge.errors import BrokerUnreachable, KeyFileInvalid
from edge.formats.topics import repo_topic
from provisioning import publish
from provisioning.authority import Certificate
from provisioning.publish import RepositoryPublisher
from tests.link.peers import Peer
from tests.link.rig import ADMIN, DEVICE, FLEET, Site, build_site

ORDER = f"hints/{DEVICE}.json"
FILES = {
    ORDER: b"the order",
    "watchlists/market-list/0000": b"the header",
    "watchlists/market-list/0001": bytes(60_000),
}


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    site = build_site(tmp_path)
    with site.broker:
        yield site


def publisher(site: Site, certificate: Certificate | None = None, port: int | None = None) -> RepositoryPublisher:
    own = certificate or site.certificate(ADMIN)
    port = site.broker.port if port is None else port
    return RepositoryPublisher(Broker.host, port, FLEET, own.ca_file, own.cert_file, own.key_file)


def read_back(site: Site, *names: str) -> dict[str, bytes]:
    """What a van that connects now is given."""
    peer = Peer(site, site.certificate(DEVICE), None, *(repo_topic(FLEET, name) for name in names))
    peer.heard.wait(lambda items: len(items) == len(names), str(names))
    found = {each.topic.removeprefix(repo_topic(FLEET, "x")[:-1]): each.payload for each in peer.heard.all()}
    peer.close()
    return found


def test_published_files_are_there_for_a_van_that_comes_later(site: Site):
    with publisher(site) as fleet:
        fleet.publish(FILES, expiry_s=60)
    assert read_back(site, *FILES) == FILES


def test_a_file_published_again_takes_the_place_of_the_first(site: Site):
    with publisher(site) as fleet:
        fleet.publish({ORDER: b"first"}, expiry_s=60)
        fleet.publish({ORDER: b"second"}, expiry_s=60)
    assert read_back(site, ORDER) == {ORDER: b"second"}


def test_cleared_files_are_gone_and_the_others_stay(site: Site):
    with publisher(site) as fleet:
        fleet.publish(FILES, expiry_s=60)
        fleet.clear([ORDER])
    peer = Peer(site, site.certificate(DEVICE), None, *(repo_topic(FLEET, name) for name in FILES))
    heard = peer.heard.wait(lambda items: len(items) == 2, "the two that stay")
    peer.close()
    assert ORDER not in {each.topic.removeprefix(repo_topic(FLEET, "x")[:-1]) for each in heard}


def test_files_carry_their_expiry_as_a_backstop(site: Site, monkeypatch: pytest.MonkeyPatch):
    sent = []
    with publisher(site) as fleet:
        take = fleet._client.publish
        monkeypatch.setattr(fleet._client, "publish", lambda *a, **k: (sent.append(k["properties"]), take(*a, **k))[1])
        fleet.publish({ORDER: b"the order"}, expiry_s=1234)
    assert [properties.MessageExpiryInterval for properties in sent] == [1234]


def test_no_broker_is_said_with_its_address(site: Site):
    with socket.socket() as taken:
        taken.bind((Broker.host, 0))
        port = taken.getsockname()[1]
        with pytest.raises(BrokerUnreachable, match=str(port)), publisher(site, port=port):
            pytest.fail("connected to nothing")


def test_an_expired_certificate_is_refused(site: Site, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(publish, "CONNECT_TIMEOUT_S", 1.0)
    expired = site.certificate(ADMIN, timedelta(days=-1))
    with pytest.raises(BrokerUnreachable), publisher(site, expired):
        pytest.fail("connected with an expired certificate")


def test_a_broker_of_another_authority_is_refused(site: Site, tmp_path: Path):
    (tmp_path / "other").mkdir()
    other = build_site(tmp_path / "other")
    own = site.certificate(ADMIN)
    wrong = Certificate(own.identity, other.authority.ca_file, own.cert_file, own.key_file)
    with pytest.raises(BrokerUnreachable, match="certificate"), publisher(site, wrong):
        pytest.fail("connected to a broker of another authority")


def test_a_van_s_certificate_cannot_publish_an_order(site: Site):
    with (
        publisher(site, site.certificate(DEVICE)) as fleet,
        pytest.raises(BrokerUnreachable, match="refuses a file: Not authorized"),
    ):
        fleet.publish({ORDER: b"forged"}, expiry_s=60)
    with publisher(site) as fleet:
        fleet.publish({ORDER: b"the order"}, expiry_s=60)
    assert read_back(site, ORDER) == {ORDER: b"the order"}


def test_a_broker_that_dies_in_between_is_said(site: Site, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(publish, "ACK_TIMEOUT_S", 0.5)
    with publisher(site) as fleet:
        site.broker.kill()
        with pytest.raises(BrokerUnreachable):
            fleet.publish(FILES, expiry_s=60)
        with pytest.raises(BrokerUnreachable):
            fleet.publish(FILES, expiry_s=60)


def test_a_certificate_that_is_not_there_is_said_by_name(site: Site, tmp_path: Path):
    own = site.certificate(ADMIN)
    missing = Certificate(ADMIN, own.ca_file, tmp_path / "absent.pem", own.key_file)
    with pytest.raises(KeyFileInvalid, match=r"absent\.pem"):
        publisher(site, missing)


def test_a_key_that_does_not_fit_its_certificate_is_said(site: Site):
    own, other = site.certificate(ADMIN), site.certificate(DEVICE)
    with pytest.raises(KeyFileInvalid, match=r"\.tls\.key"):
        publisher(site, Certificate(ADMIN, own.ca_file, own.cert_file, other.key_file))


def test_a_name_that_could_leave_the_repository_is_refused(site: Site):
    with publisher(site) as fleet, pytest.raises(ValueError, match="repository file name"):
        fleet.publish({"../devices/van-1/commands": b"x"}, expiry_s=60)
