"""Signed sequence numbers without gaps: the last one used, on disk before it is used."""

from __future__ import annotations

import re
from pathlib import Path

from edge.errors import StateFileInvalid
from edge.files import write_durably

_LAST_MAX = 2**53 - 2
"""The number after it is the largest that a document carries."""


class SequenceFile:
    """A counter that survives power cuts: it never gives the same number twice."""

    def __init__(self, path: Path) -> None:
        """Raises: StateFileInvalid when the file holds no number: to guess one would hide gaps."""
        self._path = path
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            data = b"0"
        except OSError as error:
            raise StateFileInvalid(f"{path}: cannot be read: {error.strerror or error}") from None
        if not re.fullmatch(rb"[0-9]{1,16}\n?", data) or int(data) > _LAST_MAX:
            raise StateFileInvalid(f"{path}: holds no sequence number; move it away to begin again at 1")
        self._last = int(data)

    @property
    def last(self) -> int:
        """The last number given, 0 before the first."""
        return self._last

    def take(self) -> int:
        """The next number."""
        write_durably(self._path, f"{self._last + 1}\n".encode())
        self._last += 1
        return self._last
