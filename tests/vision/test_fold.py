"""The fold: a base and deltas are a gallery, whole or not at all, and what is taken off is gone from memory."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.errors import DeltaInvalid, LfrError, RepositoryUnavailable, WatchlistInvalid
from edge.vision import fold
from edge.vision.fold import BLOCK_ROWS_MIN, apply_delta, open_base
from edge.vision.gallery import Gallery
from edge.vision.gallery_holder import GalleryHolder
from tests.trust import made_lists as lists

STEPS = st.lists(
    st.tuples(st.sets(st.integers(1, 30), max_size=4), st.sets(st.integers(1, 30), max_size=4)), max_size=6
)


def brute_force(numbers: set[int], probe: np.ndarray, threshold: float) -> set[str]:
    return {lists.id_of(n) for n in numbers if float(lists.template_of(n).astype(float) @ probe) >= threshold}


def found(gallery: Gallery, number: int) -> set[str]:
    return {each.entry_id for each in gallery.search(lists.template_of(number), 0.99).candidates}


@given(first=st.sets(st.integers(1, 30), min_size=1, max_size=12), steps=STEPS)
@settings(max_examples=20, deadline=None)
def test_a_fold_finds_what_a_brute_force_over_the_same_entries_finds(first: set[int], steps: list):
    held = set(first)
    van = lists.open_list(lists.base_of(sorted(first)))
    for removes, adds in steps:
        off, on = removes & held, adds - held
        if not off | on or not (held - off) | on:
            continue
        before = van.gallery
        after = van.push(sorted(off), lists.entries(sorted(on)))
        before.overwrite_all_but(after)
        held = held - off | on
        assert len(after) == len(held)
        assert after.entry_ids() == {lists.id_of(number) for number in held}
        for number in range(1, 31):
            probe = lists.template_of(number)
            hits = {each.entry_id for each in after.search(probe, 0.5).candidates}
            assert hits == brute_force(held, probe.astype(float), 0.5)


def test_small_deltas_share_a_block_so_that_segments_stay_few():
    van = lists.open_list(lists.base_of(range(1, 5)))
    for number in range(10, 10 + BLOCK_ROWS_MIN + 1):
        van.push(adds=[lists.entry(number)])
    assert len(van.gallery.segments) == 3
    assert len(van.gallery) == 4 + BLOCK_ROWS_MIN + 1


def test_a_gallery_does_not_change_when_a_delta_is_applied_to_it():
    van = lists.open_list(lists.base_of(range(1, 5)))
    van.push(adds=[lists.entry(9)])
    before = van.gallery
    van.push(removes=[1], adds=[lists.entry(10)])
    assert before.entry_ids() == {lists.id_of(number) for number in (1, 2, 3, 4, 9)}
    assert found(before, 1) == {lists.id_of(1)}
    assert found(before, 10) == set()


def test_two_deltas_of_one_gallery_do_not_write_over_each_other():
    van = lists.open_list(lists.base_of(range(1, 5)))
    van.push(adds=[lists.entry(9)])
    sealed = van.sealed(adds=[lists.entry(10)])
    first = apply_delta(van.gallery, van.epoch, sealed.delta, sealed.adds)
    second = apply_delta(van.gallery, van.epoch, sealed.delta, sealed.adds)
    second.overwrite_all_but(van.gallery)
    assert found(first, 10) == {lists.id_of(10)}


def test_a_gallery_that_is_given_up_takes_its_additions_with_it_and_nothing_else():
    van = lists.open_list(lists.base_of(range(1, 5)))
    van.push(adds=[lists.entry(9)])
    sealed = van.sealed(removes=[2], adds=[lists.entry(10)])
    given_up = apply_delta(van.gallery, van.epoch, sealed.delta, sealed.adds)
    given_up.overwrite_all_but(van.gallery)
    assert not van.gallery.segments[1].block.templates[1:].any()
    assert [found(van.gallery, number) for number in (2, 9)] == [{lists.id_of(2)}, {lists.id_of(9)}]


def test_a_base_whose_fetch_fails_leaves_nothing_in_memory(monkeypatch: pytest.MonkeyPatch):
    made = []
    buffer = fold.LockedBuffer
    monkeypatch.setattr(fold, "LockedBuffer", lambda size: made.append(buffer(size)) or made[-1])
    monkeypatch.setattr("edge.vision.gallery.LockedBuffer", fold.LockedBuffer)
    base = lists.base_of(range(1, 3000))

    def failing():
        yield base.chunks[0]
        raise RepositoryUnavailable("as told")

    with pytest.raises(RepositoryUnavailable):
        lists.open_list(base, files=failing)
    assert len(made) == 2
    assert not any(each.array("u1", (len(each._map),)).any() for each in made)


@pytest.mark.parametrize("fault", ["missing", "altered", "in_force"])
def test_a_delta_that_is_refused_leaves_its_templates_nowhere_and_the_list_as_it_was(fault: str):
    van = lists.open_list(lists.base_of(range(1, 5), 1024))
    added = lists.entries(range(20, 60), 1024)
    sealed = van.sealed(adds=added)
    assert len(sealed.adds) == 2
    files = {"missing": sealed.adds[:1], "altered": (sealed.adds[0], b"")}.get(fault, sealed.adds)
    gallery, delta = van.gallery, sealed.delta
    if fault == "in_force":
        held = lists.base_of((*range(1, 5), 59), 1024)
        gallery = lists.open_list(held).gallery
        delta = delta.model_copy(update={"entries_after": 45})
    ids, blocks, of_size = gallery.entry_ids(), [], fold.Block.of_size
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fold.Block, "of_size", lambda *size: blocks.append(of_size(*size)) or blocks[-1])
        with pytest.raises((DeltaInvalid, WatchlistInvalid)):
            apply_delta(gallery, van.epoch, delta, files)
    assert len(blocks) == 1
    assert not blocks[0].templates.any()
    assert gallery.entry_ids() == ids
    assert gallery.search(lists.template_of(3, 1024), 0.99).candidates


@given(data=st.binary(max_size=400), at=st.integers(0, 3))
@settings(max_examples=60, deadline=None)
def test_no_file_makes_a_fold_fail_otherwise_than_by_refusal(data: bytes, at: int):
    base = lists.base_of(range(1, 5))
    van = lists.open_list(base)
    sealed = van.sealed(adds=[lists.entry(9)])
    reads = (
        lambda: open_base(van.epoch, data, base.chunks),
        lambda: open_base(van.epoch, base.hashes, [data]),
        lambda: apply_delta(van.gallery, van.epoch, sealed.delta, [data]),
        lambda: apply_delta(van.gallery, van.epoch, sealed.delta, [data, data]),
    )
    with pytest.raises(LfrError):
        reads[at]()
    assert len(van.gallery) == 4


# The holder


def test_a_search_during_a_swap_sees_the_old_list_or_the_new_one_whole():
    van = lists.open_list(lists.base_of(range(1, 9)))
    holder = GalleryHolder(van.gallery)
    stop, seen = threading.Event(), set()

    def search() -> None:
        while not stop.is_set():
            with holder.current() as gallery:
                seen.add(frozenset(found(gallery, 1) | found(gallery, 20)))

    reader = threading.Thread(target=search)
    reader.start()
    try:
        for _ in range(20):
            assert holder.swap(van.push(removes=[1], adds=[lists.entry(20)]))
            assert holder.swap(van.push(removes=[20], adds=[lists.entry(1)]))
    finally:
        stop.set()
        reader.join()
    assert seen <= {frozenset({lists.id_of(1)}), frozenset({lists.id_of(20)})}
    assert seen


def test_a_removed_template_is_overwritten_once_no_search_reads_it_and_not_before():
    van = lists.open_list(lists.base_of(range(1, 5)))
    holder = GalleryHolder(van.gallery)
    old = van.gallery
    rows = old.segments[0].templates
    new = van.push(removes=[2])
    swapped = threading.Thread(target=holder.swap, args=(new,))
    with holder.current() as reading:
        assert reading is old
        swapped.start()
        while holder.gallery is old:
            swapped.join(0.001)
        assert rows[1].any()
        assert holder.search(lists.template_of(2), 0.99).candidates == ()
    swapped.join(10)
    assert not rows[1].any()
    assert rows[[0, 2, 3]].any(axis=1).all()


def test_a_new_base_overwrites_the_old_one_whole():
    van, other = lists.open_list(lists.base_of(range(1, 5))), lists.open_list(lists.base_of(range(7, 9)))
    van.push(adds=[lists.entry(20)])
    old = van.gallery
    holder = GalleryHolder(old)
    holder.swap(other.gallery)
    assert not any(segment.block.templates.any() for segment in old.segments)
    assert holder.search(lists.template_of(7), 0.99).candidates


def test_a_wiped_holder_finds_nobody_and_holds_nothing():
    van = lists.open_list(lists.base_of(range(1, 5)))
    van.push(adds=[lists.entry(20)])
    holder = GalleryHolder(van.gallery)
    assert holder.wipe()
    assert not any(segment.block.templates.any() for segment in van.gallery.segments)
    assert holder.search(lists.template_of(1), -1.0).candidates == ()
    assert len(holder) == 0


def test_a_search_that_hangs_does_not_keep_a_list_from_being_wiped(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("edge.vision.gallery_holder.READERS_WAIT_MAX_S", 0.01)
    van = lists.open_list(lists.base_of(range(1, 5)))
    holder = GalleryHolder(van.gallery)
    with holder.current() as gallery:
        assert not holder.wipe()
        assert not gallery.segments[0].templates.any()
