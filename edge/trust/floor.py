"""The floor: the newest of all that was ever acted on, kept beside TUF's own state, below which nothing is believed.

REPOSITORY.md 2. A second floor may lie outside the disk (a TPM's): one number, which only rises.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from edge.errors import DocumentInvalid, OrderRollback, StateFileInvalid
from edge.files import write_durably
from edge.trust.documents import canonical, parse_strict

DEPLOYMENTS_MAX = 1_000
_FILE_MAX_BYTES = 256 * 1024


@dataclass(frozen=True)
class Floor:
    """Of one deployment. sequence: of its log; order_sha256: of the order's bytes, where it was said.

    in_force: the last item of its log with which the list was searched.
    """

    order_version: int = 0
    sequence: int = 0
    order_sha256: str | None = None
    in_force: int = 0


@dataclass(frozen=True, order=True)
class Position:
    """How far a repository is. online_root: the root since which its online keys are what they are.

    A root with other online keys begins anew: what was counted up with stolen ones binds nobody.
    """

    online_root: int = 0
    snapshot: int = 0

    @property
    def number(self) -> int:
        """As one number, for a floor outside the disk."""
        return self.online_root << 32 | self.snapshot


class FloorFile:
    """Read once, written before anything is done by what is newer."""

    def __init__(
        self,
        path: Path,
        outside: Callable[[], int] | None = None,
        raise_outside: Callable[[int], None] | None = None,
    ) -> None:
        """Raises: StateFileInvalid."""
        self._path = path
        self._outside = outside
        self._raise_outside = raise_outside
        self._root, self._position, self._deployments = _read(path)

    def of(self, deployment: str) -> Floor:
        """What was acted on of a deployment."""
        return self._deployments.get(deployment, Floor())

    def check(self, root_version: int, position: Position) -> None:
        """Raises: OrderRollback for a repository older than one acted on."""
        if root_version < self._root:
            raise OrderRollback(f"the repository's root is {root_version}, {self._root} was acted on")
        least = max(self._position.number, self._outside() if self._outside else 0)
        if position.number < least:
            raise OrderRollback(
                f"the repository is at snapshot {position.snapshot} (keys of root {position.online_root}), "
                f"{least & 0xFFFFFFFF} (keys of root {least >> 32}) was acted on: it is older"
            )

    def raise_to(self, root_version: int, position: Position, deployment: str, floor: Floor) -> None:
        """On disk when this returns. Raises: OrderRollback for less than was acted on before; OSError."""
        before = self.of(deployment)
        if floor.order_version < before.order_version or floor.sequence < before.sequence:
            raise OrderRollback(
                f"{deployment}: order {floor.order_version} and log {floor.sequence} after order "
                f"{before.order_version} and log {before.sequence}"
            )
        if floor.order_version == before.order_version and before.order_sha256 is not None:
            if floor.order_sha256 not in (None, before.order_sha256):
                raise OrderRollback(
                    f"{deployment}: another order of version {floor.order_version} than the one acted on; "
                    "an order that differs needs a higher version"
                )
            floor = replace(floor, order_sha256=before.order_sha256)
        floor = replace(floor, in_force=max(floor.in_force, before.in_force))
        self.check(root_version, position)
        if (root_version, position, floor) != (self._root, self._position, before):
            deployments = {name: each for name, each in self._deployments.items() if name != deployment}
            deployments[deployment] = floor
            for name in list(deployments)[: max(0, len(deployments) - DEPLOYMENTS_MAX)]:
                del deployments[name]
            write_durably(self._path, _bytes(root_version, position, deployments))
            self._root, self._position, self._deployments = root_version, position, deployments
        if self._raise_outside is not None and (self._outside is None or self._outside() < position.number):
            self._raise_outside(position.number)


def _bytes(root: int, position: Position, deployments: dict[str, Floor]) -> bytes:
    rows = [
        [name, each.order_version, each.sequence, each.order_sha256 or "", each.in_force]
        for name, each in deployments.items()
    ]
    return canonical(
        {"root": root, "online_root": position.online_root, "snapshot": position.snapshot, "deployments": rows}
    )


def _read(path: Path) -> tuple[int, Position, dict[str, Floor]]:
    """A floor that cannot be read is never taken for none: that would forget what was acted on."""
    try:
        value = parse_strict(path.read_bytes(), _FILE_MAX_BYTES)
    except FileNotFoundError:
        return 0, Position(), {}
    except DocumentInvalid as error:
        raise StateFileInvalid(_unreadable(path, str(error))) from None
    try:
        if set(value) != {"root", "online_root", "snapshot", "deployments"}:
            raise TypeError
        root, online_root, snapshot = (_count(value[name]) for name in ("root", "online_root", "snapshot"))
        deployments = {
            str(row[0]): Floor(_count(row[1]), _count(row[2]), _sha256(row[3]), _count(row[4]) if row[4:] else 0)
            for row in value["deployments"]
            if _is_row(row)
        }
    except (TypeError, ValueError):
        raise StateFileInvalid(_unreadable(path, "not what we wrote")) from None
    return root, Position(online_root, snapshot), deployments


def _is_row(row: object) -> bool:
    """Version 0.1 began with rows that did not say what was in force. Raises: TypeError."""
    if not isinstance(row, list) or len(row) not in (4, 5):
        raise TypeError
    return True


def _count(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise TypeError
    return value


def _sha256(value: object) -> str | None:
    if not isinstance(value, str) or not re.fullmatch(r"[0-9a-f]{64}|", value):
        raise TypeError
    return value or None


def _unreadable(path: Path, why: str) -> str:
    return f"{path}: {why}; with it van and fleet lose what was acted on: enrol the van anew"
