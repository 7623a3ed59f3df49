"""A signed document is read in one way or not at all."""

from __future__ import annotations

import json

import pytest
import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import example, given
from hypothesis import strategies as st

from edge.errors import DocumentInvalid, DocumentTooLarge, LfrError, SignatureInvalid
from edge.formats.documents import HealthDocument, Order, RecordDocument, Statistics
from edge.trust.documents import (
    DOCUMENT_MAX_BYTES,
    NESTING_MAX,
    SIGNATURES_MAX,
    as_document,
    canonical,
    document_sha256,
    parse_strict,
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
    health,
    order,
    record,
    sign_anything,
    statistics,
)


def outer_of(data: bytes) -> dict:
    return json.loads(data)


# Reading back


@pytest.mark.parametrize("document", each_type(), ids=lambda document: type(document).__name__)
def test_every_type_is_read_as_it_was_signed(document):
    assert verify(sign(document, [AUTHORITY]), type(document), [AUTHORITY_HEX]) == document


def test_hash_that_pins_a_document_is_sha256_of_its_bytes():
    assert document_sha256(b"abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


_bounded = st.floats(min_value=0, max_value=1e12, exclude_max=True)


@given(p50=_bounded, p99=_bounded, rate=st.floats(min_value=0, max_value=1e6, exclude_max=True))
@example(p50=1e-7, p99=5e-324, rate=123456.789)
@example(p50=999999999999.9999, p99=-0.0, rate=1.0)
def test_any_number_in_bounds_survives_signing_and_verifying(p50: float, p99: float, rate: float):
    latency = {"count": 1, "p50": p50, "p99": p99}
    sent = health(frames_per_s=rate, statistics=statistics(latency_ms=latency))
    assert verify(sign(sent, [VAN]), HealthDocument, [VAN_HEX]) == sent


@pytest.mark.parametrize("value", [1e12, 1e20, 1e21, -0.1, float("nan"), float("inf")])
def test_milliseconds_that_could_not_be_read_back_are_never_signed(value: float):
    with pytest.raises(ValueError, match="p50"):
        statistics(latency_ms={"count": 1, "p50": value, "p99": None})


def test_whole_numbers_stand_for_floats_and_never_the_reverse():
    signed = record().model_dump(mode="json")
    signed["statistics"]["latency_ms"]["p50"] = 30
    read = verify(sign_anything(signed, VAN), RecordDocument, [VAN_HEX])
    assert read.statistics.latency_ms.p50 == 30.0
    signed["statistics"]["alerts"] = 1.5
    with pytest.raises(DocumentInvalid, match=r"statistics\.alerts"):
        verify(sign_anything(signed, VAN), RecordDocument, [VAN_HEX])


@pytest.mark.parametrize("value", [True, "1", None, [], 2**53 - 1 + 0.5, -1])
def test_count_is_a_whole_number_and_nothing_like_one(value):
    fields = {**statistics().model_dump(mode="json"), "alerts": value}
    with pytest.raises(DocumentInvalid, match="alerts"):
        as_document(fields, Statistics)


@pytest.mark.parametrize(
    "text",
    ["2026-03-01T12:00:00Z", "2026-03-01T12:00:00.000+00:00", "٢٠٢٦-03-01T12:00:00.000Z", "2026-03-01T12:00:00.000Z\n"],
)
def test_time_in_any_other_form_is_refused(text: str):
    fields = {**order().model_dump(mode="json"), "not_before_utc": text}
    with pytest.raises(DocumentInvalid, match="not_before_utc"):
        as_document(fields, Order)


def test_refusal_names_every_field_that_is_wrong():
    fields = {**order().model_dump(mode="json"), "place": "", "similarity_threshold": 1.0, "colour": "grey"}
    with pytest.raises(DocumentInvalid, match=r"(?=.*place)(?=.*similarity_threshold)(?=.*colour)"):
        as_document(fields, Order)


# One form only


@pytest.mark.parametrize(
    "data",
    [
        b'{"a":1 }',
        b' {"a":1}',
        b'{"a":1}\n',
        b'{"b":1,"a":1}',
        b'{"a":1.0}',
        b'{"a":1e0}',
        b'{"a":10e-1}',
        b'{"a":-0}',
        b'{"a":-0.0}',
        b'{"a":0.00}',
        b'{"a":1E5}',
        b'{"a":1e5}',
        b'{"a":0.1000000000000000055}',
        b'{"a":"\\u0061"}',
        b'{"a":"\\/"}',
        b'{"a":"\\u000a"}',
        b'{"a":"\\u00e9"}',
        b'{"\\u0061":1}',
    ],
)
def test_json_in_another_form_than_the_canonical_one_is_refused(data: bytes):
    json.loads(data)
    with pytest.raises(DocumentInvalid, match="canonical form"):
        parse_strict(data)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"nul",
        b"{}{}",
        b"{} x",
        b"{'a':1}",
        b'{"a":1,}',
        b"[1,]",
        b"01",
        b"+1",
        b".5",
        b"0x10",
        b'"\t"',
        b'"\\x41"',
        b'"unended',
        b"\xef\xbb\xbf{}",
        b'{"a":"\xff"}',
        b'{"a":"\xc3\x28"}',
        b'{"a":"\xed\xa0\x80"}',
        b'{"a":"\xc0\x80"}',
        '{"a":1}'.encode("utf-16"),
        b"\x00",
    ],
)
def test_bytes_that_are_no_json_are_refused(data: bytes):
    with pytest.raises(DocumentInvalid):
        parse_strict(data)


@pytest.mark.parametrize("data", [b'"\\ud800"', b'{"\\udc00":1}', b'"\\ud800\\ud800"', b'{"\\ud800":1,"\\udfff":2}'])
def test_half_a_surrogate_pair_is_refused(data: bytes):
    with pytest.raises(DocumentInvalid):
        parse_strict(data)


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity", "1e999", "-1e999"])
def test_number_that_is_none_is_refused(text: str):
    with pytest.raises(DocumentInvalid):
        parse_strict(f'{{"a":{text}}}'.encode())


@pytest.mark.parametrize("text", [str(2**53), str(-(2**53)), str(2**64), "1" * 400, "9" * 5000, "1" + "0" * 30000])
def test_whole_number_that_a_float_cannot_hold_is_refused(text: str):
    with pytest.raises(DocumentInvalid):
        parse_strict(f"[{text}]".encode())


@pytest.mark.parametrize(
    "data",
    [
        b'{"a":1,"a":1}',
        b'{"a":1,"a":2}',
        b'{"b":{"a":1,"a":2}}',
        b'[[[{"x":[{"a":{"k":0,"k":0}}]}]]]',
        b'{"a":1,"\\u0061":2}',
        b'{"":1,"":2}',
    ],
)
def test_key_given_twice_at_any_depth_is_refused(data: bytes):
    with pytest.raises(DocumentInvalid, match="given twice"):
        parse_strict(data)


@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
def test_deep_nesting_is_refused_before_it_is_parsed(opening: bytes):
    for depth in (NESTING_MAX + 1, DOCUMENT_MAX_BYTES // len(opening)):
        with pytest.raises(DocumentInvalid, match="nested deeper"):
            parse_strict(opening * depth)
    deepest = b"[" * NESTING_MAX + b"]" * NESTING_MAX
    assert canonical(parse_strict(deepest)) == deepest


def test_brackets_in_a_text_neither_deepen_nor_lift_the_nesting():
    assert parse_strict(b'["' + b"[{" * 100 + b'"]') == ["[{" * 100]
    assert parse_strict(b'["\\"[[[[[[[[[[[[[[[[[[[["]')
    hidden = b'["' + b"]}" * 500 + b'",' + b"[" * 500 + b"]" * 500 + b"]"
    with pytest.raises(DocumentInvalid, match="nested deeper"):
        parse_strict(hidden)


def test_size_is_checked_before_anything_else():
    with pytest.raises(DocumentTooLarge):
        parse_strict(b"[" * (DOCUMENT_MAX_BYTES + 1))
    full = b'"' + b"a" * (DOCUMENT_MAX_BYTES - 2) + b'"'
    assert parse_strict(full) == "a" * (DOCUMENT_MAX_BYTES - 2)


def test_document_over_the_cap_is_not_signed():
    with pytest.raises(DocumentTooLarge):
        sign(health(state="x" * DOCUMENT_MAX_BYTES), [VAN])


@given(value=json_values.values())
def test_canonical_bytes_read_back_as_what_they_say(value):
    data = canonical(value)
    assert canonical(parse_strict(data)) == data


@given(value=json_values.values())
def test_other_spellings_of_a_value_are_refused(value):
    data = json.dumps(value, indent=1).encode()
    if data != rfc8785.dumps(value):
        with pytest.raises(DocumentInvalid):
            parse_strict(data)


@given(data=json_values.nearly_json())
def test_any_bytes_are_a_canonical_value_or_a_refusal(data: bytes):
    try:
        value = parse_strict(data)
    except DocumentInvalid:
        return
    assert canonical(value) == data


# Signatures


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
