"""The CloudEvent around a signed document: one form on the way in, and nothing believed but what is signed."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.errors import DocumentInvalid, DocumentTooLarge, LfrError, SignatureInvalid
from edge.formats.documents import AlertDocument, HealthDocument, ReceiptDocument
from edge.trust.documents import DOCUMENT_MAX_BYTES, canonical, sign
from edge.trust.envelope import unwrap, wrap
from tests import json_values
from tests.made_documents import (
    EVENT_ID,
    NOON_TEXT,
    STRANGER,
    VAN,
    VAN_HEX,
    alert,
    health,
    receipt,
    record,
)


def event_of(document, kind: str = "alert", key=VAN) -> bytes:
    return wrap(sign(document, [key]), EVENT_ID, "/lfr/v1/fleet-1/devices/van-1", kind, NOON_TEXT)


def altered(**changes) -> bytes:
    return canonical({**json.loads(event_of(alert())), **changes})


def test_event_brings_the_document_that_was_signed():
    assert unwrap(event_of(alert()), AlertDocument, {VAN_HEX}) == alert()


def test_event_is_a_cloudevent_1_0_in_canonical_form():
    data = event_of(alert())
    event = json.loads(data)
    assert canonical(event) == data
    assert {name: event[name] for name in ("specversion", "datacontenttype", "type", "id", "time")} == {
        "specversion": "1.0",
        "datacontenttype": "application/json",
        "type": "lfr-edge.alert.v1",
        "id": EVENT_ID,
        "time": NOON_TEXT,
    }


@pytest.mark.parametrize(
    "changes",
    [
        {"subject": "x"},
        {"specversion": "1.1"},
        {"specversion": 1},
        {"datacontenttype": "text/plain"},
        {"data": None},
        {"data": []},
        {"data": {}},
        {"data": "text"},
        {"data": {"signed": {}, "signatures": [], "note": 1}},
        {"data": {"signed": {}}},
        {"data_base64": "AAAA"},
    ],
    ids=repr,
)
def test_event_of_another_form_is_refused(changes):
    with pytest.raises(DocumentInvalid):
        unwrap(altered(**changes), AlertDocument, {VAN_HEX})


@pytest.mark.parametrize("name", ["id", "source", "type", "time", "specversion", "datacontenttype", "data"])
def test_event_without_one_of_its_fields_is_refused(name: str):
    event = json.loads(event_of(alert()))
    del event[name]
    with pytest.raises(DocumentInvalid):
        unwrap(canonical(event), AlertDocument, {VAN_HEX})


@pytest.mark.parametrize("data", [b"[]", b"null", b"1", b'"x"', b"{}"])
def test_json_that_is_no_event_is_refused(data: bytes):
    with pytest.raises(DocumentInvalid):
        unwrap(data, AlertDocument, {VAN_HEX})


def test_outside_of_the_event_is_not_believed():
    spoiled = altered(id="elsewhere", source="/nowhere", time="never", type="lfr-edge.record.v1")
    assert unwrap(spoiled, AlertDocument, {VAN_HEX}) == alert()


@pytest.mark.parametrize("document", [record(), receipt(), health()], ids=lambda document: type(document).__name__)
def test_event_that_says_alert_around_another_document_is_refused(document):
    with pytest.raises(DocumentInvalid, match="AlertDocument"):
        unwrap(event_of(document, "alert"), AlertDocument, {VAN_HEX})


def test_signature_comes_before_content():
    with pytest.raises(SignatureInvalid):
        unwrap(event_of(health(), key=STRANGER), AlertDocument, {VAN_HEX})


def test_largest_document_that_can_be_signed_may_not_fit_an_event():
    data = sign(health(state="x" * (DOCUMENT_MAX_BYTES - 1200)), [VAN])
    with pytest.raises(DocumentInvalid, match="event of"):
        wrap(data, EVENT_ID, "/" + "s" * 1000, "health", NOON_TEXT)


def test_event_over_the_cap_is_refused():
    with pytest.raises(DocumentTooLarge):
        unwrap(altered(source="x" * DOCUMENT_MAX_BYTES), AlertDocument, {VAN_HEX})


@given(data=json_values.nearly_json())
def test_any_bytes_are_an_event_or_a_refusal(data: bytes):
    with pytest.raises(LfrError):
        unwrap(data, ReceiptDocument, {VAN_HEX})


@given(
    name=st.sampled_from(["id", "source", "type", "time", "specversion", "datacontenttype", "data", "more"]),
    value=json_values.values(),
)
def test_any_value_in_any_field_of_an_event_is_refused_or_not_believed(name: str, value):
    data = altered(**{name: value})
    try:
        read = unwrap(data, AlertDocument, {VAN_HEX})
    except LfrError:
        return
    assert read == alert()


@given(at=st.integers(0, 10_000), bit=st.integers(0, 7))
def test_any_flipped_bit_of_an_event_is_refused_or_not_believed(at: int, bit: int):
    spoiled = bytearray(event_of(health(), "health"))
    spoiled[at % len(spoiled)] ^= 1 << bit
    try:
        read = unwrap(bytes(spoiled), HealthDocument, {VAN_HEX})
    except LfrError:
        return
    assert read == health()
