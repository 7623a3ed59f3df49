"""Ids of events: UUID version 7 (RFC 9562 5.7), so that they sort by time; Python 3.11 has none of its own."""

from __future__ import annotations

import secrets
import threading
from datetime import datetime

_MS_MAX = (1 << 48) - 1
_COUNTER_MAX = (1 << 12) - 1


class EventIds:
    """A source of ids that only ever increase, whatever the clock does (RFC 9562 6.2, method 1).

    rand_a is a counter within the millisecond, started at random in its lower half; a clock that stands
    still or goes back leaves the time where it was and advances the counter.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ms = -1
        self._counter = 0

    def next(self, now_utc: datetime) -> str:
        """The next id, in the canonical lower-case form. Raises: ValueError for a time before 1970."""
        ms = int(now_utc.timestamp() * 1000)
        if not 0 <= ms <= _MS_MAX:
            raise ValueError(f"{now_utc.isoformat()} does not fit an event id: need a time from 1970 on")
        with self._lock:
            if ms > self._ms:
                self._ms, self._counter = ms, secrets.randbelow(_COUNTER_MAX // 2 + 1)
            elif self._counter < _COUNTER_MAX:
                self._counter += 1
            else:
                self._ms, self._counter = self._ms + 1, secrets.randbelow(_COUNTER_MAX // 2 + 1)
            ms, counter = self._ms, self._counter
        number = ms << 80 | 7 << 76 | counter << 64 | 0b10 << 62 | secrets.randbits(62)
        text = f"{number:032x}"
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


_OF_THIS_PROCESS = EventIds()


def new_event_id(now_utc: datetime) -> str:
    """An id later than every other of this process. Raises: ValueError for a time before 1970."""
    return _OF_THIS_PROCESS.next(now_utc)
