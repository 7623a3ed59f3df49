"""Signed sequence numbers without gaps: the last one used, on disk before it is used."""

from __future__ import annotations

import os
from pathlib import Path


class SequenceFile:
    """A counter that survives power cuts: it never gives the same number twice."""

    def __init__(self, path: Path) -> None:
        """Raises: ValueError when the file holds no number: it was tampered with, and guessing would hide gaps."""
        self._path = path
        try:
            text = path.read_text(encoding="ascii")
        except FileNotFoundError:
            text = "0"
        if not text.strip().isdigit():
            raise ValueError(f"{path}: holds no sequence number; move it away to begin again at 1")
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


def write_durably(path: Path, data: bytes) -> None:
    """Replace a file as a whole: after a power cut it holds the old bytes or the new ones."""
    fresh = path.with_name(path.name + ".new")
    with fresh.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    os.replace(fresh, path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
