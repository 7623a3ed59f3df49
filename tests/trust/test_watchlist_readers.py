"""What reads a watchlist refuses anything else with an error of ours, and lets through what the writer makes."""

from __future__ import annotations

import copy
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.errors import DeltaInvalid, DocumentInvalid, LfrError, WatchlistInvalid
from edge.trust.content_key import unwrap_content_key, wrap_content_key
from edge.trust.documents import canonical, document_sha256, sign
from edge.trust.manifest import PackFacts, open_manifest, read_hashes, read_manifest
from edge.trust.watchlist_log import begin_at, follow, read_item
from edge.trust.watchlist_writer import compaction_due
from tests import json_values
from tests.trust import made_lists as lists
from tests.vectors import make_watchlist_vectors as made

BASE = lists.base_of(range(1, 6))
VAN = lists.open_list(BASE)
DELTA = lists.open_list(BASE).sealed(removes=[1], adds=[lists.entry(9)])
PACK = PackFacts(lists.PACK, 16, "operations")


def refused_or_read(read: Any, *given_: Any) -> None:
    try:
        read(*given_)
    except LfrError:
        return


@given(json_values.nearly_json())
def test_bytes_are_no_manifest_or_are_refused(data: bytes):
    with pytest.raises(LfrError):
        open_manifest(data, document_sha256(data), VAN.order, 1, PACK)


@given(json_values.nearly_json())
def test_bytes_are_no_item_or_are_refused(data: bytes):
    with pytest.raises(LfrError):
        read_item(data, VAN.order)


@given(st.sampled_from(sorted(json.loads(BASE.manifest))), json_values.values())
def test_a_manifest_with_any_value_anywhere_is_refused_or_read(key: str, value: Any):
    data = canonical({**json.loads(BASE.manifest), key: value})
    refused_or_read(open_manifest, data, document_sha256(data), VAN.order, 1, PACK)


@given(st.sampled_from(sorted(DELTA.delta.model_dump())), json_values.values())
def test_a_well_signed_item_with_any_value_anywhere_is_refused_or_read(key: str, value: Any):
    van = lists.List(VAN.base, VAN.order, VAN.epoch, VAN.state, VAN.gallery)
    signed = {**DELTA.delta.model_dump(mode="json"), key: value}
    item = canonical(made.document(copy.deepcopy(signed), *lists.SIGNERS))
    refused_or_read(van.take, item, DELTA.adds)


@given(st.binary(max_size=200))
def test_bytes_are_no_hashes_and_no_key(data: bytes):
    with pytest.raises(WatchlistInvalid):
        read_hashes(data, read_manifest(BASE.manifest))
    with pytest.raises(LfrError):
        unwrap_content_key(data, lists.VAN, lists.FLEET, lists.DEPLOYMENT, 1, made.RECIPIENT)


@given(st.integers(0, 79), st.integers(1, 255))
def test_a_wrapped_key_with_any_byte_changed_does_not_open(at: int, change: int):
    wrapped = bytearray(BASE.keys[made.RECIPIENT])
    wrapped[at] ^= change
    with pytest.raises(LfrError):
        unwrap_content_key(bytes(wrapped), lists.VAN, lists.FLEET, lists.DEPLOYMENT, 1, made.RECIPIENT)


@given(st.integers(0, 10_000), st.integers(1, 255))
@settings(max_examples=60)
def test_a_chunk_with_any_byte_changed_opens_no_list(at: int, change: int):
    chunk = bytearray(BASE.chunks[0])
    chunk[at % len(chunk)] ^= change
    with pytest.raises(WatchlistInvalid):
        lists.open_list(BASE, files=lambda: [bytes(chunk)])


# The writer


@pytest.mark.parametrize(
    "changes",
    [
        {"id": "F" * 32},
        {"id": "0" * 31},
        {"category": "intelligence"},
        {"response": "blue"},
        {"template": np.zeros(16, np.float32)},
        {"template": np.full(16, np.nan, np.float32)},
        {"template": np.full(16, 0.26, np.float32)},
        {"template": lists.template_of(1, 32)},
    ],
    ids=["capitals", "short", "category", "response", "zero", "nan", "norm", "dimension"],
)
def test_the_writer_refuses_an_entry_that_a_reader_would(changes: dict):
    with pytest.raises(WatchlistInvalid):
        lists.base_of([], entries=[lists.entry(1), lists.entry(2, **changes)])
    with pytest.raises(WatchlistInvalid):
        lists.open_list(BASE).sealed(adds=[lists.entry(20, **changes)])


def test_the_writer_refuses_a_list_that_a_reader_would():
    for entries in ([], lists.entries([1, 1])):
        with pytest.raises(WatchlistInvalid):
            lists.base_of([], entries=entries)
    with pytest.raises(DocumentInvalid):
        lists.base_of([1], dimension=8)
    with pytest.raises(DocumentInvalid):
        lists.base_of([1], deployment="Deployment 1")


def test_the_writer_refuses_a_delta_that_a_reader_would():
    van = lists.open_list(BASE, delta_entries_max=3, entries_max=6)
    for removes, adds in (([], []), ([9], []), ([], [1]), ([1, 2], [7, 8]), ([], [7, 8]), ([1, 2, 3, 4], [])):
        with pytest.raises(DeltaInvalid):
            van.sealed(removes, lists.entries(adds))


def test_additions_are_sealed_once_under_a_sequence():
    """Two plaintexts under one nonce would give both away."""
    van = lists.open_list(lists.base_of(range(1, 6)))
    van.sealed(adds=[lists.entry(9)])
    with pytest.raises(DeltaInvalid, match="sealed under this sequence before"):
        van.sealed(adds=[lists.entry(10)])
    van.push(removes=[1])
    van.push(adds=[lists.entry(10)])
    assert van.base.secret.sealed_sequences == {1, 2}


def test_no_two_epochs_have_one_content_key():
    assert len({lists.base_of([1], epoch=epoch).secret.content_key for epoch in (1, 2, 2)}) == 3


def test_a_content_key_of_another_length_is_not_wrapped():
    with pytest.raises(LfrError):
        wrap_content_key(b"\1" * 31, lists.RECIPIENTS[made.RECIPIENT], "fleet-1", "deployment-1", 1, made.RECIPIENT)


def test_a_list_is_compacted_past_a_fifth_or_512_items():
    assert not compaction_due(1_000_000, 200_000, 511)
    assert compaction_due(1_000_000, 200_001, 1)
    assert not compaction_due(1000, 61_440, 1)
    assert compaction_due(1000, 61_441, 1)
    assert compaction_due(1000, 0, 512)


def test_a_late_van_begins_at_the_newest_base():
    new = lists.base_of([1, 2], epoch=2)
    item = lists.new_base_item(VAN.state, new)
    data = sign(item, lists.SIGNERS)
    read = read_item(data, VAN.order)
    followed = follow(VAN.state, read, document_sha256(data), VAN.order)
    assert begin_at(item, document_sha256(data), VAN.order) == followed
    assert (followed.epoch, followed.sequence, followed.entries) == (2, 1, 2)


@given(st.lists(st.integers(1, 60), unique=True, min_size=1, max_size=30), st.sampled_from([16, 128]))
@settings(max_examples=15, deadline=None)
def test_what_the_writer_seals_the_van_opens_to_the_same_templates(numbers: list[int], dimension: int):
    gallery = lists.open_list(lists.base_of(numbers, dimension)).gallery
    wanted = np.stack([lists.template_of(number, dimension) for number in numbers])
    assert gallery.segments[0].entry_ids == tuple(map(lists.id_of, numbers))
    assert np.abs(gallery.segments[0].templates - wanted).max() < 1 / 32767
    assert np.allclose(np.linalg.norm(gallery.segments[0].templates, axis=1), 1, atol=1e-6)
