"""A sealed match opens for the room alone, in the place it was made for, and its length tells little."""

from __future__ import annotations

import struct

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import example, given
from hypothesis import strategies as st

from edge.errors import DocumentInvalid, LfrError, SealInvalid
from edge.trust.documents import canonical
from edge.trust.keys import seal_public_hex
from edge.trust.sealing import (
    PADDED_TO_BYTES,
    SEALED_MAX_BYTES,
    alert_context,
    check_public_key,
    seal,
    seal_match,
    unseal,
    unseal_match,
)
from tests.made_documents import DEPLOYMENT, DEVICE, EVENT_ID, FLEET, ROOM_SEAL, VAN_SEAL, match

ROOM_HEX = seal_public_hex(ROOM_SEAL)
PLACE = {"fleet": FLEET, "device": DEVICE, "deployment": DEPLOYMENT, "event_id": EVENT_ID, "sequence": 7}
CONTEXT = alert_context(**PLACE)
BOX_OVERHEAD_BYTES = 32 + 16
FIELDS = canonical(match().model_dump(mode="json"))
SMALL_ORDER_X25519 = (
    "00" * 32,
    "01" + "00" * 31,
    "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
    "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
)


def packed(fields: bytes = FIELDS, jpeg: bytes = b"jpeg", tail: bytes | None = None) -> bytes:
    """The inside of a box, as its writer would make it unless a tail is given."""
    plain = struct.pack(">I", len(fields)) + fields + struct.pack(">I", len(jpeg)) + jpeg
    return plain + (bytes(-len(plain) % PADDED_TO_BYTES) if tail is None else tail)


def opened(plain: bytes):
    return unseal_match(seal(plain, ROOM_HEX, CONTEXT), ROOM_SEAL, CONTEXT)


@pytest.mark.parametrize("size", [0, 1, 3000, 11 * 1024])
def test_match_opens_as_it_was_sealed(size: int):
    jpeg = bytes(range(256)) * (size // 256) + b"\xff" * (size % 256)
    assert unseal_match(seal_match(match(), jpeg, ROOM_HEX, CONTEXT), ROOM_SEAL, CONTEXT) == (match(), jpeg)


@pytest.mark.parametrize(
    "change",
    [
        {"fleet": "fleet-2"},
        {"device": "van-2"},
        {"deployment": "d"},
        {"event_id": EVENT_ID[:-1] + "8"},
        {"sequence": 8},
    ],
    ids=repr,
)
def test_match_moved_into_another_alert_does_not_open(change):
    box = seal_match(match(), b"jpeg", ROOM_HEX, CONTEXT)
    with pytest.raises(SealInvalid):
        unseal_match(box, ROOM_SEAL, alert_context(**{**PLACE, **change}))


def test_match_does_not_open_with_another_key():
    box = seal_match(match(), b"jpeg", ROOM_HEX, CONTEXT)
    with pytest.raises(SealInvalid):
        unseal_match(box, VAN_SEAL, CONTEXT)


def test_two_boxes_of_one_match_differ():
    assert seal_match(match(), b"jpeg", ROOM_HEX, CONTEXT) != seal_match(match(), b"jpeg", ROOM_HEX, CONTEXT)


def test_length_of_a_box_hides_the_length_of_its_picture():
    room = PADDED_TO_BYTES - len(packed(jpeg=b"", tail=b""))
    lengths = {
        size: len(seal_match(match(), b"x" * size, ROOM_HEX, CONTEXT))
        for size in (0, 1, 500, room - 1, room, room + 1, room + 500, room + PADDED_TO_BYTES)
    }
    one, two = PADDED_TO_BYTES + BOX_OVERHEAD_BYTES, 2 * PADDED_TO_BYTES + BOX_OVERHEAD_BYTES
    assert list(lengths.values()) == [one] * 5 + [two] * 3


def test_match_too_large_for_an_event_is_not_sealed():
    with pytest.raises(DocumentInvalid, match="at most"):
        seal_match(match(), bytes(SEALED_MAX_BYTES), ROOM_HEX, CONTEXT)


@pytest.mark.parametrize(
    ("plain", "why"),
    [
        (packed(tail=b"\0" * 10), "multiple of"),
        (packed() + bytes(PADDED_TO_BYTES), "after its picture"),
        (packed()[:-1] + b"\1", "after its picture"),
        (packed() + b"\0", "multiple of"),
        (packed()[:-1], "multiple of"),
        (bytes(0), "cut short"),
        (bytes(PADDED_TO_BYTES), "no JSON"),
        (struct.pack(">I", PADDED_TO_BYTES - 3) + bytes(PADDED_TO_BYTES - 4), "cut short"),
        (struct.pack(">I", PADDED_TO_BYTES - 4) + bytes(PADDED_TO_BYTES - 4), "cut short"),
        (struct.pack(">I", 2**32 - 1) + bytes(PADDED_TO_BYTES - 4), "cut short"),
        (packed(jpeg=bytes(SEALED_MAX_BYTES)), "at most"),
        (packed(fields=b" " + FIELDS), "canonical form"),
        (packed(fields=FIELDS.replace(b'"frame_id"', b'"frame_ID"')), "frame_id"),
        (packed(fields=FIELDS.replace(b'"frame_id":41', b'"frame_id":41,"frame_id":41')), "given twice"),
        (packed(fields=b"[]"), "SealedMatch"),
    ],
)
def test_inside_out_of_form_is_refused(plain: bytes, why: str):
    with pytest.raises(DocumentInvalid, match=why):
        opened(plain)


@given(length=st.integers(0, PADDED_TO_BYTES + BOX_OVERHEAD_BYTES - 1))
def test_box_cut_short_anywhere_does_not_open(length: int):
    with pytest.raises(SealInvalid):
        unseal_match(BOX[:length], ROOM_SEAL, CONTEXT)


@given(at=st.integers(0, PADDED_TO_BYTES + BOX_OVERHEAD_BYTES - 1), bit=st.integers(0, 7))
@example(at=31, bit=7)  # X25519 itself ignores this bit
def test_box_with_any_flipped_bit_does_not_open(at: int, bit: int):
    spoiled = bytearray(BOX)
    spoiled[at] ^= 1 << bit
    with pytest.raises(SealInvalid):
        unseal_match(bytes(spoiled), ROOM_SEAL, CONTEXT)


def test_box_with_something_after_it_does_not_open():
    with pytest.raises(SealInvalid):
        unseal_match(BOX + b"\0", ROOM_SEAL, CONTEXT)


@given(box=st.binary(max_size=200), context=st.binary(max_size=50))
def test_any_bytes_are_no_box(box: bytes, context: bytes):
    with pytest.raises(SealInvalid):
        unseal(box, ROOM_SEAL, context)


@given(plain=st.binary(max_size=80).map(lambda start: start + bytes(-len(start) % PADDED_TO_BYTES)))
def test_any_inside_is_a_match_or_a_refusal(plain: bytes):
    with pytest.raises(LfrError):
        opened(plain)


@pytest.mark.parametrize("point", SMALL_ORDER_X25519, ids=lambda point: point[:8])
def test_nothing_is_sealed_to_a_point_of_small_order_nor_opened_from_one(point: str):
    with pytest.raises(SealInvalid, match="no X25519 public key"):
        check_public_key(point)
    with pytest.raises(SealInvalid):
        unseal(bytes.fromhex(point) + bytes(64), ROOM_SEAL, CONTEXT)


@pytest.mark.parametrize("text", ["", "00", "zz" * 32, "ab" * 31, "ab" * 33])
def test_text_that_is_no_public_key_is_refused(text: str):
    with pytest.raises(SealInvalid):
        seal(b"", text, b"")


def test_any_new_key_can_be_sealed_to():
    key = X25519PrivateKey.generate()
    check_public_key(seal_public_hex(key))
    assert unseal(seal(b"x", seal_public_hex(key), b"c"), key, b"c") == b"x"


BOX = seal_match(match(), b"jpeg", ROOM_HEX, CONTEXT)
