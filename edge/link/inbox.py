"""The one queue of the main loop: what vision, the broker and the connection have to say, in order.

Every lane is bounded: vision is made to wait (the pipe fills, and vision notices), what the broker sends
is dropped and counted, and connection events are few by their nature.
"""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass

from edge.wire import Message, Pipe

FROM_VISION_MAX = 64
FROM_BROKER_MAX = 256


@dataclass(frozen=True)
class Connected:
    """The broker has accepted us."""

    session_seq: int


@dataclass(frozen=True)
class Disconnected:
    """The connection ended, or an attempt failed."""

    why: str


@dataclass(frozen=True)
class Acknowledged:
    """The broker's PUBACK; refusal: in words, None when it took the message."""

    message_id: int
    refusal: str | None


@dataclass(frozen=True)
class SubscriptionRefused:
    """The broker's SUBACK said no."""

    message_id: int
    why: str


@dataclass(frozen=True)
class Received:
    """A message of the broker's."""

    topic: str
    payload: bytes


@dataclass(frozen=True, eq=False)
class VisionAttached:
    """A connection to the vision half stands."""

    pipe: Pipe


@dataclass(frozen=True)
class VisionGone:
    """It ended."""

    why: str


@dataclass(frozen=True, eq=False)
class FromVision:
    """A message of the vision half's."""

    message: Message


Event = (
    Connected | Disconnected | Acknowledged | SubscriptionRefused | Received | VisionAttached | VisionGone | FromVision
)


class Inbox:
    """Many threads put, one takes."""

    def __init__(self) -> None:
        self.dropped = 0
        self._changed = threading.Condition()
        self._events: deque[Event] = deque()
        self._from_vision = 0
        self._from_broker = 0

    def put(self, event: Event) -> None:
        """For what must not be lost and is bounded elsewhere: connection events, PUBACKs of a window."""
        with self._changed:
            self._append(event)

    def put_or_drop(self, event: Received) -> None:
        """For what anyone at the broker may send: beyond the bound it is dropped and counted."""
        with self._changed:
            if self._from_broker >= FROM_BROKER_MAX:
                self.dropped += 1
            else:
                self._append(event)

    def put_or_wait(self, event: FromVision) -> None:
        """For vision's messages: waits while the lane is full."""
        with self._changed:
            self._changed.wait_for(lambda: self._from_vision < FROM_VISION_MAX)
            self._append(event)

    def take(self, timeout_s: float) -> Event | None:
        """The oldest event, or None after timeout_s."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._events, timeout_s):
                return None
            event = self._events.popleft()
            self._from_vision -= isinstance(event, FromVision)
            self._from_broker -= isinstance(event, Received)
            self._changed.notify_all()
            return event

    def _append(self, event: Event) -> None:
        self._events.append(event)
        self._from_vision += isinstance(event, FromVision)
        self._from_broker += isinstance(event, Received)
        self._changed.notify_all()
