"""The fleet's repository, writer side: what people signed and what the online keys sign is published (REPOSITORY.md).

The folder holds public files only. Who publishes checks what a van would: thresholds, ids of keys, versions.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

from securesystemslib.signer import Signer
from tuf.api.metadata import Metadata, MetaFile, Root, Snapshot, TargetFile, Targets, Timestamp

from edge.clock import Clock, utc_text
from edge.errors import AuthorityInvalid
from edge.formats.names import INDEX, TIMESTAMP, close_target, deployment_role, log_role, log_target
from edge.trust.documents import canonical
from provisioning.tuf_draft import Draft
from provisioning.tuf_drafting import TufDrafts
from provisioning.tuf_files import HASH_PREFIXED
from provisioning.tuf_roles import (
    LOG_ITEMS_MAX,
    METADATA_MAX_BYTES,
    SNAPSHOT_LIFE,
    OnlineSigners,
    RoleKeys,
    check_by,
    check_root,
    check_signed,
    now,
    prefixed,
    role_of_file,
    signed_by,
)  # fmt: skip

__all__ = ["OnlineSigners", "RoleKeys", "TufRepository"]


class TufRepository(TufDrafts):
    """One fleet's repository in a folder."""

    @classmethod
    def found(
        cls, folder: Path, fleet: str, draft: Draft, online: OnlineSigners, clock: Clock, staleness_s: int = 900
    ) -> TufRepository:
        """A repository from its signed founding. Raises: AuthorityInvalid, SignerUnusable, OSError."""
        made = cls(folder, fleet, clock)
        if made._folder.has(INDEX):
            raise AuthorityInvalid(f"{folder} holds a repository already; open it, or take another folder")
        check_signed(draft, "founding")
        check_root(cast(Root, draft.roles["root"].signed))
        made._publish(draft.roles, {}, online, staleness_s)
        return made

    @classmethod
    def create(
        cls,
        folder: Path,
        fleet: str,
        keys: RoleKeys,
        signers: Iterable[Signer],
        online: OnlineSigners,
        clock: Clock,
        staleness_s: int = 900,
    ) -> TufRepository:
        """In one go, where all who must sign are at hand. Raises: AuthorityInvalid, SignerUnusable, OSError."""
        draft = cls.draft_founding(keys, clock)
        for signer in signers:
            draft.sign(signer)
        return cls.found(folder, fleet, draft, online, clock, staleness_s)

    @classmethod
    def open(cls, folder: Path, fleet: str, clock: Clock) -> TufRepository:
        """Raises: AuthorityInvalid when there is none."""
        opened = cls(folder, fleet, clock)
        if not opened._folder.has(INDEX):
            raise AuthorityInvalid(f"{folder} holds no repository; make one with: lfr-fleet init")
        return opened

    def publish(self, draft: Draft, online: OnlineSigners) -> None:
        """A signed draft, with a new snapshot and timestamp.

        Raises: AuthorityInvalid when it lacks signatures or the repository has moved on since; SignerUnusable; OSError.
        """
        draft.root = self._root()
        check_signed(draft, draft.kind)
        if draft.kind == "founding":
            raise AuthorityInvalid("a founding cannot be published into a repository that is there")
        for name, role in draft.roles.items():
            if role.signed.version != self._next_version(name):
                raise AuthorityInvalid(
                    f"{name} is at version {self._next_version(name) - 1}, the draft makes {role.signed.version}: "
                    "another was published meanwhile; draft again"
                )
            if role.signed.is_expired(self._clock.now_utc()):
                raise AuthorityInvalid(
                    f"{name} in the draft has expired {role.signed.expires.isoformat()}; draft again"
                )
        if "root" in draft.roles:
            check_root(cast(Root, draft.roles["root"].signed))
        roles = dict(draft.roles)
        if draft.kind == "deployment":
            roles[log_role(draft.about)] = self._first_log(draft, online)
        self._publish(roles, draft.files, online, self.staleness_s)

    def add_log_item(self, deployment: str, sequence: int, data: bytes, online: OnlineSigners) -> None:
        """An item that its signers have signed. Raises: AuthorityInvalid, RepositoryFileMissing, SignerUnusable."""
        self._change_log(deployment, log_target(deployment, sequence), data, online)

    def add_close(self, deployment: str, data: bytes, online: OnlineSigners) -> None:
        """The word that it is over. Raises: AuthorityInvalid, RepositoryFileMissing, SignerUnusable."""
        self._change_log(deployment, close_target(deployment), data, online)

    def compact_log(self, deployment: str, keep_from_sequence: int, online: OnlineSigners) -> None:
        """Leave out the items before a base. Raises: AuthorityInvalid, RepositoryFileMissing, SignerUnusable."""
        if keep_from_sequence not in self.log_sequences(deployment):
            raise AuthorityInvalid(f"log of {deployment}: there is no item {keep_from_sequence} to begin at")
        log = self._next_log(deployment)
        for sequence in self.log_sequences(deployment):
            if sequence < keep_from_sequence:
                del log.targets[log_target(deployment, sequence)]
        self._publish({log_role(deployment): signed_by(log, online.log)}, {}, online, self.staleness_s)

    def refresh_timestamp(self, online: OnlineSigners) -> None:
        """A new timestamp, and a new snapshot when the present one has less than half of its life left."""
        renew = self._snapshot().expires - self._clock.now_utc() < SNAPSHOT_LIFE / 2
        self._publish({}, {}, online, self.staleness_s, new_snapshot=renew)

    def put_file(self, name: str, data: bytes) -> None:
        """A file that TUF does not name: chunks, wrapped keys, hints. Raises: TopicInvalid, OSError."""
        self._check_own(name)
        self._folder.put(name, data)

    def remove_files(self, names: Iterable[str]) -> int:
        """Delete files that TUF does not name; how many there were. Raises: AuthorityInvalid."""
        names = list(names)
        for name in names:
            self._check_own(name)
        return self._folder.remove(names)

    def remove_deployment(self, deployment: str) -> int:
        """Delete every file of a deployment that is over; how many. Its delegation goes with the next targets."""
        roles = (deployment_role(deployment), log_role(deployment))
        gone = [
            name
            for name in self._folder.names()
            if name.startswith(f"deployments/{deployment}/") or role_of_file(name) in roles
        ]
        return self._folder.remove(gone)

    @staticmethod
    def _check_own(name: str) -> None:
        if HASH_PREFIXED.fullmatch(name) or name.startswith("metadata/") or name == INDEX:
            raise AuthorityInvalid(f"{name} is TUF's own kind of file; it comes and goes by a draft")

    def _publish(
        self,
        roles: Mapping[str, Metadata[Any]],
        files: Mapping[str, bytes],
        online: OnlineSigners,
        staleness_s: int,
        new_snapshot: bool = True,
    ) -> None:
        """Targets' files, roles, snapshot, timestamp, index: written in one change."""
        root = cast(Root, roles["root"].signed) if "root" in roles else self.root
        moment = now(self._clock)
        founding = not self._folder.has(INDEX)
        changed = dict(files)
        changed.update({f"metadata/{role.signed.version}.{name}.json": role.to_bytes() for name, role in roles.items()})
        snapshot = Snapshot(expires=moment + SNAPSHOT_LIFE, meta={}) if founding else self._snapshot()
        if roles or new_snapshot or founding:
            before = {} if founding or self._renamed(root, "snapshot") else snapshot.meta
            meta = dict(before) if before else self._present_roles(founding)
            meta |= {f"{name}.json": MetaFile(role.signed.version) for name, role in roles.items() if name != "root"}
            version = 1 if founding else snapshot.version + 1
            snapshot = Snapshot(version=version, expires=moment + SNAPSHOT_LIFE, meta=meta)
            signed = signed_by(snapshot, online.snapshot)
            check_by(root, "snapshot", signed)
            changed[f"metadata/{version}.snapshot.json"] = signed.to_bytes()
        version = 1 if founding else self._timestamp().version + 1
        timestamp = Timestamp(
            version=version,
            expires=moment + timedelta(seconds=staleness_s),
            snapshot_meta=MetaFile(snapshot.version),
            unrecognized_fields={"made_at_utc": utc_text(moment), "staleness_s": staleness_s},
        )
        signed = signed_by(timestamp, online.timestamp)
        check_by(root, "timestamp", signed)
        changed[TIMESTAMP] = signed.to_bytes()
        changed[INDEX] = canonical({"root": root.version})
        for name, data in changed.items():
            if name.startswith("metadata/") and len(data) > METADATA_MAX_BYTES:
                raise AuthorityInvalid(f"{name}: {len(data)} bytes, a van reads at most {METADATA_MAX_BYTES}")
        self._folder.change(changed)
        self._prune()

    def _change_log(self, deployment: str, path: str, data: bytes, online: OnlineSigners) -> None:
        log = self._next_log(deployment)
        target = TargetFile.from_data(path, data, ["sha256"])
        before = log.targets.get(path)
        if before is not None:
            if before.hashes == target.hashes:
                return
            raise AuthorityInvalid(f"{path} is published with other bytes; an item is never replaced")
        if len(log.targets) >= LOG_ITEMS_MAX:
            raise AuthorityInvalid(f"log of {deployment} has {LOG_ITEMS_MAX} items; compact it into a new base")
        log.targets[path] = target
        signed = signed_by(log, online.log)
        check_by(self._role(deployment_role(deployment)), log_role(deployment), signed)
        self._publish({log_role(deployment): signed}, {prefixed(target): data}, online, self.staleness_s)

    def _first_log(self, draft: Draft, online: OnlineSigners) -> Metadata[Targets]:
        """The log that goes with an order: empty, or what it was, signed for the order's new end."""
        role = cast(Targets, draft.roles[deployment_role(draft.about)].signed)
        name = log_role(draft.about)
        known = f"{name}.json" in self._snapshot().meta
        log = self._next_log(draft.about) if known else Targets(version=1)
        log.expires = role.expires
        signed = signed_by(log, online.log)
        check_by(role, name, signed)
        return signed

    def _next_log(self, deployment: str) -> Targets:
        log = self._role(log_role(deployment))
        log.version += 1
        return log

    def _present_roles(self, founding: bool) -> dict[str, MetaFile]:
        """What a snapshot by a new key need name: roles still delegated to. Vans forget what the old one named."""
        if founding:
            return {}
        alive = {"targets"} | {role(each) for each in self.deployments() for role in (deployment_role, log_role)}
        meta = self._snapshot().meta
        return {f"{name}.json": meta[f"{name}.json"] for name in sorted(alive) if f"{name}.json" in meta}

    def _renamed(self, root: Root, role: str) -> bool:
        """Whether a root gives a role other keys than the root in force."""
        return set(root.roles[role].keyids) != set(self.root.roles[role].keyids)
