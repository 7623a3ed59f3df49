"""Signed sequence numbers without gaps: the last one used, on disk before it is used."""

from __future__ import annotations

from pathlib import Path

from edge.errors import StateFileInvalid
from edge.files import write_durably


class SequenceFile:
    """A counter that survives power cuts: it never gives the same number twice."""

    def __init__(self, path: Path) -> None:
        """Raises: StateFileInvalid when the file holds no number: to guess one would hide gaps."""
        self._path = path
        try:
            text = path.read_text(encoding="ascii")
        except FileNotFoundError:
            text = "0"
        if not text.strip().isdigit():
            raise StateFileInvalid(f"{path}: holds no sequence number; move it away to begin again at 1")
        self._last = int(text)

    @property
    def last(self) -> int:
        """The last number given, 0 before the first."""
        return self._last

    def take(self) -> int:
        """The next number."""
        write_durably(self._path, f"{self._last + 1}\n".encode())
        self._last += 1
        return self._last
