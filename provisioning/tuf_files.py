"""The repository's folder: public files by their names, changed several at a time, whole or not at all.

A change is written to one journal file first, then to its places; opening the folder finishes what a cut left.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from edge.errors import AuthorityInvalid, RepositoryFileMissing
from edge.files import write_durably
from edge.formats.topics import repo_topic
from edge.trust.documents import canonical, parse_strict

_JOURNAL = ".journal"
_JOURNAL_MAX_BYTES = 64 * 2**20
_FRESH = ".new"

HASH_PREFIXED = re.compile(r"(?:.*/)?[0-9a-f]{64}\.[^/]+")
"""A target's file; everything else outside metadata/ is no business of TUF's."""


class RepositoryFolder:
    """Files by repository name."""

    def __init__(self, folder: Path) -> None:
        """Open it, and finish a change that was cut off. Raises: OSError, AuthorityInvalid."""
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._finish()

    def read(self, name: str) -> bytes:
        """Raises: RepositoryFileMissing."""
        try:
            return self._path(name).read_bytes()
        except FileNotFoundError:
            raise RepositoryFileMissing(f"{name} is not in the repository's folder {self._folder}") from None

    def has(self, name: str) -> bool:
        return self._path(name).is_file()

    def names(self) -> Iterator[str]:
        """Of every file, sorted."""
        for path in sorted(self._folder.rglob("*")):
            name = path.relative_to(self._folder).as_posix()
            if path.is_file() and not name.startswith(".") and not name.endswith(_FRESH):
                yield name

    def put(self, name: str, data: bytes) -> None:
        """One file, durably. Raises: OSError, TopicInvalid."""
        path = self._path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_durably(path, data)

    def change(self, files: Mapping[str, bytes]) -> None:
        """Several files, in their order, all or none. Raises: OSError, TopicInvalid."""
        for name in files:
            self._path(name)
        steps = [[name, base64.b64encode(data).decode()] for name, data in files.items()]
        write_durably(self._folder / _JOURNAL, canonical(steps))
        self._finish()

    def remove(self, names: Iterable[str]) -> int:
        """Files that are no longer needed; how many there were."""
        count = 0
        for name in names:
            path = self._path(name)
            if path.is_file():
                path.unlink()
                count += 1
        return count

    def _finish(self) -> None:
        journal = self._folder / _JOURNAL
        if not journal.is_file():
            return
        steps = parse_strict(journal.read_bytes(), _JOURNAL_MAX_BYTES)
        try:
            files = [(str(name), base64.b64decode(text, validate=True)) for name, text in steps]
        except (TypeError, ValueError):
            raise AuthorityInvalid(f"{journal}: not a journal of ours; restore the folder from its backup") from None
        for name, data in files:
            self.put(name, data)
        journal.unlink()

    def _path(self, name: str) -> Path:
        repo_topic("fleet", name)
        return self._folder / name
