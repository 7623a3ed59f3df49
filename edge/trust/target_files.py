"""Files that verified metadata lists: kept on disk by their hash, fetched when they are not, checked each time."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterable
from pathlib import Path

from tuf.api.exceptions import LengthOrHashMismatchError
from tuf.api.metadata import TargetFile

from edge.errors import DocumentInvalid, RepositoryRefused, RepositoryUnavailable
from edge.files import write_durably
from edge.formats.parts import Fetch, fetch_whole


class TargetFiles:
    """One folder for each owner: a deployment, or the policies."""

    def __init__(self, folder: Path, fetch_kept: Fetch, fetch_fresh: Fetch) -> None:
        self._folder = folder
        self._fetches = (fetch_kept, fetch_fresh)
        self._lock = threading.Lock()
        self._forgotten: set[str] = set()

    def read(self, owner: str, target: TargetFile, limit_bytes: int) -> bytes:
        """A file that verified metadata lists, from disk or fetched.

        Raises: RepositoryFileMissing, RepositoryRefused.
        """
        sha256 = target.hashes["sha256"]
        if target.length > limit_bytes:
            raise RepositoryRefused(f"{target.path}: {target.length} bytes, at most {limit_bytes}")
        path = self._folder / owner / sha256
        try:
            with path.open("rb") as file:
                data = file.read(target.length + 1)
            if _fits(data, target):
                return data
        except OSError:
            pass  # Not kept, or not to be read: it is fetched.
        folder, _, base = target.path.rpartition("/")
        name = f"{folder}/{sha256}.{base}"
        data = self._fetched(name, target)
        self._keep(owner, path, data)
        return data

    def keep_only(self, owner: str, targets: Iterable[TargetFile]) -> None:
        """Delete files of an owner that its metadata lists no more."""
        folder = self._folder / owner
        keep = {target.hashes["sha256"] for target in targets}
        for path in list(folder.iterdir()) if folder.is_dir() else ():
            if path.name not in keep:
                path.unlink(missing_ok=True)

    def forget(self, owner: str) -> int:
        """Delete an owner's files, and keep none of its any more; how many there were."""
        with self._lock:
            self._forgotten.add(owner)
            folder = self._folder / owner
            count = sum(each.is_file() for each in folder.iterdir()) if folder.is_dir() else 0
            shutil.rmtree(folder, ignore_errors=True)
            return count

    def _fetched(self, name: str, target: TargetFile) -> bytes:
        for fetch in self._fetches:
            try:
                data = fetch_whole(name, target.length, fetch)
            except DocumentInvalid as error:
                refused = str(error)
                continue
            if _fits(data, target):
                return data
            refused = "other bytes than the metadata names"
        raise RepositoryRefused(f"{name} is refused: {refused}")

    def _keep(self, owner: str, path: Path, data: bytes) -> None:
        with self._lock:
            if owner in self._forgotten:
                return
            try:
                path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                write_durably(path, data)
            except OSError as error:
                raise RepositoryUnavailable(f"{path} cannot be kept: {error.strerror or error}") from None


def _fits(data: bytes, target: TargetFile) -> bool:
    try:
        target.verify_length_and_hashes(data)
    except LengthOrHashMismatchError:
        return False
    return True
