"""Metadata as it is kept on disk, in one file that is written whole; and the index, which is a hint. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from edge.errors import DocumentInvalid, RepositoryRefused, StateFileInvalid
from edge.formats.names import INDEX
from edge.trust.documents import canonical, parse_strict

KEPT_MAX_BYTES = 32 * 2**20
_INDEX_MAX_BYTES = 256


@dataclass(frozen=True)
class KeptMetadata:
    """Metadata as it lies on disk. roots: those after the enrolled one, without a gap; roles: delegated ones, by name.

    Empty bytes: not there yet.
    """

    roots: tuple[bytes, ...] = ()
    timestamp: bytes = b""
    snapshot: bytes = b""
    targets: bytes = b""
    roles: dict[str, bytes] = field(default_factory=dict)

    def to_bytes(self) -> bytes:
        """One file of it all."""
        return canonical(
            {
                "roots": [each.decode() for each in self.roots],
                "timestamp": self.timestamp.decode(),
                "snapshot": self.snapshot.decode(),
                "targets": self.targets.decode(),
                "roles": {name: data.decode() for name, data in self.roles.items()},
            }
        )

    @classmethod
    def from_bytes(cls, data: bytes) -> KeptMetadata:
        """Raises: StateFileInvalid."""
        try:
            value = parse_strict(data, KEPT_MAX_BYTES)
            names = ("roots", "timestamp", "snapshot", "targets", "roles")
            roots, timestamp, snapshot, targets, roles = (value.pop(name) for name in names)
            if value:
                raise StateFileInvalid(f"kept metadata: unknown members {', '.join(value)[:80]}")
            return cls(
                tuple(each.encode() for each in roots),
                timestamp.encode(),
                snapshot.encode(),
                targets.encode(),
                {str(name): each.encode() for name, each in roles.items()},
            )
        except (DocumentInvalid, KeyError, AttributeError, TypeError) as error:
            raise StateFileInvalid(f"kept metadata: {str(error)[:160]}") from None


def read_index(data: bytes) -> int:
    """The newest root, as the index says. Raises: RepositoryRefused."""
    try:
        index = parse_strict(data, _INDEX_MAX_BYTES)
    except DocumentInvalid as error:
        raise RepositoryRefused(f"{INDEX}: {error}") from None
    newest = index.get("root") if isinstance(index, dict) and set(index) == {"root"} else None
    if not isinstance(newest, int) or isinstance(newest, bool) or newest < 1:
        raise RepositoryRefused(f"{INDEX}: need an object of exactly `root`, a version from 1")
    return newest
