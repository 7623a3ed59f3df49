"""The fleet's repository as vision reads it: verified, kept for times without a link, and never older than before.

REPOSITORY.md 2. Verifying is `edge/trust/tuf_client.py`'s; here is what is kept on disk, the floor, and the files.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from tuf.api.metadata import Targets

from edge.clock import Clock
from edge.errors import (
    OrderRollback,
    RepositoryFileMissing,
    RepositoryRefused,
    RepositoryUnavailable,
    StateFileInvalid,
)  # fmt: skip
from edge.files import write_durably
from edge.formats.names import close_target, deployment_role, log_role, order_target, policy_target
from edge.formats.orders import ORDER_MAX_BYTES
from edge.formats.policy import POLICY_MAX_BYTES
from edge.trust.documents import DOCUMENT_MAX_BYTES
from edge.trust.floor import Floor, FloorFile, Position
from edge.trust.target_files import TargetFiles
from edge.trust.tuf_client import TufClient, Verified
from edge.trust.tuf_kept import KEPT_MAX_BYTES, KeptMetadata

Fetch = Callable[[str, bool], bytes]
"""name, and whether it must be fresh: one message of the repository. Raises: RepositoryFileMissing."""

_POLICIES = "policies"

log = logging.getLogger("lfr.trust.repository")


@dataclass(frozen=True)
class SignedOrder:
    """An order's bytes, and who had to sign the role that lists it: the ids of all its keys, and how many of them."""

    data: bytes
    key_ids: frozenset[str]
    threshold: int


@dataclass(frozen=True)
class LogFile:
    """An item of a log, as it was published."""

    sequence: int
    sha256: str
    data: bytes


class Repository:
    """What the fleet has published. folder: its own, within the state folder; root: that of the enrolment.

    floor_outside, raise_outside: a floor that outlives the disk (a TPM's), as one number that only rises.
    """

    def __init__(
        self,
        folder: Path,
        root: bytes,
        fetch: Fetch,
        clock: Clock,
        floor_outside: Callable[[], int] | None = None,
        raise_outside: Callable[[int], None] | None = None,
    ) -> None:
        """Raises: RepositoryRefused for a root that is none; StateFileInvalid for a floor that cannot be read."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._kept_path = folder / "kept.json"
        self.files = TargetFiles(folder / "files", self.fetch_kept, self.fetch_fresh)
        self._fetch = fetch
        self._clock = clock
        self._client = TufClient(folder / "tuf", root)
        self._floor = FloorFile(folder / "floor.json", floor_outside, raise_outside)
        self._lock = threading.RLock()
        self._forgotten: set[str] = set()
        self._kept = self._read_kept()
        self._newest: Verified | None = None

    def refresh(self) -> View:
        """What the fleet says now. What link kept is believed no more than the broker: refused, it is asked for anew.

        Raises: RepositoryUnavailable, RepositoryRefused, OrderRollback; what is kept stays as it was then.
        """
        try:
            return self._refresh(fresh=False)
        except (RepositoryRefused, OrderRollback) as error:
            log.info("asking for every file anew: %s", error)
            return self._refresh(fresh=True)

    def kept(self) -> View:
        """What was kept, verified again from the root down. Raises: RepositoryUnavailable, RepositoryRefused,
        OrderRollback.
        """
        verified = self._client.verify(self._kept, self._clock.now_utc())
        return self._view(verified)

    def floor(self, deployment: str) -> Floor:
        """The newest order and log item of a deployment that were ever acted on."""
        return self._floor.of(deployment)

    def acted_on(
        self, deployment: str, order_version: int, sequence: int, order_sha256: str | None = None, in_force: int = 0
    ) -> None:
        """To be called before acting: from now on nothing older is believed, whatever becomes of TUF's state.

        in_force: with which item the list is searched now. Raises: OrderRollback, RepositoryUnavailable when there is
        nothing to act on, or the floor cannot be written.
        """
        with self._lock:
            if self._newest is None:
                raise RepositoryUnavailable("nothing was read of the repository that could be acted on")
            floor = Floor(order_version, sequence, order_sha256, in_force)
            try:
                self._floor.raise_to(self._newest.root_version, _position(self._newest), deployment, floor)
            except OSError as error:
                raise RepositoryUnavailable(f"the floor cannot be written: {error.strerror or error}") from None

    def forget(self, deployment: str) -> int:
        """Delete what is kept of a deployment, at its close; how many files. Its floor stays."""
        with self._lock:
            self._forgotten.add(deployment)
            count = self.files.forget(deployment)
            roles = {deployment_role(deployment), log_role(deployment)} & set(self._kept.roles)
            self._keep(self._kept)
            return count + len(roles)

    def keep_roles(self, verified: Verified) -> None:
        """Have the roles on disk that a view has loaded meanwhile."""
        with self._lock:
            if self._newest is verified and verified.metadata != self._kept:
                self._keep(verified.metadata)

    def fetch_kept(self, name: str) -> bytes:
        """A message whose content never changes under its name."""
        return self._fetch(name, False)

    def fetch_fresh(self, name: str) -> bytes:
        """A message as the broker has it now."""
        return self._fetch(name, True)

    def _refresh(self, fresh: bool) -> View:
        kept = self._kept
        fetch = self.fetch_fresh if fresh else self.fetch_kept
        try:
            verified = self._client.refresh(kept, fetch, self.fetch_fresh, self._clock.now_utc())
        except (RepositoryRefused, RepositoryUnavailable):
            # A new root stays, though nothing else came: what it put out of use must not come back.
            with self._lock:
                self._keep(replace(self._kept, roots=self._client.roots))
            raise
        view = self._view(verified, fresh)
        with self._lock:
            self._keep(verified.metadata)
        return view

    def _view(self, verified: Verified, fresh: bool = False) -> View:
        self._floor.check(verified.root_version, _position(verified))
        with self._lock:
            self._newest = verified
        return View(self, verified, fresh)

    def _keep(self, metadata: KeptMetadata) -> None:
        """On disk, without roles that the snapshot has moved past. Raises: RepositoryUnavailable."""
        roles = {name: data for name, data in metadata.roles.items() if name.partition(".")[2] not in self._forgotten}
        metadata = replace(metadata, roles=roles)
        if metadata == self._kept:
            return
        try:
            write_durably(self._kept_path, metadata.to_bytes())
        except OSError as error:
            raise RepositoryUnavailable(f"metadata cannot be kept: {error.strerror or error}") from None
        self._kept = metadata

    def _read_kept(self) -> KeptMetadata:
        """What cannot be read counts as not kept: the floor remembers what was acted on."""
        try:
            with self._kept_path.open("rb") as file:
                return KeptMetadata.from_bytes(file.read(KEPT_MAX_BYTES + 1))
        except FileNotFoundError:
            return KeptMetadata()
        except (OSError, StateFileInvalid) as error:
            log.warning("%s is not used: %s", self._kept_path, error)
            return KeptMetadata()


class View:
    """The repository at one snapshot: facts, and files that its metadata vouches for."""

    def __init__(self, repository: Repository, verified: Verified, fresh: bool) -> None:
        self._repository = repository
        self._verified = verified
        self._fetch = repository.fetch_fresh if fresh else repository.fetch_kept

    @property
    def made_at_utc(self) -> datetime:
        """The fleet's time when the timestamp was signed: before this it cannot be."""
        return self._verified.made_at

    @property
    def staleness_s(self) -> int:
        """For how long that timestamp may serve."""
        return self._verified.staleness_s

    @property
    def snapshot_version(self) -> int:
        return self._verified.snapshot_version

    @property
    def root_version(self) -> int:
        return self._verified.root_version

    def order(self, deployment: str) -> SignedOrder:
        """Raises: RepositoryFileMissing when none is published; RepositoryRefused, RepositoryUnavailable."""
        role = self._role(deployment_role(deployment))
        target = role.targets.get(order_target(deployment))
        if target is None:
            raise RepositoryFileMissing(f"{deployment}: its role lists no order")
        delegations = self._verified.targets.delegations
        assert delegations is not None
        delegated = (delegations.roles or {})[deployment_role(deployment)]
        data = self._repository.files.read(deployment, target, ORDER_MAX_BYTES)
        return SignedOrder(data, frozenset(delegated.keyids), delegated.threshold)

    def policy(self, name: str, version: int) -> bytes:
        """Raises: RepositoryFileMissing, RepositoryRefused, RepositoryUnavailable."""
        target = self._verified.targets.targets.get(policy_target(name, version))
        if target is None:
            raise RepositoryFileMissing(f"the repository has no policy profile {name} {version}")
        self._repository.files.keep_only(_POLICIES, list(self._verified.targets.targets.values()))
        return self._repository.files.read(_POLICIES, target, POLICY_MAX_BYTES)

    def log(self, deployment: str, after: int) -> tuple[LogFile, ...]:
        """Its items, contiguous: from after + 1, or from the first that is kept if that one is compacted away.

        Raises: OrderRollback when the log ends below what was acted on; RepositoryFileMissing, RepositoryRefused,
        RepositoryUnavailable.
        """
        role = self._role(log_role(deployment))
        files = {_sequence(path): target for path, target in role.targets.items() if path != close_target(deployment)}
        newest = max(files, default=0)
        floor = self._repository.floor(deployment)
        if newest < floor.sequence:
            raise OrderRollback(f"{deployment}: its log ends at {newest}, {floor.sequence} was acted on")
        first = newest
        while first - 1 in files and first - 1 > after:
            first -= 1
        order = self._role(deployment_role(deployment)).targets.values()
        self._repository.files.keep_only(deployment, [*role.targets.values(), *order])
        return tuple(
            LogFile(
                sequence,
                files[sequence].hashes["sha256"],
                self._repository.files.read(deployment, files[sequence], DOCUMENT_MAX_BYTES),
            )
            for sequence in range(first, newest + 1)
            if sequence > after
        )

    def close(self, deployment: str) -> bytes | None:
        """The word that it is over, if there is one. Raises: as `log`."""
        target = self._role(log_role(deployment)).targets.get(close_target(deployment))
        return None if target is None else self._repository.files.read(deployment, target, DOCUMENT_MAX_BYTES)

    def log_key_ids(self, deployment: str) -> frozenset[str]:
        """The keys any one of which signs the deployment's log; none where it takes several. Raises: as `log`."""
        delegations = self._role(deployment_role(deployment)).delegations
        delegated = ((delegations.roles if delegations else None) or {}).get(log_role(deployment))
        return frozenset(delegated.keyids) if delegated is not None and delegated.threshold == 1 else frozenset()

    def _role(self, name: str) -> Targets:
        try:
            return self._verified.role(name, self._fetch)
        finally:
            self._repository.keep_roles(self._verified)


def _position(verified: Verified) -> Position:
    return Position(verified.online_root, verified.snapshot_version)


def _sequence(path: str) -> int:
    return int(path.rpartition("/")[2].removesuffix(".json"))
