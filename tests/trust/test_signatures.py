"""A signed document is believed on the word of the keys accepted for it, and of no others."""

from __future__ import annotations

import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from edge.errors import DocumentInvalid, LfrError, SignatureInvalid
from edge.formats.orders import Order
from edge.trust.documents import (
    SIGNATURES_MAX,
    canonical,
    sign,
    verify,
)
from tests import json_values
from tests.made_documents import (
    AUTHORITY,
    AUTHORITY_HEX,
    STRANGER,
    VAN,
    VAN_HEX,
    each_type,
    order,
    sign_anything,
)


def outer_of(data: bytes) -> dict:
    return json.loads(data)


def test_one_of_several_accepted_keys_is_enough():
    assert verify(sign(order(), [AUTHORITY]), Order, [VAN_HEX, AUTHORITY_HEX]) == order()


def test_signature_of_a_stranger_beside_a_good_one_is_ignored_even_when_false():
    outer = outer_of(sign(order(), [AUTHORITY, STRANGER]))
    outer["signatures"][1]["sig"] = "0" * 128
    assert verify(canonical(outer), Order, [AUTHORITY_HEX]) == order()


def test_document_signed_by_a_stranger_alone_is_refused():
    with pytest.raises(SignatureInvalid, match="none of the 1 keys"):
        verify(sign(order(), [STRANGER]), Order, [AUTHORITY_HEX])


def test_one_false_signature_of_ours_beside_a_good_one_refuses_the_document():
    outer = outer_of(sign(order(), [AUTHORITY, VAN]))
    outer["signatures"][1]["sig"] = "0" * 128
    with pytest.raises(SignatureInvalid, match="does not fit"):
        verify(canonical(outer), Order, [AUTHORITY_HEX, VAN_HEX])


def test_no_accepted_keys_accept_nothing():
    with pytest.raises(SignatureInvalid):
        verify(sign(order(), [AUTHORITY]), Order, [])


@pytest.mark.parametrize("count", [0, SIGNATURES_MAX + 1])
def test_number_of_signatures_is_bounded(count: int):
    keys = [Ed25519PrivateKey.from_private_bytes(bytes([number] * 32)) for number in range(1, count + 1)]
    with pytest.raises(DocumentInvalid, match="1 to 8"):
        verify(sign_anything(order().model_dump(mode="json"), *keys), Order, [AUTHORITY_HEX])


def test_same_key_twice_is_refused():
    with pytest.raises(DocumentInvalid, match="two signatures by"):
        verify(sign(order(), [AUTHORITY, AUTHORITY]), Order, [AUTHORITY_HEX])


@pytest.mark.parametrize(
    "spoil",
    [
        lambda entry: entry | {"sig": entry["sig"].upper()},
        lambda entry: entry | {"keyid": entry["keyid"].upper()},
        lambda entry: entry | {"sig": entry["sig"][:-2]},
        lambda entry: entry | {"sig": entry["sig"] + "00"},
        lambda entry: entry | {"sig": entry["sig"][:-2] + "  "},
        lambda entry: entry | {"sig": entry["sig"][:-2] + "zz"},
        lambda entry: entry | {"sig": "٠" * 128},
        lambda entry: entry | {"sig": None},
        lambda entry: entry | {"sig": ""},
        lambda entry: entry | {"keyid": entry["keyid"][:-1]},
        lambda entry: entry | {"keyid": entry["keyid"] + "\n"},
        lambda entry: entry | {"keyid": 7},
        lambda entry: entry | {"alg": "none"},
        lambda entry: {"sig": entry["sig"]},
        lambda entry: [entry["keyid"], entry["sig"]],
        lambda entry: None,
    ],
)
def test_signature_out_of_form_is_refused(spoil):
    outer = outer_of(sign(order(), [AUTHORITY]))
    outer["signatures"][0] = spoil(outer["signatures"][0])
    with pytest.raises(DocumentInvalid):
        verify(canonical(outer), Order, [AUTHORITY_HEX])


@pytest.mark.parametrize("signatures", [{}, "x", None, 1, [[]], [None]])
def test_signatures_that_are_no_list_of_signatures_are_refused(signatures):
    outer = outer_of(sign(order(), [AUTHORITY])) | {"signatures": signatures}
    with pytest.raises(DocumentInvalid):
        verify(canonical(outer), Order, [AUTHORITY_HEX])


@pytest.mark.parametrize(
    "outer",
    [[], {}, {"signed": {}}, {"signatures": []}, "text", None, {"signed": {}, "signatures": [], "note": 1}],
    ids=repr,
)
def test_anything_but_signed_and_signatures_is_refused(outer):
    with pytest.raises(DocumentInvalid, match="exactly `signed` and `signatures`"):
        verify(canonical(outer), Order, [AUTHORITY_HEX])


@pytest.mark.parametrize("signed", [None, [], "order", 7, {}], ids=repr)
def test_well_signed_nonsense_is_refused(signed):
    with pytest.raises(DocumentInvalid, match="Order"):
        verify(sign_anything(signed, AUTHORITY), Order, [AUTHORITY_HEX])


@given(signed=json_values.values(), kind=st.sampled_from([type(document) for document in each_type()]))
def test_any_value_well_signed_is_a_document_or_a_refusal(signed, kind):
    with pytest.raises(LfrError):
        verify(sign_anything(signed, AUTHORITY), kind, [AUTHORITY_HEX])


@given(
    document=st.sampled_from(each_type()),
    path=st.lists(st.integers(0, 30), min_size=1, max_size=3),
    value=json_values.values(max_leaves=4),
)
def test_any_field_changed_and_well_signed_is_in_bounds_or_refused(document, path, value):
    signed = document.model_dump(mode="json")
    place, key = signed, None
    for step in path:
        if key is not None and isinstance(place[key], dict) and place[key]:
            place = place[key]
        key = sorted(place)[step % len(place)]
    place[key] = value
    try:
        read = verify(sign_anything(signed, AUTHORITY), type(document), [AUTHORITY_HEX])
    except LfrError:
        return
    assert canonical(read.model_dump(mode="json")) == canonical(signed)


@given(at=st.integers(0, 10_000), bit=st.integers(0, 7))
def test_any_flipped_bit_is_refused(at: int, bit: int):
    spoiled = bytearray(sign(order(), [AUTHORITY]))
    spoiled[at % len(spoiled)] ^= 1 << bit
    with pytest.raises(LfrError):
        verify(bytes(spoiled), Order, [AUTHORITY_HEX])


@given(length=st.integers(0, 10_000))
def test_any_document_cut_short_is_refused(length: int):
    data = sign(order(), [AUTHORITY])
    with pytest.raises(LfrError):
        verify(data[: length % len(data)], Order, [AUTHORITY_HEX])


@pytest.mark.parametrize("tail", [b"\n", b" ", b"\0", b"{}", b"]"])
def test_anything_after_a_document_is_refused(tail: bytes):
    with pytest.raises(DocumentInvalid):
        verify(sign(order(), [AUTHORITY]) + tail, Order, [AUTHORITY_HEX])
