"""Commands through link: handed on as they came, held for a vision half that starts later, believed never."""

from __future__ import annotations

from pathlib import Path

import paho.mqtt.client as paho
import pytest
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from edge.formats.commands import COMMAND_MAX_BYTES
from edge.formats.topics import COMMANDS, device_topic
from edge.link.commands import HELD_MAX, Commands
from edge.wire import Commanded
from tests.link.peers import Peer
from tests.link.rig import ADMIN, DEVICE, FLEET, Site, VisionEnd, running_link

TOPIC = device_topic(FLEET, DEVICE, COMMANDS)


def retain(peer: Peer, payload: bytes, expiry_s: int) -> None:
    """As the fleet publishes one."""
    properties = Properties(PacketTypes.PUBLISH)
    properties.MessageExpiryInterval = expiry_s
    client: paho.Client = peer._client
    client.publish(TOPIC, payload, qos=1, retain=True, properties=properties).wait_for_publish(20)


def commands(vision: VisionEnd) -> list[bytes]:
    return [each.payload for each in vision.messages.all() if isinstance(each, Commanded)]


def wait_commands(vision: VisionEnd, *payloads: bytes) -> None:
    vision.messages.wait(lambda items: all(Commanded(each) in items for each in payloads), "commands")


def test_van_that_was_away_hears_of_a_suspension_when_it_comes_back(site: Site, config: Path, vision: VisionEnd):
    admin = Peer(site, site.certificate(ADMIN))
    retain(admin, b"while it was away", 600)
    with running_link(config):
        wait_commands(vision, b"while it was away")
        retain(admin, b"while it is there", 600)
        wait_commands(vision, b"while it was away", b"while it is there")
    admin.close()


def test_vision_half_that_starts_later_hears_what_came_before(site: Site, config: Path, vision: VisionEnd):
    admin = Peer(site, site.certificate(ADMIN))
    with running_link(config):
        vision.wait_status(lambda status: status.connected)
        retain(admin, b"one", 600)
        retain(admin, b"two", 600)
        wait_commands(vision, b"one", b"two")
        before = len(commands(vision))
        vision.drop()
        vision.attachments.wait(lambda items: len(items) == 2, "vision again")
        vision.messages.wait(lambda items: sum(isinstance(each, Commanded) for each in items) >= before + 2, "again")
        assert commands(vision)[before : before + 2] == [b"one", b"two"]
    admin.close()


def test_oversized_command_never_reaches_vision_and_is_counted(site: Site, config: Path, vision: VisionEnd):
    admin = Peer(site, site.certificate(ADMIN))
    with running_link(config):
        vision.wait_status(lambda status: status.connected)
        retain(admin, b"x" * (COMMAND_MAX_BYTES + 1), 600)
        retain(admin, b"small", 600)
        wait_commands(vision, b"small")
        assert commands(vision) == [b"small"]
        vision.wait_status(lambda status: "commands refused: 1" in status.detail)
    admin.close()


def test_flood_of_commands_leaves_the_last_few_in_links_memory():
    told: list[Commanded] = []
    held = Commands(told.append)
    for number in range(1000):
        held.on_command(b"%d" % number)
    told.clear()
    held.tell_again()
    assert told == [Commanded(b"%d" % number) for number in range(1000 - HELD_MAX, 1000)]


@pytest.mark.parametrize("times", [1, 5])
def test_command_that_comes_again_is_handed_on_again_and_held_once(times: int):
    told: list[Commanded] = []
    held = Commands(told.append)
    for _ in range(times):
        held.on_command(b"one")
    assert len(told) == times
    told.clear()
    held.tell_again()
    assert told == [Commanded(b"one")]


def test_retained_command_that_is_cleared_is_no_command():
    told: list[Commanded] = []
    Commands(told.append).on_command(b"")
    assert told == []
