"""An order is obeyed by the box, the pack and at the time it names, and only on the authority's word."""

from __future__ import annotations

import re
from datetime import timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.errors import DocumentInvalid, LfrError, OrderExpired, OrderInvalid, SignatureInvalid, ThresholdMismatch
from edge.formats.documents import Order
from edge.trust.documents import sign
from edge.trust.order import check_period, open_order
from tests import json_values
from tests.made_documents import (
    AUTHORITY,
    AUTHORITY_HEX,
    BACKEND,
    DEVICE,
    FLEET,
    NOON,
    PACK_SHA256,
    STRANGER,
    STRANGER_HEX,
    VAN,
    order,
    sign_anything,
)

PLACE = {
    "authority_keys": [AUTHORITY_HEX],
    "fleet": FLEET,
    "device": DEVICE,
    "pack_sha256": PACK_SHA256,
    "backend": BACKEND,
    "now": NOON,
}


def opened(document: Order, **changes) -> Order:
    return open_order(sign(document, [AUTHORITY]), **{**PLACE, **changes})


def test_order_for_this_box_pack_and_moment_is_opened():
    assert opened(order()) == order()


def test_order_by_any_of_the_authoritys_keys_is_opened():
    assert opened(order(), authority_keys=[STRANGER_HEX, AUTHORITY_HEX]) == order()


@pytest.mark.parametrize("key", [STRANGER, VAN])
def test_order_not_signed_by_the_authority_is_refused(key):
    with pytest.raises(SignatureInvalid):
        open_order(sign(order(), [key]), **PLACE)


@pytest.mark.parametrize("changes", [{"fleet": "fleet-2"}, {"device": "van-3"}, {"device": "van"}], ids=repr)
def test_order_for_another_box_is_refused_and_says_for_whom_it_is(changes):
    with pytest.raises(OrderInvalid, match=r"fleet-1: van-1, van-2; this is"):
        opened(order(), **changes)


def test_order_for_another_pack_is_refused_and_says_what_to_do():
    with pytest.raises(OrderInvalid, match="install the pack"):
        opened(order(), pack_sha256="ef" * 32)


@pytest.mark.parametrize(
    ("offset", "allowed"),
    [
        (timedelta(hours=-3, milliseconds=-1), False),
        (timedelta(hours=-3), True),
        (timedelta(hours=5, milliseconds=-1), True),
        (timedelta(hours=5), False),
        (timedelta(days=365), False),
        (timedelta(days=-365), False),
    ],
)
def test_order_is_in_force_from_its_beginning_until_before_its_end(offset: timedelta, allowed: bool):
    if allowed:
        opened(order(), now=NOON + offset)
    else:
        with pytest.raises(OrderExpired, match="09:00"):
            opened(order(), now=NOON + offset)


def test_clock_of_another_time_zone_means_the_same_moment():
    elsewhere = timezone(timedelta(hours=-8))
    opened(order(), now=NOON.astimezone(elsewhere))


@pytest.mark.parametrize("end", ["2026-03-01T09:00:00.000Z", "2026-03-01T08:59:59.999Z", "0001-01-01T00:00:00.000Z"])
def test_order_that_ends_before_it_begins_is_refused(end: str):
    with pytest.raises(OrderInvalid, match="before it begins"):
        opened(order(not_after_utc=end))


@pytest.mark.parametrize(
    "text",
    [
        "2026-02-29T12:00:00.000Z",
        "2026-13-01T12:00:00.000Z",
        "2026-00-00T12:00:00.000Z",
        "2026-03-01T24:00:00.000Z",
        "2026-03-01T12:60:00.000Z",
        "2026-03-01T12:00:60.000Z",
        "2026-03-01T12:00:61.000Z",
        "0000-01-01T00:00:00.000Z",
        "9999-99-99T99:99:99.999Z",
    ],
)
@pytest.mark.parametrize("field", ["not_before_utc", "not_after_utc"])
def test_time_that_does_not_exist_is_refused(field: str, text: str):
    with pytest.raises(OrderInvalid):
        opened(order(**{field: text}))


@pytest.mark.parametrize("text", ["tomorrow", "2026-03-01", "2026-03-01T12:00:00Z", "2026-3-1T1:0:0.0Z", "١٢:00"])
def test_text_that_is_no_time_is_refused(text: str):
    with pytest.raises(DocumentInvalid, match="not_after_utc"):
        opened(order().model_copy(update={"not_after_utc": text}))
    with pytest.raises(OrderInvalid):
        check_period(order().model_copy(update={"not_after_utc": text}), NOON)


@pytest.mark.parametrize("backend", ["litert/float32", "tflite-runtime/int8", "litert+libedgetpu.so.1/int8"])
def test_order_whose_threshold_was_set_for_another_backend_is_refused_with_both_names(backend: str):
    with pytest.raises(ThresholdMismatch, match=f"for {BACKEND}, this van computes with {re.escape(backend)}"):
        opened(order(), backend=backend)


def test_order_whose_room_key_cannot_be_sealed_to_is_refused():
    with pytest.raises(OrderInvalid, match="room_seal_key_hex"):
        opened(order(room_seal_key_hex="00" * 32))


@pytest.mark.parametrize(
    "changes",
    [
        {"devices": []},
        {"devices": ["Van-1"]},
        {"devices": ["van-1\n"]},
        {"devices": "van-1"},
        {"similarity_threshold": 0.0},
        {"similarity_threshold": 1.0},
        {"similarity_threshold": -0.5},
        {"similarity_threshold": "0.5"},
        {"alert_retention_h": 0.0},
        {"alert_retention_h": 745.0},
        {"deployment": "../up"},
        {"deployment": "d" * 49},
        {"place": ""},
        {"authorising_officer": "x" * 101},
        {"pack_sha256": "AB" * 32},
        {"room_receipt_key_hex": "ab" * 31},
        {"type": "watchlist"},
        {"watchlist": None},
        {"watchlist": {"id": "list-1", "entries": 0, "parts": 1, "sha256": "cd" * 32}},
        {"watchlist": {"id": "list-1", "entries": 200_001, "parts": 1, "sha256": "cd" * 32}},
        {"colour": "grey"},
    ],
    ids=repr,
)
def test_order_out_of_bounds_is_refused(changes):
    with pytest.raises(DocumentInvalid):
        open_order(sign_anything({**order().model_dump(mode="json"), **changes}, AUTHORITY), **PLACE)


@given(name=st.sampled_from(sorted(Order.model_fields)), value=json_values.values(max_leaves=4))
def test_any_value_in_an_order_is_obeyed_or_refused(name: str, value):
    data = sign_anything({**order().model_dump(mode="json"), name: value}, AUTHORITY)
    try:
        read = open_order(data, **PLACE)
    except LfrError:
        return
    assert read.fleet == FLEET
    assert DEVICE in read.devices


@given(data=json_values.nearly_json())
def test_any_bytes_are_no_order(data: bytes):
    with pytest.raises(LfrError):
        open_order(data, **PLACE)
