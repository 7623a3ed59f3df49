"""Attacks on the vision half by a courier that lies: nothing it can bring opens the camera or a list unauthorised."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge import wire
from edge.exits import Exit
from edge.formats.documents import WatchlistHeader
from edge.formats.topics import order_name, watchlist_part_name
from edge.trust.documents import canonical, parse_strict, sign
from edge.vision import app as app_module
from edge.vision import deployment
from edge.vision.memory import LockedBuffer
from tests.vision.made import picture, residue, template_of
from tests.vision.made_van import DEPLOYMENT, DEVICE, MadeVan, PassersBy, ScriptedLink, keep_in

WALK = [picture((2, 10 + 5 * index, 30, 40)) for index in range(12)]
ORDER = order_name(DEVICE)
LIST = f"{DEPLOYMENT}-list"
HEADER = watchlist_part_name(LIST, 0)
FIRST, SECOND = watchlist_part_name(LIST, 1), watchlist_part_name(LIST, 2)

Files = dict[str, bytes]


@pytest.fixture
def buffers(monkeypatch: pytest.MonkeyPatch) -> list[LockedBuffer]:
    made: list[LockedBuffer] = []
    monkeypatch.setattr(deployment, "LockedBuffer", keep_in(made, LockedBuffer))
    return made


@pytest.fixture
def van(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MadeVan]:
    monkeypatch.setattr(deployment, "RETRY_WAIT_S", 0.01)
    monkeypatch.setattr(app_module, "_POLL_S", 0.02)
    van = MadeVan(tmp_path)
    yield van
    van.close()


def assert_refused_then_mended(van: MadeVan, bad: Files, good: Files, buffers: list[LockedBuffer]) -> None:
    """The bad files open nothing and are asked for again; once the good ones are there, the deployment runs."""
    camera, link = PassersBy(WALK), van.link(bad)
    run = van.start(camera)
    link.wait_fetched(ORDER, times=4)
    assert (camera.opened, link.of(wire.OpenDeployment)) == (0, [])
    held = [buffer.array("u1", (len(buffer._map),)) for buffer in buffers[:-2]]
    assert residue(held) == 0, "something of a refused list is left in memory"
    link.files = good
    assert run.ended() == Exit.ENDED
    assert camera.opened == 1
    assert sum(message.channel == "alerts" for message in link.of(wire.Publish)) == 1


def flipped(data: bytes, place: int) -> bytes:
    return data[:place] + bytes([data[place] ^ 0x10]) + data[place + 1 :]


def edited(signed: bytes, **fields: object) -> bytes:
    """A signed document with fields changed and its signature kept."""
    document = parse_strict(signed)
    document["signed"] |= fields
    return canonical(document)


PART_ATTACKS: dict[str, Callable[[Files], Files]] = {
    "parts swapped": lambda good: good | {FIRST: good[SECOND], SECOND: good[FIRST]},
    "one part twice": lambda good: good | {SECOND: good[FIRST]},
    "first bit flipped": lambda good: good | {FIRST: flipped(good[FIRST], 0)},
    "template bit flipped": lambda good: good | {SECOND: flipped(good[SECOND], 60)},
    "tag bit flipped": lambda good: good | {SECOND: flipped(good[SECOND], -1 % len(good[SECOND]))},
    "cut short": lambda good: good | {SECOND: good[SECOND][:-1]},
    "emptied": lambda good: good | {FIRST: b""},
    "lengthened": lambda good: good | {SECOND: good[SECOND] + b"\0"},
    "taken away": lambda good: {name: data for name, data in good.items() if name != SECOND},
}


@pytest.mark.parametrize("attack", PART_ATTACKS.values(), ids=PART_ATTACKS.keys())
def test_watchlist_part(van: MadeVan, buffers: list[LockedBuffer], attack: Callable[[Files], Files]):
    good = van.files(people=range(4), per_part=2)
    assert_refused_then_mended(van, attack(good), good, buffers)


def test_watchlist_of_an_earlier_deployment_is_not_replayed(van: MadeVan, buffers: list[LockedBuffer]):
    earlier = van.files(people=(7, 8))
    good = van.files(people=(1, 2, 3))
    replayed = {name: data for name, data in earlier.items() if name != ORDER}
    assert_refused_then_mended(van, good | replayed, good, buffers)


def test_part_of_an_earlier_list_is_not_mixed_in(van: MadeVan, buffers: list[LockedBuffer]):
    good = van.files(people=range(4), per_part=2)
    earlier = van.files(people=range(4), per_part=2)
    assert_refused_then_mended(van, good | {SECOND: earlier[SECOND]}, good, buffers)


def test_header_by_a_key_of_no_authority_is_refused(van: MadeVan, buffers: list[LockedBuffer]):
    good = van.files()
    header = WatchlistHeader.model_validate(parse_strict(good[HEADER])["signed"])
    forged = sign(header, [Ed25519PrivateKey.generate()])
    assert_refused_then_mended(van, good | {HEADER: forged}, good, buffers)


@pytest.mark.parametrize(
    "fields",
    [
        {"similarity_threshold": 0.01},
        {"not_after_utc": "2030-01-01T00:00:00.000Z"},
        {"place": "somewhere else"},
        {"room_seal_key_hex": "09" + "00" * 31},
        {"room_receipt_key_hex": "ab" * 32},
        {"alert_retention_h": 744.0},
    ],
    ids=lambda fields: next(iter(fields)),
)
def test_order_edited_on_its_way_is_refused(van: MadeVan, buffers: list[LockedBuffer], fields: dict[str, object]):
    good = van.files()
    assert_refused_then_mended(van, good | {ORDER: edited(good[ORDER], **fields)}, good, buffers)


@pytest.mark.parametrize("signer", ["the van's own key", "a stranger's", "no one"])
def test_order_signed_by_other_than_the_authority_is_refused(van: MadeVan, buffers: list[LockedBuffer], signer: str):
    good = van.files()
    if signer == "no one":
        forged = canonical({"signed": parse_strict(good[ORDER])["signed"], "signatures": []})
    else:
        key = van.signing_key if "own" in signer else Ed25519PrivateKey.generate()
        forged = van.files(key=key)[ORDER]
    assert_refused_then_mended(van, good | {ORDER: forged}, good, buffers)


def test_duplicate_key_in_an_order_is_refused(van: MadeVan, buffers: list[LockedBuffer]):
    good = van.files()
    doubled = good[ORDER].replace(b'"similarity_threshold":', b'"similarity_threshold":0.01,"similarity_threshold":', 1)
    assert doubled != good[ORDER]
    assert_refused_then_mended(van, good | {ORDER: doubled}, good, buffers)


def test_expired_order_is_not_replayed(van: MadeVan, buffers: list[LockedBuffer]):
    yesterday = van.files(valid_for=timedelta(hours=1))
    van.clock.advance(86_400)
    assert_refused_then_mended(van, yesterday, van.files(), buffers)


def test_link_that_answers_with_other_files_than_asked_for_opens_nothing(van: MadeVan, buffers: list[LockedBuffer]):
    good = van.files()
    names = list(good)
    rotated = {name: good[names[(index + 1) % len(names)]] for index, name in enumerate(names)}
    assert_refused_then_mended(van, rotated, good, buffers)


def test_link_cannot_forge_that_an_alert_was_stored_before_it_was(van: MadeVan, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(app_module, "STORED_WAIT_S", 0.05)
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
