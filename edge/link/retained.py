"""The device's own retained messages: its state and its stock of keys, born with each connection, and renewed.

Nothing is retained without an expiry: what a van that is gone had said goes from the broker by itself.
"""

from __future__ import annotations

from collections.abc import Callable

from edge.clock import Clock
from edge.formats.topics import KEYS, RETAINED_EXPIRY_S, STATE, device_topic
from edge.link.latest import Latest
from edge.link.state import VISION_GONE, state_payload

RENEW_S = RETAINED_EXPIRY_S / 8
"""Between two publications of the same, so that it expires only when this box has long been gone."""


class Retained:
    """Holds the newest of each; publishes them while there is a connection."""

    def __init__(self, fleet: str, device: str, publish: Callable[[str, bytes, int], int | None], clock: Clock) -> None:
        """publish: topic, payload, seconds to be retained; the message's id."""
        self._device = device
        self._clock = clock
        state, keys = device_topic(fleet, device, STATE), device_topic(fleet, device, KEYS)
        self._state_slot = Latest(lambda payload: publish(state, payload, RETAINED_EXPIRY_S))
        self._keys_slot = Latest(lambda payload: publish(keys, payload, RETAINED_EXPIRY_S))
        self._session_seq: int | None = None
        self._renew_at_s = 0.0
        self.state = VISION_GONE
        self.stock: bytes | None = None

    @property
    def state_delivered(self) -> bool:
        """Whether the broker has the latest state."""
        return self._state_slot.delivered

    @property
    def dropped(self) -> int:
        return self._state_slot.dropped + self._keys_slot.dropped

    def set_state(self, state: str) -> None:
        self.state = state
        if self._session_seq is not None:
            self._state_slot.send(state_payload(self._device, self._session_seq, state))

    def announce(self, stock: bytes) -> None:
        self.stock = stock
        if self._session_seq is not None:
            self._keys_slot.send(stock)

    def on_connected(self, session_seq: int) -> None:
        """A birth for this connection, and the stock."""
        self.on_disconnected()
        self._session_seq = session_seq
        self._publish()

    def on_disconnected(self) -> None:
        self._session_seq = None
        self._state_slot.reset()
        self._keys_slot.reset()

    def on_acknowledged(self, message_id: int) -> bool:
        """Whether this was ours."""
        return self._state_slot.on_acknowledged(message_id) or self._keys_slot.on_acknowledged(message_id)

    def tick(self) -> None:
        """Say it again before the broker forgets it."""
        if self._session_seq is not None and self._clock.monotonic_s() >= self._renew_at_s:
            self._publish()

    def _publish(self) -> None:
        self._renew_at_s = self._clock.monotonic_s() + RENEW_S
        self.set_state(self.state)
        if self.stock is not None:
            self.announce(self.stock)
