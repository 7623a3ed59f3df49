"""What each van says of itself, and when it falls silent. No I/O; time is passed in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from control_room.errors import MessageOutOfPlace
from control_room.store import Heartbeat
from edge.clock import parse_utc
from edge.formats.documents import HealthDocument

SILENT_AFTER_INTERVALS = 3


@dataclass
class _Van:
    state: str | None = None
    heard_at_s: float | None = None
    silent: bool = False
    mark: Heartbeat | None = None


class Vans:
    """State and heartbeat of every van of the room."""

    def __init__(
        self, devices: Mapping[str, str], interval_s: float, marks: Mapping[str, Heartbeat], now_s: float
    ) -> None:
        self._silent_after_s = SILENT_AFTER_INTERVALS * interval_s
        self._vans = {device: _Van(heard_at_s=now_s, mark=marks.get(device)) for device in devices}

    def heartbeat(self, document: HealthDocument, now_s: float) -> tuple[Heartbeat, float | None]:
        """Believe a heartbeat; returns its mark, and for how long the van had been silent (None: it had not).

        Raises: MessageOutOfPlace for one that is not newer than the last: a broker may replay, to hide silence.
        """
        van = self._vans[document.device]
        mark = Heartbeat(document.session, document.beat, document.made_at_utc)
        last = van.mark
        if last is not None:
            older = parse_utc(mark.made_at_utc) <= parse_utc(last.made_at_utc)
            if mark.beat <= last.beat if mark.session == last.session else older:
                raise MessageOutOfPlace("heartbeat is not newer than the last one")
        was_silent_s = now_s - van.heard_at_s if van.silent and van.heard_at_s is not None else None
        van.mark, van.heard_at_s, van.silent = mark, now_s, False
        return mark, was_silent_s

    def state(self, device: str, state: str) -> bool:
        """Take a van's state; True when it is another than before."""
        van = self._vans[device]
        changed = van.state != state
        van.state = state
        return changed

    def newly_silent(self, now_s: float) -> list[tuple[str, float, str | None]]:
        """Vans without a heartbeat for more than three intervals: for how long, and their last state; each once.

        A van that says it is closed is listed too: its state is unsigned, and could be another's way to hide it.
        """
        found = []
        for device, van in self._vans.items():
            if van.silent or van.heard_at_s is None:
                continue
            quiet_s = now_s - van.heard_at_s
            if quiet_s > self._silent_after_s:
                van.silent = True
                found.append((device, quiet_s, van.state))
        return found

    def listen_again(self, now_s: float) -> None:
        """The room itself was cut off: count silence from now."""
        for van in self._vans.values():
            van.heard_at_s = now_s
