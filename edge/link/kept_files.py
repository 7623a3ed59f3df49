"""What link keeps of the repository on disk, so that nothing is fetched twice: ciphertext and public metadata.

One flat folder: a name's slashes become underscores, which no name has, so that no name leads out of it and none is
the folder of another. Content is not trusted: vision checks it, and asks again past this.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import re
import stat
import threading
from pathlib import Path

from edge.files import write_durably
from edge.formats.names import INDEX, TIMESTAMP
from edge.formats.topics import REPO_PREFIX_PATTERN, is_repo_name
from edge.wire import FILE_MAX_BYTES

TOTAL_MAX_BYTES = 512 * 1024 * 1024
"""Beyond it the oldest go; ten times a list of 100,000 entries."""
DROPS_REMEMBERED = 8

_FRESH = "_fresh"
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_WRITE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC

log = logging.getLogger("lfr.link.kept_files")


def changes(name: str) -> bool:
    """Whether other bytes may follow under the same name: such a file is never kept, and never taken as fresh."""
    return name in (INDEX, TIMESTAMP) or name.startswith(("hints/", "devices/"))


class KeptFiles:
    """Files by repository name. Used by one thread."""

    def __init__(self, folder: Path, total_max_bytes: int = TOTAL_MAX_BYTES) -> None:
        """Take stock of the folder; what is no file of ours is deleted. Raises: OSError."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        self._syncer = _Syncer(self._folder)
        self._drops = _Drops(folder.with_name(f"{folder.name}-drops.json"))
        self._total_max_bytes = total_max_bytes
        self._sizes: dict[str, int] = {}
        self.bytes = self.evicted = self.failed = 0
        self._take_stock()

    @property
    def files(self) -> int:
        return len(self._sizes)

    def __contains__(self, name: str) -> bool:
        return name in self._sizes

    def close(self) -> None:
        """Have everything on disk, and end."""
        self._syncer.close()
        os.close(self._folder)

    def get(self, name: str) -> bytes | None:
        """A kept file; None, and forgotten, when it is not there or no regular file of its size any more."""
        if name not in self._sizes:
            return None
        try:
            with os.fdopen(os.open(_on_disk(name), _READ, dir_fd=self._folder), "rb") as file:
                if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                    data = file.read(FILE_MAX_BYTES + 1)
                    if len(data) == self._sizes[name]:
                        return data
        except OSError as error:
            log.warning("kept file %s: %s", name, error)
        with contextlib.suppress(OSError):  # a disk that fails; the file is asked for again in any case
            self._unlink(_on_disk(name))
        self.bytes -= self._sizes.pop(name)
        return None

    def keep(self, name: str, data: bytes) -> bool:
        """Put a file in the folder, whole, and soon on disk; False, and counted, when the disk does not take it."""
        if not is_repo_name(name) or changes(name) or len(data) > min(FILE_MAX_BYTES, self._total_max_bytes):
            return False
        try:
            self._drops.begin_anew(name)
            self._make_room(len(data) - self._sizes.get(name, 0), name)
            self._write(name, data)
        except OSError as error:
            self.failed += 1
            if self.failed <= 10 or self.failed % 1000 == 0:
                log.error("%s is not kept (%d failed so far): %s", name, self.failed, error)
            return False
        self.bytes += len(data) - self._sizes.pop(name, 0)
        self._sizes[name] = len(data)
        return True

    def drop(self, prefix: str) -> tuple[int, int]:
        """Delete the files whose name begins so; how many, and their bytes, those of earlier tries included.

        Raises: OSError when they could not be deleted.
        """
        names = [name for name in self._sizes if name.startswith(prefix)]
        files, size = self._drops.begin(prefix, len(names), sum(self._sizes[name] for name in names))
        for name in names:
            self._delete(name)
        os.fsync(self._folder)
        self._drops.finish(prefix)
        return files, size

    def _write(self, name: str, data: bytes) -> None:
        self._unlink(_FRESH)
        try:
            with os.fdopen(os.open(_FRESH, _WRITE, 0o600, dir_fd=self._folder), "wb") as file:
                file.write(data)
            os.replace(_FRESH, _on_disk(name), src_dir_fd=self._folder, dst_dir_fd=self._folder)
        except OSError:
            self._unlink(_FRESH)
            raise
        self._syncer.add(_on_disk(name))

    def _make_room(self, more: int, spare: str) -> None:
        for name in list(self._sizes):
            if self.bytes + more <= self._total_max_bytes:
                return
            if name != spare:
                self._delete(name)
                self.evicted += 1

    def _delete(self, name: str) -> None:
        self._unlink(_on_disk(name))
        self.bytes -= self._sizes.pop(name)

    def _unlink(self, entry: str) -> None:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(entry, dir_fd=self._folder)

    def _take_stock(self) -> None:
        found = []
        for entry in os.listdir(self._folder):
            about = os.stat(entry, dir_fd=self._folder, follow_symlinks=False)
            name = entry.replace("_", "/")
            ours = (
                stat.S_ISREG(about.st_mode)
                and is_repo_name(name)
                and not changes(name)
                and about.st_size <= FILE_MAX_BYTES
            )
            if ours:
                found.append((about.st_mtime_ns, name, about.st_size))
            elif stat.S_ISDIR(about.st_mode):
                log.warning("folder %s among the kept files is none of ours", entry[:80])
            else:
                self._unlink(entry)
        for _, name, size in sorted(found):
            self._sizes[name] = size
            self.bytes += size
        self._make_room(0, "")


class _Syncer:
    """Has the disk take what was written, in a thread of its own: a slow card must not hold up an alert's commit.

    What a power cut takes before is asked for again, and what it tears fails vision's check.
    """

    def __init__(self, folder: int) -> None:
        self._folder = folder
        self._changed = threading.Condition()
        self._names: set[str] = set()
        self._closing = False
        self._thread: threading.Thread | None = None

    def add(self, name: str) -> None:
        with self._changed:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="kept-files", daemon=True)
                self._thread.start()
            self._names.add(name)
            self._changed.notify()

    def close(self) -> None:
        with self._changed:
            self._closing = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._names or self._closing)
                names, self._names = self._names, set()
            if not names:
                return
            for name in names:
                self._sync(name)
            self._sync(".")

    def _sync(self, name: str) -> None:
        try:
            file = os.open(name, _READ, dir_fd=self._folder)
        except OSError:  # dropped meanwhile
            return
        try:
            os.fsync(file)
        except OSError as error:
            log.error("kept file %s: the disk does not take it: %s", name, error)
        finally:
            os.close(file)


class _Drops:
    """What each drop deletes, on disk before it begins: a link killed on the way still tells the whole."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._drops = _read_drops(path)

    def begin(self, prefix: str, files: int, size: int) -> tuple[int, int]:
        before = self._drops.pop(prefix, [0, 0, True])
        # What an unfinished drop left behind is in its count already.
        entry = [before[0] + files, before[1] + size, False] if before[2] else before
        while len(self._drops) >= DROPS_REMEMBERED:
            del self._drops[next(iter(self._drops))]
        self._drops[prefix] = entry
        with contextlib.suppress(OSError):  # a full disk must not keep the files from being deleted
            self._write()
        return entry[0], entry[1]

    def finish(self, prefix: str) -> None:
        self._drops[prefix][2] = True
        self._write()

    def begin_anew(self, name: str) -> None:
        """A file is kept under a prefix that was dropped: the next drop counts from here."""
        stale = [prefix for prefix in self._drops if name.startswith(prefix)]
        for prefix in stale:
            del self._drops[prefix]
        if stale:
            self._write()

    def _write(self) -> None:
        write_durably(self._path, json.dumps(self._drops).encode())


def _read_drops(path: Path) -> dict[str, list]:
    """Counts of earlier drops; none where the file is absent or damaged: they are shown, nothing rests on them."""
    try:
        value = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    if not isinstance(value, dict) or len(value) > DROPS_REMEMBERED:
        return {}
    return {prefix: entry for prefix, entry in value.items() if _is_drop(prefix, entry)}


def _is_drop(prefix: str, entry: object) -> bool:
    return (
        re.fullmatch(REPO_PREFIX_PATTERN, prefix) is not None
        and isinstance(entry, list)
        and [type(each) for each in entry] == [int, int, bool]
        and min(entry[:2]) >= 0
    )


def _on_disk(name: str) -> str:
    return name.replace("/", "_")
