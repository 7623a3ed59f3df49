"""Joins two stages: a box for one item, in which the newer replaces the older and each loss is counted."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from edge.errors import MailboxClosed

T = TypeVar("T")

_STOP_CHECK_S = 0.1


class Mailbox(Generic[T]):
    """Depth 1, drop-oldest; any number of putters and takers.

    merge(old, new): what takes the new item's place when it drops an old one, so that facts which must not be
    lost (a track has ended) carry over; pure and quick. on_drop(item): called for each item that nobody will
    take, so that its buffers go back.
    """

    def __init__(self, merge: Callable[[T, T], T] | None = None, on_drop: Callable[[T], object] | None = None) -> None:
        self._merge = merge
        self._on_drop = on_drop
        self._changed = threading.Condition()
        self._items: list[T] = []
        self._closed = False
        self._drops = 0

    @property
    def drops(self) -> int:
        """Items dropped so far, count."""
        return self._drops

    def put(self, item: T) -> bool:
        """Leave an item, in place of one not yet taken. False, and the item is dropped, when the box is closed."""
        with self._changed:
            refused = self._closed
            if refused:
                dropped = [item]
            else:
                dropped, self._items = self._items, [item]
                if dropped and self._merge is not None:
                    self._items = [self._merge(dropped[0], item)]
                self._changed.notify_all()
            self._drops += len(dropped)
        self._let_go(dropped)
        return not refused

    def put_wait(self, item: T, stop: threading.Event) -> bool:
        """Leave an item once the box is empty: lock-step, nothing is lost.

        False, and the item is dropped, when `stop` is set or the box closed while waiting.
        """
        with self._changed:
            while self._items and not self._closed and not stop.is_set():
                self._changed.wait(_STOP_CHECK_S)
            refused = self._closed or stop.is_set()
            if refused:
                self._drops += 1
            else:
                self._items = [item]
                self._changed.notify_all()
        if refused:
            self._let_go([item])
        return not refused

    def take(self, timeout_s: float) -> T | None:
        """The item, or None when none came within timeout_s.

        Raises: MailboxClosed once the box is closed and its last item taken.
        """
        with self._changed:
            self._changed.wait_for(lambda: bool(self._items) or self._closed, timeout_s)
            if self._items:
                self._changed.notify_all()
                return self._items.pop()
            if self._closed:
                raise MailboxClosed("the stage before has ended")
            return None

    def close(self) -> None:
        """Say that no more will come; an item left inside can still be taken."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def abandon(self) -> None:
        """Close, and drop an item left inside: its taker is gone."""
        with self._changed:
            self._closed = True
            dropped, self._items = self._items, []
            self._drops += len(dropped)
            self._changed.notify_all()
        self._let_go(dropped)

    def _let_go(self, dropped: list[T]) -> None:
        if self._on_drop is not None:
            for item in dropped:
                self._on_drop(item)
