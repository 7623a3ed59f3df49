"""Reading receipts: any bytes are a receipt of our room's, or refused."""

from __future__ import annotations

import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from edge.errors import ReceiptRefused
from edge.link.receipts import Receipt, read_receipt
from edge.trust.documents import canonical, public_hex
from tests.link.rig import DEVICE, FLEET, new_event_id, new_receipt

ROOM, OTHER_ROOM = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
KEYS = {public_hex(OTHER_ROOM): ["deployment-2"], public_hex(ROOM): ["deployment-1", "deployment-3"]}
EVENT = new_event_id()
GOOD = new_receipt(ROOM, [EVENT])


def test_a_receipt_names_its_events_and_the_deployments_of_its_key():
    assert read_receipt(GOOD, FLEET, DEVICE, KEYS) == Receipt((EVENT,), ("deployment-1", "deployment-3"))


def test_a_receipt_before_any_deployment_is_refused():
    with pytest.raises(ReceiptRefused, match="no deployment"):
        read_receipt(GOOD, FLEET, DEVICE, {})


@given(data=st.binary(max_size=400))
def test_arbitrary_bytes_are_refused(data: bytes):
    with pytest.raises(ReceiptRefused):
        read_receipt(data, FLEET, DEVICE, KEYS)


@given(data=st.data())
def test_a_receipt_with_a_byte_changed_is_refused_or_means_the_same(data: st.DataObject):
    raw = bytearray(GOOD)
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        receipt = read_receipt(bytes(raw), FLEET, DEVICE, KEYS)
    except ReceiptRefused:
        return
    # Outside the signature (the CloudEvent's id, time, source) nothing counts.
    assert receipt.event_ids == (EVENT,)


@given(
    data=st.recursive(
        st.none() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(max_size=10),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
        max_leaves=12,
    )
)
def test_any_canonical_json_in_place_of_the_document_is_refused(data: object):
    event = json.loads(GOOD)
    event["data"] = data
    with pytest.raises(ReceiptRefused):
        read_receipt(canonical(event), FLEET, DEVICE, KEYS)
