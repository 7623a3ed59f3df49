"""The folder of a build: private, held by one build at a time, and never one with other things in it."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edge.errors import FolderInUse
from provisioning.built_list import LIST_NAME
from provisioning.built_people import PEOPLE_NAME, PHOTOGRAPHS_NAME
from provisioning.errors import BuildBusy
from provisioning.photograph_report import CSV_NAME, JSON_NAME
from provisioning.work_file import KEY_NAME, WORK_NAME

LOCK_NAME = "lock"
_OURS = frozenset({LIST_NAME, PEOPLE_NAME, PHOTOGRAPHS_NAME, CSV_NAME, JSON_NAME, KEY_NAME, WORK_NAME, LOCK_NAME})


@contextmanager
def held_folder(folder: Path) -> Iterator[None]:
    """Make the folder, or go on in one that a build was stopped in, and keep every other build out of it.

    Raises: FolderInUse for one with a finished list or with other things in it; BuildBusy; OSError.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    others = sorted(path.name for path in folder.iterdir() if not _is_ours(path.name))
    if others:
        raise FolderInUse(f"{folder}: holds {', '.join(others[:4])}; a build needs a folder of its own")
    if (folder / LIST_NAME).exists():
        raise FolderInUse(f"{folder}: holds a finished list; give another --out, or remove it once it is published")
    os.chmod(folder, 0o700)
    lock = os.open(folder / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise BuildBusy(f"{folder}: another build is at work in it; wait for that one, or stop it") from None
        yield
        (folder / LOCK_NAME).unlink(missing_ok=True)
    finally:
        os.close(lock)


def _is_ours(name: str) -> bool:
    return name.removesuffix(".new") in _OURS or (name.startswith("contact-sheet") and name.endswith(".html"))
