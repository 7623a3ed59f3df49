"""A watchlist opens whole, for the vans and the order it was built for, or leaves nothing behind."""

from __future__ import annotations

import base64

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.errors import (
    DocumentInvalid,
    LfrError,
    SealInvalid,
    SignatureInvalid,
    WatchlistInvalid,
)
from edge.formats.documents import Order, WatchlistHeader, WatchlistReference
from edge.trust import watchlist
from edge.trust.documents import document_sha256, sign
from edge.trust.keys import seal_public_hex
from edge.trust.sealing import seal, watchlist_key_context
from edge.trust.watchlist import PART_MAX_BYTES
from tests import json_values
from tests.made_documents import (
    AUTHORITY,
    AUTHORITY_HEX,
    DEPLOYMENT,
    DEVICE,
    PACK_SHA256,
    ROOM_SEAL,
    STRANGER,
    VAN,
    VAN_SEAL,
    WATCHLIST,
    order,
)
from tests.trust.made_watchlist import PER_PART, Opening, entries_of, made


def order_for(data: bytes, header: WatchlistHeader, **changes: object) -> Order:
    reference = {
        "id": header.id,
        "entries": header.entries,
        "parts": watchlist.part_count(header),
        "sha256": document_sha256(data),
    }
    return order(watchlist=WatchlistReference(**{**reference, **changes}))


# The whole way


@pytest.mark.parametrize("count", [1, PER_PART - 1, PER_PART, PER_PART + 1, 3 * PER_PART])
def test_any_number_of_entries_opens_as_it_was_built(count: int):
    opening = made(count)
    assert len(opening.parts) == watchlist.part_count(opening.header) == -(-count // PER_PART)
    assert max(map(len, opening.parts)) <= PART_MAX_BYTES
    built = entries_of(count)
    assert opening.open() == tuple(entry_id for entry_id, _ in built)
    assert not opening.plain.any()
    assert np.abs(np.linalg.norm(opening.templates, axis=1) - 1).max() < 1e-6


@pytest.mark.parametrize("dimension", [16, 128, 256, 512, 2048])
def test_sixteen_bits_move_no_similarity_by_more_than_rounding_can(dimension: int):
    opening = made(40, dimension)
    opening.open()
    originals = np.stack([vector for _, vector in entries_of(40, dimension)]).astype(np.float64)
    opened = opening.templates.astype(np.float64)
    probes = np.stack([vector for _, vector in entries_of(40, dimension, seed=1)]).astype(np.float64)
    # Half a step in each of d components moves a vector by sqrt(d)/2 steps; back to unit length: twice that at most.
    bound = np.sqrt(dimension) / watchlist.FULL_SCALE
    assert np.abs(probes @ opened.T - probes @ originals.T).max() < bound
    assert np.abs((opened * originals).sum(axis=1) - 1).max() < 1e-6


@pytest.mark.parametrize("at", [0, 7, 15])
@pytest.mark.parametrize("sign_of_it", [1, -1])
def test_template_along_one_axis_survives_the_ends_of_sixteen_bits(at: int, sign_of_it: int):
    vector = np.zeros(16, np.float32)
    vector[at] = sign_of_it * 1.002
    recipients = {DEVICE: seal_public_hex(VAN_SEAL)}
    opening = Opening(*watchlist.seal_watchlist(WATCHLIST, DEPLOYMENT, PACK_SHA256, [("0" * 32, vector)], recipients))
    opening.open()
    assert np.array_equal(opening.templates[0], np.sign(vector))


def test_every_van_named_opens_it_and_no_other(opening: Opening):
    opening.open(cipher=watchlist.unwrap_key(opening.header, "van-2", ROOM_SEAL))
    with pytest.raises(WatchlistInvalid, match="not for van-3"):
        watchlist.unwrap_key(opening.header, "van-3", VAN_SEAL)


def test_two_builds_of_one_list_share_no_key_and_no_bytes(sealed: Opening):
    again = made()
    assert not set(again.parts) & set(sealed.parts)
    for part, other in zip(again.parts, sealed.parts, strict=True):
        assert part[:64] != other[:64]


# The builder


@pytest.mark.parametrize(
    ("entries", "why"),
    [
        ([], "no entries"),
        ([("0" * 31, np.eye(16, dtype=np.float32)[0])], "entry id"),
        ([("A" * 32, np.eye(16, dtype=np.float32)[0])], "entry id"),
        ([("0" * 32, np.eye(16, dtype=np.float32)[0])] * 2, "twice"),
        ([("0" * 32, np.eye(16, dtype=np.float32)[0]), ("1" * 32, np.eye(17, dtype=np.float32)[0])], "shape"),
        ([("0" * 32, np.zeros(16, np.float32))], "norm 0.000"),
        ([("0" * 32, np.full(16, 0.5, np.float32))], "norm 2.000"),
        ([("0" * 32, np.full(16, np.nan, np.float32))], "norm nan"),
        ([("0" * 32, np.full(16, np.inf, np.float32))], "norm inf"),
    ],
    ids=["none", "short id", "capitals", "twice", "two lengths", "norm 0", "norm 2", "NaN", "infinity"],
)
def test_list_that_no_van_would_open_is_not_built(entries, why: str):
    with pytest.raises(WatchlistInvalid, match=why):
        watchlist.seal_watchlist(WATCHLIST, DEPLOYMENT, PACK_SHA256, entries, {})


def test_list_is_not_built_for_a_key_that_cannot_be_sealed_to():
    with pytest.raises(SealInvalid):
        watchlist.seal_watchlist(WATCHLIST, DEPLOYMENT, PACK_SHA256, entries_of(1, 16), {DEVICE: "00" * 32})


# The header


def test_header_that_the_order_names_is_opened(sealed: Opening):
    data = sign(sealed.header, [AUTHORITY])
    assert watchlist.open_header(data, order_for(data, sealed.header), [AUTHORITY_HEX]) == sealed.header


def test_header_other_than_the_one_the_order_pins_is_refused(sealed: Opening):
    data = sign(sealed.header, [AUTHORITY])
    with pytest.raises(WatchlistInvalid, match="the order names"):
        watchlist.open_header(data, order_for(data + b" ", sealed.header), [AUTHORITY_HEX])


@pytest.mark.parametrize("key", [STRANGER, VAN])
def test_header_not_signed_by_the_authority_is_refused_even_when_the_order_pins_it(sealed: Opening, key):
    data = sign(sealed.header, [key])
    with pytest.raises(SignatureInvalid):
        watchlist.open_header(data, order_for(data, sealed.header), [AUTHORITY_HEX])


@pytest.mark.parametrize("changes", [{"id": "list-2"}, {"entries": 1}, {"parts": 1}, {"parts": 4}], ids=repr)
def test_header_that_is_not_what_the_order_says_of_it_is_refused(sealed: Opening, changes):
    data = sign(sealed.header, [AUTHORITY])
    with pytest.raises(WatchlistInvalid):
        watchlist.open_header(data, order_for(data, sealed.header, **changes), [AUTHORITY_HEX])


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"deployment": "deployment-2"}, "the order names another"),
        ({"pack_sha256": "ef" * 32}, "another pack"),
        ({"entries": 5}, "not the number in the order"),
        ({"entries_per_part": 10_000}, "not the number in the order"),
        ({"entries_per_part": 10_000, "entries": 21_000}, "not the number in the order"),
    ],
)
def test_header_for_something_else_than_the_order_is_refused(sealed: Opening, changes, why: str):
    data = sign(sealed.header.model_copy(update=changes), [AUTHORITY])
    with pytest.raises(WatchlistInvalid, match=why):
        watchlist.open_header(data, order_for(data, sealed.header), [AUTHORITY_HEX])


def test_header_that_announces_oversized_parts_is_refused(sealed: Opening):
    header = sealed.header.model_copy(update={"entries_per_part": PER_PART + 1})
    data = sign(header, [AUTHORITY])
    with pytest.raises(WatchlistInvalid, match="parts over"):
        watchlist.open_header(data, order_for(data, header), [AUTHORITY_HEX])


@pytest.mark.parametrize(
    "changes",
    [
        {"entries": 0},
        {"entries": 200_001},
        {"dimension": 15},
        {"dimension": 2049},
        {"entries_per_part": 0},
        {"id": "UP"},
    ],
    ids=repr,
)
def test_header_out_of_bounds_is_refused(sealed: Opening, changes):
    data = sign(sealed.header.model_copy(update=changes), [AUTHORITY])
    with pytest.raises(DocumentInvalid):
        watchlist.open_header(data, order_for(data, sealed.header), [AUTHORITY_HEX])


@given(data=json_values.nearly_json())
def test_any_bytes_are_no_header(sealed: Opening, data: bytes):
    with pytest.raises(LfrError):
        watchlist.open_header(data, order_for(data, sealed.header), [AUTHORITY_HEX])
    with pytest.raises(LfrError):
        watchlist.open_header(data, order_for(b"x", sealed.header), [AUTHORITY_HEX])


# The content key


def test_key_of_another_van_does_not_unwrap(sealed: Opening):
    with pytest.raises(SealInvalid):
        watchlist.unwrap_key(sealed.header, DEVICE, ROOM_SEAL)


@pytest.mark.parametrize("changes", [{"id": "list-2"}, {"deployment": "deployment-2"}], ids=repr)
def test_key_moved_to_another_list_or_deployment_does_not_unwrap(sealed: Opening, changes):
    with pytest.raises(SealInvalid):
        watchlist.unwrap_key(sealed.header.model_copy(update=changes), DEVICE, VAN_SEAL)


def test_key_wrapped_for_another_van_does_not_unwrap_under_this_vans_name(sealed: Opening):
    wrapped = {DEVICE: sealed.header.wrapped_keys["van-2"]}
    header = sealed.header.model_copy(update={"wrapped_keys": wrapped})
    with pytest.raises(SealInvalid):
        watchlist.unwrap_key(header, DEVICE, ROOM_SEAL)


@pytest.mark.parametrize("length", [0, 16, 31, 33])
def test_wrapped_key_of_another_length_is_refused(sealed: Opening, length: int):
    box = seal(bytes(length), seal_public_hex(VAN_SEAL), watchlist_key_context(WATCHLIST, DEPLOYMENT, DEVICE))
    wrapped = {DEVICE: base64.b64encode(box).decode()}
    with pytest.raises(SealInvalid, match=f"of {length} bytes"):
        watchlist.unwrap_key(sealed.header.model_copy(update={"wrapped_keys": wrapped}), DEVICE, VAN_SEAL)


@given(text=st.from_regex(r"\A[A-Za-z0-9+/]{0,120}={0,2}\Z"))
def test_any_text_in_the_place_of_a_wrapped_key_is_refused(sealed: Opening, text: str):
    header = sealed.header.model_copy(update={"wrapped_keys": {DEVICE: text}})
    with pytest.raises((WatchlistInvalid, SealInvalid)):
        watchlist.unwrap_key(header, DEVICE, VAN_SEAL)
