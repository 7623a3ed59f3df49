"""A box for one item: the newer wins, nothing is lost uncounted, and nobody waits for ever."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.errors import MailboxClosed
from edge.vision.mailbox import Mailbox

WAIT_S = 5.0


def test_the_newer_item_replaces_the_older_and_the_drop_is_counted():
    dropped = []
    box = Mailbox(on_drop=dropped.append)
    for item in range(4):
        assert box.put(item)
    assert box.take(0) == 3
    assert box.take(0) is None
    assert (box.drops, dropped) == (3, [0, 1, 2])


def test_what_must_not_be_lost_carries_over():
    box: Mailbox[tuple[int, frozenset[int]]] = Mailbox(merge=lambda old, new: (new[0], old[1] | new[1]))
    box.put((1, frozenset({7})))
    box.put((2, frozenset()))
    box.put((3, frozenset({9})))
    assert box.take(0) == (3, frozenset({7, 9}))
    assert box.drops == 2


@given(st.lists(st.one_of(st.none(), st.integers(0, 9)), max_size=40))
def test_every_sticky_fact_arrives_exactly_once_whatever_the_order(steps):
    """None takes; a number puts an item with that fact."""
    box: Mailbox[list[int]] = Mailbox(merge=lambda old, new: old + new)
    arrived: list[int] = []
    for step in steps:
        arrived += (box.take(0) or []) if step is None else []
        if step is not None:
            box.put([step])
    arrived += box.take(0) or []
    assert arrived == [step for step in steps if step is not None]


def test_a_taker_waits_for_the_item():
    box: Mailbox[str] = Mailbox()
    with ThreadPoolExecutor(1) as pool:
        taken = pool.submit(box.take, WAIT_S)
        box.put("frame")
        assert taken.result(WAIT_S) == "frame"


def test_the_last_item_is_taken_before_the_end_is_told():
    box: Mailbox[int] = Mailbox()
    box.put(1)
    box.close()
    assert box.take(WAIT_S) == 1
    with pytest.raises(MailboxClosed):
        box.take(WAIT_S)


def test_closing_wakes_a_waiting_taker():
    box: Mailbox[int] = Mailbox()
    with ThreadPoolExecutor(1) as pool:
        taken = pool.submit(box.take, WAIT_S)
        box.close()
        assert isinstance(taken.exception(WAIT_S), MailboxClosed)


def test_an_item_for_a_closed_box_is_refused_let_go_and_counted():
    dropped = []
    box = Mailbox(on_drop=dropped.append)
    box.put(1)
    box.close()
    assert not box.put(2)
    assert not box.put_wait(3, threading.Event())
    assert (dropped, box.drops) == ([2, 3], 2)
    assert box.take(0) == 1


def test_lock_step_loses_nothing():
    box: Mailbox[int] = Mailbox()
    stop = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        putting = pool.submit(lambda: [box.put_wait(item, stop) for item in range(200)])
        taken = [box.take(WAIT_S) for _ in range(200)]
        assert all(putting.result(WAIT_S))
    assert taken == list(range(200))
    assert box.drops == 0


def test_lock_step_ends_when_told_to_stop():
    dropped = []
    box = Mailbox(on_drop=dropped.append)
    stop = threading.Event()
    box.put(1)
    with ThreadPoolExecutor(1) as pool:
        putting = pool.submit(box.put_wait, 2, stop)
        stop.set()
        assert putting.result(WAIT_S) is False
    assert dropped == [2]


def test_lock_step_ends_when_the_box_is_closed():
    box: Mailbox[int] = Mailbox()
    box.put(1)
    with ThreadPoolExecutor(1) as pool:
        putting = pool.submit(box.put_wait, 2, threading.Event())
        box.close()
        assert putting.result(WAIT_S) is False
    assert box.take(0) == 1


def test_buffers_may_be_let_go_from_inside_the_box():
    box: Mailbox[int] = Mailbox(on_drop=lambda item: box.take(0))
    box.put(1)
    box.put(2)
    assert box.take(0) is None
