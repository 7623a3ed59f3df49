"""A clock that moves only when told to; waiting on it moves it."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone


class FakeClock:
    """Implements edge.clock.Clock; waits: what was waited, in seconds."""

    def __init__(self) -> None:
        self._now_s = 1000.0
        self._set_s = 0.0
        self.waits: list[float] = []

    def monotonic_s(self) -> float:
        return self._now_s

    def boot_s(self) -> float:
        return self._now_s

    def now_utc(self) -> datetime:
        return datetime(2025, 1, 1, tzinfo=timezone.utc) + timedelta(seconds=self._now_s + self._set_s)

    def advance(self, seconds: float) -> None:
        self._now_s += seconds

    def set_wall(self, by_s: float) -> None:
        """Somebody sets the wall clock; nothing else moves."""
        self._set_s += by_s

    def pause(self, seconds: float) -> None:
        """In place of time.sleep."""
        self.waits.append(seconds)
        self.advance(seconds)
