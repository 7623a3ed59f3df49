"""Which sequence numbers of a van's deployment have arrived, and which are missing. No I/O.

A van's alerts and records share one count that leaves nothing out, and goes on from deployment to
deployment (ALERT.md 4); a van whose state was erased begins again at 1.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field

Stream = tuple[str, str]
"""Device and deployment."""


@dataclass(frozen=True)
class Gap:
    """Numbers first to last, both missing. before: the next that is known, None when the gap is at the end."""

    first: int
    last: int
    before: int | None

    def __str__(self) -> str:
        count = self.last - self.first + 1
        noun = "1 alert" if count == 1 else f"{count} alerts"
        verb = "has" if count == 1 else "have"
        if self.before is None:
            where = f"after {self.first - 1}"
        elif self.first == 1:
            where = f"before {self.before}"
        else:
            where = f"between {self.first - 1} and {self.before}"
        return f"{noun} {where} {verb} not arrived yet"


@dataclass
class _Seen:
    """The numbers of one stream as disjoint runs, ascending. start: the first number it may use.

    claimed: what two heartbeats agree was used.
    """

    start: int
    firsts: list[int] = field(default_factory=list)
    lasts: list[int] = field(default_factory=list)
    last_beat: int = 0
    claimed: int = 0


class Sequences:
    """Takes numbers in any order and tells the gaps."""

    def __init__(self, floors: Mapping[str, int]) -> None:
        """floors: by device, the highest number of events that are forgotten."""
        self._streams: dict[Stream, _Seen] = {}
        self._highest = dict(floors)

    def arrived(self, stream: Stream, number: int) -> None:
        """An event with this number is here."""
        seen = self._seen(stream, number)
        self._highest[stream[0]] = max(self._highest.get(stream[0], 0), number)
        at = bisect_right(seen.firsts, number)
        if at and seen.lasts[at - 1] >= number:
            return
        joins_left = at > 0 and seen.lasts[at - 1] == number - 1
        joins_right = at < len(seen.firsts) and seen.firsts[at] == number + 1
        if joins_left and joins_right:
            seen.lasts[at - 1] = seen.lasts.pop(at)
            seen.firsts.pop(at)
        elif joins_left:
            seen.lasts[at - 1] = number
        elif joins_right:
            seen.firsts[at] = number
        else:
            seen.firsts.insert(at, number)
            seen.lasts.insert(at, number)

    def heartbeat(self, stream: Stream, last_sequence: int) -> None:
        """A heartbeat names the last number used; one is believed missing only when the next beat says so too.

        The event named by a heartbeat may still be on its way when the heartbeat arrives.
        """
        seen = self._seen(stream, last_sequence + 1)
        seen.claimed = max(seen.claimed, min(seen.last_beat, last_sequence))
        seen.last_beat = last_sequence

    def gaps(self, stream: Stream) -> tuple[Gap, ...]:
        """What is missing, ascending."""
        seen = self._streams.get(stream)
        if seen is None:
            return ()
        found = []
        expected = seen.start
        for first, last in zip(seen.firsts, seen.lasts, strict=True):
            if first > expected:
                found.append(Gap(expected, first - 1, first))
            expected = max(expected, last + 1)
        if seen.claimed >= expected:
            found.append(Gap(expected, seen.claimed, None))
        return tuple(found)

    def _seen(self, stream: Stream, number: int) -> _Seen:
        """The stream; one that is new goes on where its van was, unless the van has begun again."""
        if stream not in self._streams:
            highest = self._highest.get(stream[0], 0)
            self._streams[stream] = _Seen(start=highest + 1 if number > highest else 1)
        return self._streams[stream]
