"""What the repository holds now, read from its folder by the machine that publishes it."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import cast

from tuf.api.metadata import Metadata, Root, Snapshot, Targets, Timestamp

from edge.clock import Clock, parse_utc
from edge.errors import RepositoryFileMissing
from edge.formats.names import (
    INDEX,
    TIMESTAMP,
    close_target,
    deployment_role,
    log_role,
    log_target,
    order_target,
)  # fmt: skip
from edge.formats.parts import split
from edge.trust.tuf_kept import read_index
from provisioning.tuf_files import HASH_PREFIXED, RepositoryFolder
from provisioning.tuf_roles import prefixed


class TufState:
    """One fleet's repository in a folder, to be read."""

    def __init__(self, folder: Path, fleet: str, clock: Clock) -> None:
        """Raises: OSError, AuthorityInvalid."""
        self._folder = RepositoryFolder(folder)
        self._fleet = fleet
        self._clock = clock

    def root_bytes(self) -> bytes:
        """The first root: what a van is enrolled with."""
        return self._folder.read("metadata/1.root.json")

    @property
    def root(self) -> Root:
        """The root in force."""
        return self._root().signed

    @property
    def staleness_s(self) -> int:
        """For how long a timestamp may serve."""
        return int(self._timestamp().unrecognized_fields["staleness_s"])

    @property
    def made_at_utc(self) -> datetime:
        """When the newest timestamp was signed."""
        return parse_utc(self._timestamp().unrecognized_fields["made_at_utc"])

    def deployments(self) -> tuple[str, ...]:
        """Ids of the deployments delegated to, sorted."""
        delegations = self._targets().delegations
        roles = (delegations.roles or {}) if delegations else {}
        return tuple(sorted(name.partition(".")[2] for name in roles))

    def order(self, deployment: str) -> bytes:
        """The order in force of a deployment. Raises: RepositoryFileMissing."""
        role = self._role(deployment_role(deployment))
        return self._folder.read(prefixed(role.targets[order_target(deployment)]))

    def log_sequences(self, deployment: str) -> tuple[int, ...]:
        """Of the items that its log lists, ascending. Raises: RepositoryFileMissing."""
        names = (path.rpartition("/")[2].removesuffix(".json") for path in self._role(log_role(deployment)).targets)
        return tuple(sorted(int(name) for name in names if name.isdecimal()))

    def log_item(self, deployment: str, sequence: int) -> bytes:
        """An item of a log. Raises: RepositoryFileMissing."""
        return self._target(log_role(deployment), log_target(deployment, sequence))

    def close(self, deployment: str) -> bytes | None:
        """The word that a deployment is over, if it was published. Raises: RepositoryFileMissing."""
        path = close_target(deployment)
        return self._target(log_role(deployment), path) if path in self._role(log_role(deployment)).targets else None

    def file(self, name: str) -> bytes:
        """Any file by its name. Raises: RepositoryFileMissing."""
        return self._folder.read(name)

    def names(self) -> tuple[str, ...]:
        """Of every file, sorted."""
        return tuple(self._folder.names())

    def files(self) -> dict[str, bytes]:
        """Every message to publish, by repository name, each at most 61,440 bytes; what points to others comes last."""
        late = (TIMESTAMP, INDEX)
        names = [name for name in self._folder.names() if name not in late]
        messages: dict[str, bytes] = {}
        for name in (*names, *(name for name in late if self._folder.has(name))):
            messages.update(split(name, self._folder.read(name)))
        return messages

    def expires_utc(self, name: str) -> datetime:
        """Until when a message under this name is of use: its expiry on the broker."""
        parts = name.split("/")
        if name == TIMESTAMP or parts[0] not in ("deployments", "metadata"):
            return self._root().signed.expires
        role = ".".join(parts[1].split(".")[1:-1]) if parts[0] == "metadata" else deployment_role(parts[1])
        if role.startswith("log."):
            role = deployment_role(role.partition(".")[2])
        try:
            return self._root().signed.expires if role in ("root", "snapshot") else self._role(role).expires
        except (RepositoryFileMissing, KeyError):
            return self._root().signed.expires

    def _prune(self) -> None:
        """Delete what neither the present snapshot names nor the one before it."""
        keep = {TIMESTAMP}
        present = self._timestamp().snapshot_meta.version
        for version in (present, present - 1):
            name = f"metadata/{version}.snapshot.json"
            if not self._folder.has(name):
                continue
            keep.add(name)
            for role, meta in cast(Snapshot, Metadata.from_bytes(self._folder.read(name)).signed).meta.items():
                file = f"metadata/{meta.version}.{role}"
                if self._folder.has(file):
                    keep.add(file)
                    targets = cast(Targets, Metadata.from_bytes(self._folder.read(file)).signed).targets
                    keep |= {prefixed(target) for target in targets.values()}
        self._folder.remove(
            name
            for name in list(self._folder.names())
            if name not in keep
            and (HASH_PREFIXED.fullmatch(name) or (name.startswith("metadata/") and not name.endswith(".root.json")))
        )

    def _target(self, role: str, path: str) -> bytes:
        target = self._role(role).targets.get(path)
        if target is None:
            raise RepositoryFileMissing(f"{role} does not list {path}")
        return self._folder.read(prefixed(target))

    def _next_version(self, name: str) -> int:
        if name == "root":
            return self._root().signed.version + 1
        meta = self._snapshot().meta.get(f"{name}.json")
        return 1 if meta is None else meta.version + 1

    def _root(self) -> Metadata[Root]:
        version = read_index(self._folder.read(INDEX))
        return Metadata[Root].from_bytes(self._folder.read(f"metadata/{version}.root.json"))

    def _timestamp(self) -> Timestamp:
        return cast(Timestamp, Metadata.from_bytes(self._folder.read(TIMESTAMP)).signed)

    def _snapshot(self) -> Snapshot:
        version = self._timestamp().snapshot_meta.version
        return cast(Snapshot, Metadata.from_bytes(self._folder.read(f"metadata/{version}.snapshot.json")).signed)

    def _targets(self) -> Targets:
        return self._role("targets")

    def _role(self, name: str) -> Targets:
        meta = self._snapshot().meta.get(f"{name}.json")
        if meta is None:
            raise RepositoryFileMissing(f"the repository has no role {name}: publish its order first")
        return cast(Targets, Metadata.from_bytes(self._folder.read(f"metadata/{meta.version}.{name}.json")).signed)
