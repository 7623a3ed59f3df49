"""The retained state message: what it says, and the number that tells one connection from the next."""

from __future__ import annotations

import json
from pathlib import Path

from edge.clock import Clock
from edge.files import write_durably

LOST = "lost"
CLOSED = "closed"
VISION_GONE = "vision_gone"
"""States link itself speaks of; all others are vision's words."""


def state_payload(device: str, session_seq: int, state: str) -> bytes:
    """The JSON of a state message (TOPICS.md): unsigned, for link holds no signing key."""
    value = {"device": device, "session_seq": session_seq, "state": state}
    return json.dumps(value, separators=(",", ":"), sort_keys=True).encode()


class SessionCounter:
    """Numbers the connections of this box, rising over restarts: an old last will is told from a new birth."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._clock = clock

    def next(self) -> int:
        """The next number, on disk before it is used. Raises: OSError when the disk does not take it."""
        try:
            number = int(self._path.read_text(encoding="ascii")) + 1
        except (OSError, ValueError):  # absent, or damaged by a power cut: start above any number used before
            number = int(self._clock.now_utc().timestamp())
        write_durably(self._path, f"{number}\n".encode())
        return number
