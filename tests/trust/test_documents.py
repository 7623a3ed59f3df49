"""A signed document is read in one way or not at all."""

from __future__ import annotations

import json

import pytest
import rfc8785
from hypothesis import example, given
from hypothesis import strategies as st

from edge.errors import DocumentInvalid, DocumentTooLarge
from edge.formats.documents import HealthDocument, RecordDocument, Statistics
from edge.formats.orders import Order
from edge.trust.documents import (
    DOCUMENT_MAX_BYTES,
    NESTING_MAX,
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
    VAN,
    VAN_HEX,
    each_type,
    health,
    order,
    record,
    sign_anything,
    statistics,
)

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
