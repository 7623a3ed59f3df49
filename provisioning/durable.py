"""The authority's private files: whole after a power cut, read by their owner alone, overwritten before they go."""

from __future__ import annotations

import os
from pathlib import Path

from edge.files import write_durably


def write_private(path: Path, data: bytes) -> None:
    """Replace a file as a whole, mode 0600. Raises: OSError."""
    before = os.umask(0o077)
    try:
        write_durably(path, data)
    finally:
        os.umask(before)


def destroy(path: Path) -> bool:
    """Overwrite and unlink a file; whether there was one.

    Flash that moves blocks about, a snapshot of the file system, or a backup may keep what was there before.
    """
    try:
        with path.open("r+b") as file:
            file.write(os.urandom(os.fstat(file.fileno()).st_size))
            file.flush()
            os.fsync(file.fileno())
    except FileNotFoundError:
        return False
    path.unlink()
    return True
