"""A folder instead of a broker: files of the repository read from a stick, and what the van leaves on it.

REPOSITORY.md 5. Opened level by level, no symbolic link followed; nothing on it is trusted.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from edge.formats.topics import FROM_VANS, is_repo_name
from edge.wire import FILE_MAX_BYTES

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_WRITE = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC


class Stick:
    """The mounted folder; it may come and go."""

    def __init__(self, folder: Path, device: str) -> None:
        self._folder = folder
        self._device = device

    @property
    def present(self) -> bool:
        return self._folder.is_dir()

    def read(self, name: str) -> bytes | None:
        """A file of the repository; None when it is not there, too large, or no regular file."""
        if not is_repo_name(name):
            return None
        *levels, last = name.split("/")
        try:
            with (
                self._level(levels, make=False) as folder,
                os.fdopen(os.open(last, _READ, dir_fd=folder), "rb") as file,
            ):
                if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                    return None
                data = file.read(FILE_MAX_BYTES + 1)
        except OSError:
            return None
        return data if len(data) <= FILE_MAX_BYTES else None

    def left(self, last: str) -> bool:
        """Whether a file of this van's lies there already."""
        try:
            with self._level([FROM_VANS, self._device], make=False) as folder:
                return stat.S_ISREG(os.stat(last, dir_fd=folder, follow_symlinks=False).st_mode)
        except OSError:
            return False

    def leave(self, last: str, data: bytes) -> None:
        """Put a file under this van's name, whole or not at all. Raises: OSError."""
        fresh = f"{last}.new"
        with self._level([FROM_VANS, self._device], make=True) as folder:
            with os.fdopen(os.open(fresh, _WRITE, 0o600, dir_fd=folder), "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.replace(fresh, last, src_dir_fd=folder, dst_dir_fd=folder)
            os.fsync(folder)

    @contextlib.contextmanager
    def _level(self, levels: list[str], make: bool) -> Iterator[int]:
        folder = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            for level in levels:
                if make:
                    with contextlib.suppress(FileExistsError):
                        os.mkdir(level, 0o700, dir_fd=folder)
                below = os.open(level, _FOLDER, dir_fd=folder)
                os.close(folder)
                folder = below
            yield folder
        finally:
            os.close(folder)
