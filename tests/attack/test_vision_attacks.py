"""Attacks on the vision half by a courier that lies: nothing it can bring opens the camera or a list unauthorised."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from edge import wire
from edge.exits import Exit
from edge.formats.names import INDEX, chunk_name, hashes_name, hint_name, manifest_name
from edge.trust.documents import canonical
from edge.vision import app as app_module
from edge.vision import closing, gallery, pipeline
from edge.vision.memory import LockedBuffer
from tests.vision.app_rig import MadeVanAgain
from tests.vision.made import picture, residue, template_of
from tests.vision.made_fleet import MadeFleet
from tests.vision.made_van import DEPLOYMENT, DEVICE, FLEET, MadeVan, PassersBy, ScriptedLink, keep_in

WALK = [picture((2, 10 + 5 * index, 30, 40)) for index in range(12)]
CHUNK = chunk_name(DEPLOYMENT, 1, 0)
MANIFEST, HASHES = manifest_name(DEPLOYMENT, 1), hashes_name(DEPLOYMENT, 1)

Files = dict[str, bytes]


@pytest.fixture
def buffers(monkeypatch: pytest.MonkeyPatch) -> list[LockedBuffer]:
    made: list[LockedBuffer] = []
    monkeypatch.setattr(gallery, "LockedBuffer", keep_in(made, LockedBuffer))
    return made


@pytest.fixture
def van(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MadeVan]:
    for module, name, value in (
        (app_module, "RETRY_WAIT_S", 0.01),
        (app_module, "POLL_S", 0.02),
        (pipeline, "POLL_S", 0.02),
    ):
        monkeypatch.setattr(module, name, value)
    van = MadeVan(tmp_path)
    yield van
    van.close()


def assert_refused_then_mended(van: MadeVan, bad: Files, good: Files, buffers: list[LockedBuffer]) -> None:
    """The bad files open nothing and are asked for again; once the good ones are there, the deployment runs."""
    camera, link = PassersBy(WALK), van.link(bad)
    run = van.start(camera)
    link.wait_fetched(INDEX, times=4)
    assert (camera.opened, link.of(wire.OpenDeployment)) == (0, [])
    held = [buffer.array("u1", (len(buffer._map),)) for buffer in buffers[:-1]]
    assert residue(held) == 0, "something of a refused list is left in memory"
    link.files = good
    assert run.ended() == Exit.ENDED
    assert camera.opened == 1
    assert sum(message.channel == "alerts" for message in link.of(wire.Publish)) == 1


def flipped(data: bytes, place: int) -> bytes:
    return data[:place] + bytes([data[place] ^ 0x10]) + data[place + 1 :]


def order_file(files: Files) -> str:
    return next(name for name in files if name.endswith(".order.json"))


CHUNK_ATTACKS: dict[str, Callable[[Files], Files]] = {
    "first bit flipped": lambda good: good | {CHUNK: flipped(good[CHUNK], 0)},
    "template bit flipped": lambda good: good | {CHUNK: flipped(good[CHUNK], 60)},
    "tag bit flipped": lambda good: good | {CHUNK: flipped(good[CHUNK], len(good[CHUNK]) - 1)},
    "cut short": lambda good: good | {CHUNK: good[CHUNK][:-1]},
    "emptied": lambda good: good | {CHUNK: b""},
    "lengthened": lambda good: good | {CHUNK: good[CHUNK] + b"\0"},
    "taken away": lambda good: {name: data for name, data in good.items() if name != CHUNK},
    "hashes altered": lambda good: good | {HASHES: flipped(good[HASHES], 3)},
    "manifest altered": lambda good: good | {MANIFEST: good[MANIFEST].replace(b'"entries":3', b'"entries":4')},
    "wrapped key altered": lambda good: {
        name: flipped(data, 40) if "/key-" in name else data for name, data in good.items()
    },
}


@pytest.mark.parametrize("attack", CHUNK_ATTACKS.values(), ids=CHUNK_ATTACKS.keys())
def test_watchlist_file(van: MadeVan, buffers: list[LockedBuffer], attack: Callable[[Files], Files]):
    good = van.files()
    assert_refused_then_mended(van, attack(good), good, buffers)


def test_watchlist_of_another_deployment_is_not_replayed(van: MadeVan, buffers: list[LockedBuffer]):
    """Another list, sealed to the same key of the same van by a fleet that uses it twice, under this one's names."""
    other = van.files(people=(7, 8), deployment="elsewhere")
    van.fleet.forget_used_keys(DEVICE)
    good = van.files() | {hint_name(DEVICE): canonical({"deployments": [DEPLOYMENT]})}
    replayed = {name.replace("elsewhere", DEPLOYMENT): data for name, data in other.items() if "elsewhere/1/" in name}
    assert_refused_then_mended(van, good | replayed, good, buffers)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b'"similarity_threshold":0.5', b'"similarity_threshold":0.1'),
        (b'"place":"simulated street"', b'"place":"somewhere-else.."'),
        (b'"staleness_s":900', b'"staleness_s":999'),
        (b'"similarity_threshold":0.5', b'"similarity_threshold":0.5,"similarity_threshold":0.1'),
    ],
)
def test_order_edited_on_its_way_is_refused(van: MadeVan, buffers: list[LockedBuffer], before: bytes, after: bytes):
    good = van.files()
    name = order_file(good)
    assert before in good[name]
    assert_refused_then_mended(van, good | {name: good[name].replace(before, after)}, good, buffers)


def test_repository_of_another_authority_is_refused(van: MadeVan, buffers: list[LockedBuffer]):
    """Everything a fleet publishes, signed by people whom this van was never enrolled with."""
    good = van.files()
    stranger = MadeFleet(van.folder / "stranger", FLEET, van.clock)
    van.fleet, true_fleet = stranger, van.fleet
    forged = van.files()
    van.fleet = true_fleet
    assert_refused_then_mended(van, forged, good, buffers)


def test_close_by_a_stranger_ends_nothing_and_keeps_no_camera_shut(van: MadeVan):
    """The thief of the log's key lists a close that nobody whom the order names has signed."""
    van.order()
    van.fleet.publish_forged_close(DEPLOYMENT)
    camera, link = PassersBy(WALK), van.link(van.fleet.files())
    assert van.start(camera).ended() == Exit.ENDED
    assert camera.opened == 1
    assert sum(message.channel == "alerts" for message in link.of(wire.Publish)) == 1


def test_expired_order_is_not_replayed(van: MadeVan, buffers: list[LockedBuffer]):
    yesterday = van.files(lasts=timedelta(hours=1))
    van.clock.advance(86_400)
    van.fleet.tick()
    today = van.files(deployment="today")
    camera, link = PassersBy(WALK), van.link(yesterday)
    run = van.start(camera)
    link.wait_fetched(INDEX, times=4)
    assert (camera.opened, link.of(wire.OpenDeployment)) == (0, [])
    link.files = today
    assert run.ended() == Exit.ENDED  # yesterday's is closed first, unopened: its key was still there
    assert camera.opened == 0
    again = MadeVanAgain(van)
    link, camera = again.link(today), PassersBy(WALK)
    assert again.start(camera).ended() == Exit.ENDED
    assert camera.opened == 1
    assert {each.deployment for each in link.of(wire.OpenDeployment)} == {"today"}


def test_link_that_answers_with_other_files_than_asked_for_opens_nothing(van: MadeVan, buffers: list[LockedBuffer]):
    good = van.files()
    names = list(good)
    rotated = {name: good[names[(index + 1) % len(names)]] for index, name in enumerate(names)}
    assert_refused_then_mended(van, rotated, good, buffers)


def test_link_cannot_forge_that_an_alert_was_stored_before_it_was(van: MadeVan, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(closing, "STORED_WAIT_S", 0.05)
    link = van.link(van.files())
    link.stores = False
    for number in range(100):
        link._pipe.send(wire.Committed(f"01900000-0000-7000-8000-{number:012x}"))
    assert van.start(PassersBy(WALK)).ended() == Exit.NOT_STORED


def test_link_that_dies_in_mid_deployment_loses_no_alert(van: MadeVan):
    files = van.files()
    first, camera = van.link(files), PassersBy(WALK, then="again")
    first.stores = False
    run = van.start(camera)
    first.heard.wait(lambda items: any(isinstance(each, wire.Publish) for each in items), "the alert")
    first.close()
    second = van.link(files)
    second.heard.wait(lambda items: any(isinstance(each, wire.Publish) for each in items), "the alert again")
    assert run.stop() == Exit.ENDED
    assert _alert_ids(second) == _alert_ids(first) != []


def test_what_leaves_holds_no_template_and_no_picture_of_a_bystander(van: MadeVan):
    """Everything that crosses the pipe, searched for templates in the forms they have in memory and in a list."""
    crowd = [picture((9, 8, 60, 50), (2, 90 + 3 * index, 20, 40)) for index in range(12)]
    link = van.link(van.files())
    van.start(PassersBy(crowd)).ended()
    sent = b"".join(message.payload for message in [*link.of(wire.Publish), *link.of(wire.Health)])
    for k in (2, 9):
        vector = template_of(k)
        forms = (vector.tobytes(), (vector * 32767).astype("<i2").tobytes(), json.dumps(vector.tolist()).encode())
        assert not any(form in sent for form in forms)
    assert len(sent) > 1000


def _alert_ids(link: ScriptedLink) -> list[str]:
    return [message.event_id for message in link.of(wire.Publish) if message.channel == "alerts"]
