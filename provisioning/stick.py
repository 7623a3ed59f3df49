"""The repository on a stick, for a van without a link; and what vans left there (REPOSITORY.md 5)."""

from __future__ import annotations

import os
import stat
from collections.abc import Collection
from pathlib import Path

from edge.errors import LfrError
from edge.formats.topics import FROM_VANS, is_repo_name
from edge.trust.documents import DOCUMENT_MAX_BYTES
from provisioning.fleet_folder import FleetFolder
from provisioning.heard import Heard
from provisioning.hints import hints_of

STOCK = "keys.json"
FILES_MAX = 10_000
_OURS = ("metadata", "policies", "deployments", "hints")


def write_stick(fleet: FleetFolder, folder: Path, vans: Collection[str] = ()) -> tuple[int, int]:
    """The files that these vans need, or all; how many messages and bytes. A fresh timestamp is made first.

    What an older writing left is taken away; what vans left stays. Raises: AuthorityInvalid, OSError.
    """
    with fleet.changing():
        repository = fleet.repository()
        for device in vans:
            fleet.vans.get(device)
        repository.refresh_timestamp(fleet.online())
        files = repository.files()
        if vans:
            wanted = {each for device in vans for each in hints_of(repository, device)}
            files = {name: data for name, data in files.items() if _is_for(name, wanted, vans)}
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(path.name + ".new")
        with fresh.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(fresh, path)
    for top in _OURS:
        for path in sorted((folder / top).rglob("*"), reverse=True):
            if path.is_file() and path.relative_to(folder).as_posix() not in files:
                path.unlink()
            elif path.is_dir() and not any(path.iterdir()):
                path.rmdir()
    return len(files), sum(map(len, files.values()))


def read_stick(fleet: FleetFolder, folder: Path) -> list[str]:
    """Take key stocks and receipts that vans left; a line for each. Nothing on a stick is believed unsigned."""
    heard = Heard(fleet)
    lines = []
    outgoing = folder / FROM_VANS
    paths = sorted(outgoing.glob("*/*.json"))[:FILES_MAX] if outgoing.is_dir() else []
    for path in paths:
        device = path.parent.name
        data = _read(path)
        if data is None or not is_repo_name(device):
            lines.append(f"{path.relative_to(folder)}: left alone: no file of a van's")
            continue
        try:
            said = heard.take_stock(data, device) if path.name == STOCK else heard.take_record(data, device)
        except LfrError as error:
            lines.append(f"{path.relative_to(folder)}: refused: {error}")
        else:
            lines.append(said or f"{path.relative_to(folder)}: nothing new for the fleet")
    return lines


def _is_for(name: str, deployments: Collection[str], vans: Collection[str]) -> bool:
    top, _, rest = name.partition("/")
    if top == "hints":
        return rest.removesuffix(".json") in vans
    if top == "deployments":
        return rest.partition("/")[0] in deployments
    if top == "metadata":
        role = rest.partition(".")[2]
        kind, _, tail = role.partition(".")
        return kind not in ("deployment", "log") or tail.partition(".")[0] in deployments
    return True


def _read(path: Path) -> bytes | None:
    """A regular file of an event's size; no link is followed."""
    try:
        with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                return None
            data = file.read(DOCUMENT_MAX_BYTES + 1)
    except OSError:
        return None
    return data if len(data) <= DOCUMENT_MAX_BYTES else None
