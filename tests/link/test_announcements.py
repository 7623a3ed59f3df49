"""What is retained and what is watched, over a real broker: nothing stays without an expiry, no change is missed."""

from __future__ import annotations

from pathlib import Path

from edge import wire
from edge.formats.topics import KEYS, RETAINED_EXPIRY_S, STATE, device_topic, repo_topic
from tests.link.peers import Heard, Peer
from tests.link.rig import ADMIN, DEVICE, FLEET, LinkProcess, Site, VisionEnd, running_link

TIMESTAMP = "metadata/timestamp.json"


def _expires(item: Heard) -> bool:
    return item.expiry_s is not None and RETAINED_EXPIRY_S - 600 <= item.expiry_s <= RETAINED_EXPIRY_S


def _is_stock(items: list[Heard], payload: bytes) -> bool:
    return any(each.payload == payload and each.topic.endswith("/keys") and _expires(each) for each in items)


def test_a_key_stock_is_retained_with_an_expiry_for_who_comes_late(site: Site, config: Path, vision: VisionEnd):
    with running_link(config):
        early = Peer(site, site.certificate(ADMIN), None, device_topic(FLEET, DEVICE, KEYS))
        vision.send(wire.Announce(b"stock 1"), wire.Announce(b"stock 2"))
        early.heard.wait(lambda items: _is_stock(items, b"stock 2"), "stock 2")
        early.close()
        late = Peer(site, site.certificate(ADMIN), None, device_topic(FLEET, DEVICE, KEYS))
        items = late.heard.wait(lambda items: _is_stock(items, b"stock 2"), "stock 2, retained")
        assert items[0].retained
        late.close()


def test_a_broker_that_forgot_a_key_stock_is_told_again(site: Site, config: Path, vision: VisionEnd):
    topic = device_topic(FLEET, DEVICE, KEYS)
    with running_link(config):
        vision.send(wire.Announce(b"stock"))
        vision.wait_status(lambda status: status.connected)
        site.broker.kill()
        for file in (site.folder / "broker" / "data").iterdir():
            file.unlink()
        site.broker.start()
        admin = Peer(site, site.certificate(ADMIN), None, topic)
        admin.heard.wait(lambda items: _is_stock(items, b"stock"), "stock")
        admin.close()


def test_birth_and_last_will_expire(site: Site, config: Path, vision: VisionEnd):
    link = LinkProcess(config)
    vision.send(wire.StateChanged("watching"))
    admin = Peer(site, site.certificate(ADMIN), None, device_topic(FLEET, DEVICE, STATE))
    admin.heard.wait(lambda items: any(b'"watching"' in each.payload and _expires(each) for each in items), "birth")
    link.kill()
    admin.heard.wait(lambda items: any(b'"lost"' in each.payload and _expires(each) for each in items), "last will")
    admin.close()


def test_each_change_of_a_watched_file_is_told_and_its_newest_content_is_at_hand(
    site: Site, config: Path, vision: VisionEnd
):
    admin = Peer(site, site.certificate(ADMIN))
    topic = repo_topic(FLEET, TIMESTAMP)
    with running_link(config):
        vision.send(wire.WatchFile(TIMESTAMP))
        for number in (1, 2, 3):
            admin.publish(topic, b"timestamp %d" % number, retain=True)
            vision.messages.wait(
                lambda items, number=number: items.count(wire.FileChanged(TIMESTAMP)) == number, f"change {number}"
            )
            assert vision.fetch(number, TIMESTAMP) == wire.FileContent(number, b"timestamp %d" % number)
    admin.close()


def test_a_change_while_the_broker_was_away_is_told(site: Site, config: Path, vision: VisionEnd):
    admin = Peer(site, site.certificate(ADMIN))
    topic = repo_topic(FLEET, TIMESTAMP)
    admin.publish(topic, b"old", retain=True)
    with running_link(config):
        vision.send(wire.WatchFile(TIMESTAMP))
        vision.messages.wait(lambda items: wire.FileChanged(TIMESTAMP) in items, "first")
        site.broker.stop()
        vision.wait_status(lambda status: not status.connected)
        site.broker.start()
        again = Peer(site, site.certificate(ADMIN))
        again.publish(topic, b"new", retain=True)
        vision.messages.wait(lambda items: items.count(wire.FileChanged(TIMESTAMP)) == 2, "second")
        assert vision.fetch(1, TIMESTAMP) == wire.FileContent(1, b"new")
        again.close()
    admin.close()
