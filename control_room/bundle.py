"""The room's bundle: every file of it that holds, folded by deployment, until its end; then forgotten and deleted.

Photographs stay sealed on disk and are opened one by one, when an alert names their entry.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from control_room.bundle_file import BundleFile
from control_room.errors import BundleEnded, BundleInvalid
from edge.clock import Clock, utc_text
from edge.formats.bundle import SUFFIX, BundlePerson

FILES_MAX = 2000

_Stamp = tuple[int, int, int]


@dataclass(frozen=True)
class Known:
    """An entry that the bundle names, and the file that names it."""

    person: BundlePerson
    file: BundleFile

    def photograph(self) -> bytes:
        """The entry's JPEG, decrypted now. Raises: BundleInvalid."""
        return self.file.photograph(self.person.entry_id)


class BundleFolder:
    """Every bundle in a folder. A file that is replaced by a bad one stays in force as it was."""

    def __init__(self, folder: Path, fleet: str, seal_key: X25519PrivateKey, clock: Clock) -> None:
        self._folder = folder
        self._fleet = fleet
        self._seal_key = seal_key
        self._clock = clock
        self._stamps: dict[Path, _Stamp] = {}
        self._open: dict[Path, BundleFile] = {}
        self._looked = False

    def find(self, deployment: str, entry_id: str) -> Known | None:
        """Who an entry of a deployment is, by the highest part that names it."""
        now = self._clock.now_utc()
        for file in self._by_part():
            person = file.person(entry_id) if file.deployment == deployment and now < file.not_after else None
            if person is not None:
                return Known(person, file)
        return None

    def refresh(self) -> list[str]:
        """Read what is new or changed, forget and delete what has ended; what happened, in words."""
        said = self._end_what_is_over()
        found = self._files()
        for path in [each for each in self._open if each not in found]:
            file = self._open.pop(path)
            said.append(f"{path.name}: taken away; {_what(file)} are unknown from now on")
            file.close()
        self._stamps = {path: stamp for path, stamp in self._stamps.items() if path in found}
        for path, stamp in found.items():
            if self._stamps.get(path) != stamp:
                self._stamps[path] = stamp
                said.append(self._read(path))
        if not self._looked and not found:
            said.append(f"{self._folder}: no {SUFFIX} file; every entry will be unknown")
        self._looked = True
        return said

    def close(self) -> None:
        """Forget everything."""
        for file in self._open.values():
            file.close()
        self._open.clear()

    def _read(self, path: Path) -> str:
        try:
            file = BundleFile(path, self._fleet, self._seal_key, self._clock.now_utc())
        except BundleEnded as error:
            self._forget(path)
            return f"{error}: {_delete(path)}"
        except BundleInvalid as error:
            kept = "the one before stays in force" if path in self._open else "its entries will be unknown"
            return f"{error}; {kept}"
        self._forget(path)
        rival = next((each for each in self._open.values() if _same_part(each, file)), None)
        self._open[path] = file
        twice = "" if rival is None else f"; {rival.path.name} claims the same part, the newer file counts"
        end = utc_text(file.not_after)
        return f"{path.name}: {_what(file)} until {end}, fingerprint {file.fingerprint}{twice}"

    def _end_what_is_over(self) -> list[str]:
        now = self._clock.now_utc()
        said = []
        for path, file in list(self._open.items()):
            if now >= file.not_after:
                self._forget(path)
                said.append(f"{path.name}: {file.deployment} has ended: forgotten, and {_delete(path)}")
        return said

    def _forget(self, path: Path) -> None:
        file = self._open.pop(path, None)
        if file is not None:
            file.close()

    def _files(self) -> dict[Path, _Stamp]:
        found: dict[Path, _Stamp] = {}
        try:
            names = sorted(name for name in os.listdir(self._folder) if _is_bundle(name))
        except FileNotFoundError:
            return {}
        except OSError:
            return dict(self._stamps)  # a folder that cannot be listed now has not been emptied
        for name in names[:FILES_MAX]:
            with contextlib.suppress(FileNotFoundError):
                status = (self._folder / name).lstat()
                found[self._folder / name] = (status.st_ino, status.st_size, status.st_mtime_ns)
        return found

    def _by_part(self) -> list[BundleFile]:
        """Highest part first; of two with the same part the newer."""
        return sorted(
            self._open.values(), key=lambda file: (file.head.part, self._stamps[file.path][2], file.path), reverse=True
        )


def _delete(path: Path) -> str:
    """What became of a file. One that cannot be deleted is tried again at the next start, and when it changes."""
    try:
        path.unlink()
    except FileNotFoundError:
        return "its file was gone"
    except OSError as error:
        return f"its file CANNOT BE DELETED ({error.strerror}): delete it by hand"
    return "its file deleted"


def _is_bundle(name: str) -> bool:
    return name.endswith(SUFFIX) and not name.startswith(".")


def _same_part(one: BundleFile, other: BundleFile) -> bool:
    return (one.deployment, one.head.part) == (other.deployment, other.head.part)


def _what(file: BundleFile) -> str:
    part = "" if file.head.part == 0 else f" added by delta {file.head.part}"
    return f"{file.entries} entries of {file.deployment}{part}"
