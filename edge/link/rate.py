"""How fast link may fetch: a token bucket, paid from before a file comes; what it did not need is given back."""

from __future__ import annotations

from edge.clock import Clock
from edge.wire import FILE_MAX_BYTES


class RateLimit:
    """Bytes a second, saved up for at most one second, or for one file where that is more."""

    def __init__(self, bytes_per_s: int, clock: Clock) -> None:
        self._bytes_per_s = bytes_per_s
        self._capacity = float(max(bytes_per_s, FILE_MAX_BYTES))
        self._clock = clock
        self._left = self._capacity
        self._at_s = clock.monotonic_s()

    def take_file(self) -> bool:
        """Pay for a file of the largest size, if there is enough."""
        now_s = self._clock.monotonic_s()
        self._left = min(self._capacity, self._left + (now_s - self._at_s) * self._bytes_per_s)
        self._at_s = now_s
        if self._left < FILE_MAX_BYTES:
            return False
        self._left -= FILE_MAX_BYTES
        return True

    def give_back(self, size: int) -> None:
        """A file was smaller, or did not come."""
        self._left = min(self._capacity, self._left + size)
