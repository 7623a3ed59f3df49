"""A message of which only the newest counts: one on its way, one waiting, older ones dropped and counted."""

from __future__ import annotations

from collections.abc import Callable


class Latest:
    """Holds back a flood at its source: the next is sent when the broker has taken the one before."""

    def __init__(self, publish: Callable[[bytes], int | None]) -> None:
        self.dropped = 0
        self._publish = publish
        self._waiting: bytes | None = None
        self._message_id: int | None = None

    @property
    def delivered(self) -> bool:
        """Whether nothing waits and nothing is on its way."""
        return self._waiting is None and self._message_id is None

    def send(self, payload: bytes) -> None:
        """Send now, or when the one before is acknowledged."""
        self.dropped += self._waiting is not None
        self._waiting = payload
        self._try()

    def reset(self) -> None:
        """The connection is another: what was on its way may be lost, and what waits is out of date."""
        self._waiting = self._message_id = None

    def on_acknowledged(self, message_id: int) -> bool:
        """Whether this was ours."""
        if message_id != self._message_id:
            return False
        self._message_id = None
        self._try()
        return True

    def _try(self) -> None:
        if self._waiting is not None and self._message_id is None:
            self._message_id = self._publish(self._waiting)
            if self._message_id is not None:
                self._waiting = None
