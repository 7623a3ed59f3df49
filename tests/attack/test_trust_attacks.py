"""Attacks on what a van obeys, each by its name. The courier (link, broker, network) may lie, mix and withhold."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge.errors import (
    DocumentInvalid,
    LfrError,
    OrderExpired,
    OrderInvalid,
    PackPurposeRefused,
    RepositoryFileMissing,
    SealInvalid,
    SignatureInvalid,
    ThresholdMismatch,
    WatchlistInvalid,
)
from edge.formats.documents import AlertDocument, Order, ReceiptDocument, WatchlistHeader, WatchlistReference
from edge.formats.pack import Purpose
from edge.formats.topics import order_name, watchlist_part_name
from edge.trust import watchlist
from edge.trust.documents import DOCUMENT_MAX_BYTES, canonical, document_sha256, parse_strict, public_hex, sign, verify
from edge.trust.keys import seal_public_hex
from edge.trust.order import open_order
from edge.trust.sealing import alert_context, seal_match, unseal_match
from edge.vision import deployment
from edge.vision.deployment import Identity, open_deployment
from edge.vision.memory import LockedBuffer
from tests.made_documents import (
    AUTHORITY,
    AUTHORITY_HEX,
    BACKEND,
    DEPLOYMENT,
    DEVICE,
    FLEET,
    NOON,
    PACK_SHA256,
    ROOM_SEAL,
    STRANGER,
    VAN,
    VAN_SEAL,
    WATCHLIST,
    alert,
    each_type,
    header,
    match,
    order,
    receipt,
)

DIMENSION = 2000
ENTRIES = 20
ORDER, HEADER, PART_1, PART_2 = order_name(DEVICE), *(watchlist_part_name(WATCHLIST, n) for n in range(3))


class Noon:
    """A clock that stands at noon, or as far from it as it is told."""

    def __init__(self, late: timedelta = timedelta(0)) -> None:
        self._late = late

    def monotonic_s(self) -> float:
        return 0.0

    def now_utc(self):
        return NOON + self._late


def published(
    seed: int = 1,
    key: Ed25519PrivateKey = AUTHORITY,
    header_key: Ed25519PrivateKey = AUTHORITY,
    deployment_id: str = DEPLOYMENT,
    recipient: str = DEVICE,
    **order_changes: Any,
) -> dict[str, bytes]:
    """What an authority publishes for one van: its order, and its watchlist's header and two parts."""
    vectors = np.random.default_rng(seed).standard_normal((ENTRIES, DIMENSION)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    entries = [(f"{seed:016x}{number:016x}", vector) for number, vector in enumerate(vectors)]
    recipients = {recipient: seal_public_hex(VAN_SEAL)}
    made, parts = watchlist.seal_watchlist(WATCHLIST, deployment_id, PACK_SHA256, entries, recipients)
    signed = sign(made, [header_key])
    reference = WatchlistReference(id=WATCHLIST, entries=ENTRIES, parts=len(parts), sha256=document_sha256(signed))
    terms = order(**{"deployment": deployment_id, "watchlist": reference, **order_changes})
    files = {ORDER: sign(terms, [key]), HEADER: signed}
    return files | {watchlist_part_name(WATCHLIST, 1 + index): part for index, part in enumerate(parts)}


@pytest.fixture
def memory(monkeypatch: pytest.MonkeyPatch) -> list[LockedBuffer]:
    """Every locked buffer that opening a deployment takes."""
    taken: list[LockedBuffer] = []

    def take(size_bytes: int) -> LockedBuffer:
        taken.append(LockedBuffer(size_bytes))
        return taken[-1]

    monkeypatch.setattr(deployment, "LockedBuffer", take)
    return taken


def van_opens(
    files: Mapping[str, bytes],
    late: timedelta = timedelta(0),
    keys: tuple[str, ...] = (AUTHORITY_HEX,),
    purpose: Purpose = "operations",
):
    def courier(name: str, timeout_s: float) -> bytes:
        if name not in files:
            raise RepositoryFileMissing(f"{name} did not come")
        return files[name]

    identity = Identity(FLEET, DEVICE, keys, VAN_SEAL, PACK_SHA256, DIMENSION, purpose, BACKEND)
    return open_deployment(courier, identity, Noon(late))


def van_refuses(files: Mapping[str, bytes], error: type[LfrError], memory: list[LockedBuffer], **place: Any) -> None:
    with pytest.raises(error):
        van_opens(files, **place)
    for buffer in memory:
        assert not buffer.array("u1", (len(buffer._map),)).any(), "something of the list is left in memory"


def test_what_was_published_is_opened(memory):
    opened = van_opens(published())
    assert opened.order.deployment == DEPLOYMENT
    assert not memory[0].array("u1", (len(memory[0]._map),)).any(), "the plaintext is gone even so"


# Who gives orders


@pytest.mark.parametrize("key", [VAN, STRANGER], ids=["the van itself", "a stranger"])
def test_order_by_somebody_else_than_the_authority(memory, key):
    van_refuses(published(key=key), SignatureInvalid, memory)
    assert not memory, "nothing was opened before the order was believed"


def test_order_forged_under_a_key_of_small_order_that_a_config_accepts(memory):
    """With the neutral point for a key, R = neutral and S = 0 fit every message."""
    neutral = bytes([1]) + bytes(31)
    files = published()
    terms = parse_strict(files[ORDER])["signed"]
    files[ORDER] = canonical(
        {"signed": terms, "signatures": [{"keyid": neutral.hex(), "sig": (neutral + bytes(32)).hex()}]}
    )
    van_refuses(files, SignatureInvalid, memory, keys=(AUTHORITY_HEX, neutral.hex()))


def test_threshold_lowered_on_the_way(memory):
    files = published()
    files[ORDER] = files[ORDER].replace(b'"similarity_threshold":0.55', b'"similarity_threshold":0.05')
    van_refuses(files, SignatureInvalid, memory)


def test_second_value_slipped_in_for_a_parser_that_takes_the_last(memory):
    files = published()
    files[ORDER] = files[ORDER].replace(b'"similarity_threshold":0.55', b'"similarity_threshold":0.55,' * 2, 1)
    files[ORDER] = files[ORDER].replace(b",,", b",")
    van_refuses(files, DocumentInvalid, memory)


@pytest.mark.parametrize("document", each_type(), ids=lambda document: type(document).__name__)
@pytest.mark.parametrize("kind", [Order, WatchlistHeader, AlertDocument, ReceiptDocument])
def test_document_of_one_type_passed_off_as_another_with_the_right_signature(document, kind):
    if type(document) is kind:
        return
    with pytest.raises(DocumentInvalid, match=kind.__name__):
        verify(sign(document, [AUTHORITY]), kind, [AUTHORITY_HEX])


@pytest.mark.parametrize("document", [header(), receipt(), alert()], ids=lambda document: document.type)
def test_other_document_of_the_authority_delivered_as_the_order(memory, document):
    van_refuses({**published(), ORDER: sign(document, [AUTHORITY])}, DocumentInvalid, memory)


def test_order_delivered_as_the_header(memory):
    files = published()
    van_refuses({**files, HEADER: files[ORDER]}, WatchlistInvalid, memory)


# Where, when, with what


@pytest.mark.parametrize("changes", [{"devices": ["van-2"]}, {"fleet": "fleet-2"}], ids=["van", "fleet"])
def test_order_of_another(memory, changes):
    van_refuses(published(**changes), OrderInvalid, memory)


def test_order_for_another_pack_whose_scores_mean_something_else(memory):
    van_refuses(published(pack_sha256="ef" * 32), OrderInvalid, memory)


def test_threshold_set_for_other_kernels(memory):
    van_refuses(published(threshold_backend="litert-reference/int8"), ThresholdMismatch, memory)


def test_real_people_smuggled_onto_a_van_with_a_bring_up_pack(memory):
    van_refuses(published(), PackPurposeRefused, memory, purpose="bring-up")


def test_real_people_declared_synthetic_on_the_way(memory):
    files = published()
    files[HEADER] = files[HEADER].replace(b'"subjects":"real"', b'"subjects":"synthetic"')
    van_refuses(files, WatchlistInvalid, memory, purpose="bring-up")


@pytest.mark.parametrize("late", [timedelta(days=1), timedelta(hours=5), timedelta(hours=-4)])
def test_order_replayed_outside_its_time(memory, late: timedelta):
    van_refuses(published(), OrderExpired, memory, late=late)


def test_order_prolonged_on_the_way(memory):
    files = published()
    files[ORDER] = files[ORDER].replace(b"T17:00:00.000Z", b"T23:00:00.000Z")
    van_refuses(files, SignatureInvalid, memory, late=timedelta(hours=8))


def test_order_that_names_a_room_key_anybody_can_open(memory):
    van_refuses(published(room_seal_key_hex="00" * 32), OrderInvalid, memory)


# Whom it looks for


def test_watchlist_of_another_deployment_under_the_same_name(memory):
    files, other = published(), published(seed=2, deployment_id="deployment-2")
    van_refuses({**other, ORDER: files[ORDER]}, WatchlistInvalid, memory)


def test_older_build_of_the_same_list(memory):
    files, older = published(), published(seed=2)
    van_refuses({**older, ORDER: files[ORDER]}, WatchlistInvalid, memory)


def test_list_built_by_a_stranger_and_pinned_by_a_careless_order(memory):
    van_refuses(published(header_key=STRANGER), SignatureInvalid, memory)


def test_list_of_another_deployment_pinned_by_a_careless_order(memory):
    other = published(deployment_id="deployment-2")
    pinned = parse_strict(other[ORDER])["signed"]
    other[ORDER] = sign(Order.model_validate({**pinned, "deployment": DEPLOYMENT}), [AUTHORITY])
    van_refuses(other, WatchlistInvalid, memory)


def test_list_wrapped_for_another_van(memory):
    van_refuses(published(recipient="van-2"), WatchlistInvalid, memory)


@pytest.mark.parametrize("at", [PART_1, PART_2])
def test_part_of_another_build_mixed_in(memory, at: str):
    files = published()
    van_refuses({**files, at: published()[at]}, WatchlistInvalid, memory)


def test_parts_swapped(memory):
    files = published()
    van_refuses({**files, PART_1: files[PART_2], PART_2: files[PART_1]}, WatchlistInvalid, memory)


@pytest.mark.parametrize("withheld", [ORDER, HEADER, PART_1, PART_2])
def test_file_withheld(memory, withheld: str):
    files = {name: data for name, data in published().items() if name != withheld}
    van_refuses(files, RepositoryFileMissing, memory)


@pytest.mark.parametrize("at", [ORDER, HEADER, PART_1, PART_2])
@pytest.mark.parametrize("data", [b"", b"\0", b"{}", b"[" * 50_000, bytes(60 * 1024)], ids=lambda data: str(len(data)))
def test_rubbish_in_the_place_of_any_file(memory, at: str, data: bytes):
    van_refuses({**published(), at: data}, LfrError, memory)


def test_template_that_matches_everyone_from_a_builder_gone_wrong(memory, monkeypatch):
    """A template of norm 2 doubles every similarity; the signature over it is good."""
    monkeypatch.setattr(watchlist, "_check_entries", lambda name, entries: DIMENSION)
    monkeypatch.setattr(watchlist, "FULL_SCALE", 2 * 32767)
    files = published()
    monkeypatch.setattr(watchlist, "FULL_SCALE", 32767)
    van_refuses(files, WatchlistInvalid, memory)


# What comes back


def test_box_of_another_van_grafted_into_an_alert_of_ones_own():
    """van-2 sees van-1's alert at the broker and sends its box as its own, to learn or to confuse."""
    box = seal_match(match(), b"jpeg", seal_public_hex(ROOM_SEAL), _context(alert()))
    grafted = alert(device="van-2", sealed=base64.b64encode(box).decode())
    with pytest.raises(SealInvalid):
        unseal_match(base64.b64decode(grafted.sealed), ROOM_SEAL, _context(grafted))


def test_box_replayed_under_a_new_event_id_and_sequence():
    box = seal_match(match(), b"jpeg", seal_public_hex(ROOM_SEAL), _context(alert()))
    for change in ({"sequence": 8}, {"event_id": "01890a5d-ac96-774b-bcce-b302099a8058"}):
        with pytest.raises(SealInvalid):
            unseal_match(box, ROOM_SEAL, _context(alert(**change)))


def _context(outside: AlertDocument) -> bytes:
    return alert_context(outside.fleet, outside.device, outside.deployment, outside.event_id, outside.sequence)


# Bytes that cost more to refuse than to send


@pytest.mark.parametrize(
    "bomb",
    [
        b"[" * DOCUMENT_MAX_BYTES,
        b'{"a":' * (DOCUMENT_MAX_BYTES // 5),
        b'["' + b"]" * 20_000 + b'",' + b"[" * 12_000,
        b'"' + b'\\"' * 16_000,
        b"\\" * DOCUMENT_MAX_BYTES,
        b"{" + b'"":0,' * 6_000 + b'"":0}',
        b"{" + b",".join(b'"%d":0' % number for number in range(3_500)) + b',"0":0}',
        b"[" + b"9" * 32_000 + b"]",
        b"[1" + b"e9" * 10 + b"]",
        b"[0." + b"1" * 32_000 + b"]",
        b'{"signed":{},"signatures":[' + b",".join([b'{"keyid":"","sig":""}'] * 1_000) + b"]}",
        b" " * DOCUMENT_MAX_BYTES,
        b"\xf0\x9f\x98\x80" * 8_000,
    ],
    ids=lambda bomb: repr(bomb[:12]),
)
def test_bomb_of_bytes(bomb: bytes):
    assert len(bomb) <= DOCUMENT_MAX_BYTES
    with pytest.raises(DocumentInvalid):
        open_order(bomb, [AUTHORITY_HEX], FLEET, DEVICE, PACK_SHA256, BACKEND, NOON)


def test_flood_of_signatures():
    keys = [Ed25519PrivateKey.from_private_bytes(number.to_bytes(32, "big")) for number in range(1, 10)]
    data = sign(order(), keys)
    with pytest.raises(DocumentInvalid):
        verify(data, Order, [public_hex(key) for key in keys])
