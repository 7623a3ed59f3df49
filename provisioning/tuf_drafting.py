"""Drafts of the repository's next metadata, for people to sign: orders, policy profiles, renewals, other keys."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from securesystemslib.signer import Key
from tuf.api.metadata import DelegatedRole, Delegations, Metadata, Root, TargetFile, Targets

from edge.clock import Clock, parse_utc
from edge.errors import AuthorityInvalid, RepositoryFileMissing
from edge.formats.names import deployment_role, log_role, order_target, policy_target
from edge.formats.policy import Policy
from edge.trust.orders import read_order
from provisioning.tuf_draft import Draft
from provisioning.tuf_roles import (
    AFTER_THE_END,
    PEOPLE_NEEDED,
    ROOT_LIFE,
    TARGETS_LIFE,
    RoleKeys,
    check_keys,
    check_root,
    keys_of,
    name_keys,
    now,
    prefixed,
)  # fmt: skip
from provisioning.tuf_state import TufState


class TufDrafts(TufState):
    """Makes drafts of what would come next; changes nothing."""

    @staticmethod
    def draft_founding(keys: RoleKeys, clock: Clock) -> Draft:
        """Root and targets, version 1, for two root keys and two targets keys to sign. Raises: AuthorityInvalid."""
        root = Root(version=1, expires=now(clock) + ROOT_LIFE, consistent_snapshot=True)
        for role in ("root", "targets", "snapshot", "timestamp"):
            name_keys(root, role, keys_of(keys, role))
        check_root(root)
        targets = Targets(version=1, expires=now(clock) + TARGETS_LIFE, delegations=Delegations({}, {}))
        return Draft("founding", "", {"root": Metadata(root), "targets": Metadata(targets)}, {}, None)

    def draft_deployment(self, order: bytes, officer: Key, custodian: Key, log_key: Key) -> Draft:
        """An order as target of its role, delegated to by the next targets, for both people to sign.

        Delegations of deployments whose time has passed are left out. The same order again, with another log key,
        takes a stolen log key out of use. Raises: AuthorityInvalid, DocumentInvalid.
        """
        fields = read_order(order)
        if fields.fleet != self._fleet:
            raise AuthorityInvalid(f"order {fields.deployment} is of fleet {fields.fleet}, this is {self._fleet}'s")
        named = (fields.authorising_officer.key_id, fields.data_custodian.key_id)
        if (officer.keyid, custodian.keyid) != named:
            raise AuthorityInvalid(
                f"order {fields.deployment} names officer {named[0][:16]}… and custodian {named[1][:16]}…, "
                f"the keys given are {officer.keyid[:16]}… and {custodian.keyid[:16]}…"
            )
        strangers = {officer.keyid, custodian.keyid} - set(self.root.roles["targets"].keyids)
        if strangers:
            raise AuthorityInvalid(f"key {min(strangers)[:16]}… is no officer's or custodian's of this fleet")
        check_keys((officer, custodian, log_key))
        if log_key.keyid in self._people():
            raise AuthorityInvalid("the log's key is a person's, or root's: it lies online, take one of its own")
        ends = parse_utc(fields.not_after_utc).replace(microsecond=0) + AFTER_THE_END
        name, log = deployment_role(fields.deployment), log_role(fields.deployment)
        below = f"deployments/{fields.deployment}"
        role = Targets(version=self._next_version(name), expires=ends)
        target = TargetFile.from_data(order_target(fields.deployment), order, ["sha256"])
        role.targets[target.path] = target
        role.delegations = Delegations(
            {log_key.keyid: log_key}, {log: DelegatedRole(log, [log_key.keyid], 1, True, [f"{below}/log/*"])}
        )
        targets = self._next_targets()
        assert targets.delegations is not None
        assert targets.delegations.roles is not None
        pair = {officer.keyid: officer, custodian.keyid: custodian}
        targets.delegations.roles[name] = DelegatedRole(
            name, sorted(pair), PEOPLE_NEEDED, True, [f"{below}/*", f"{below}/log/*"]
        )
        targets.delegations.keys.update(pair)
        roles = {"targets": Metadata(targets), name: Metadata(role)}
        return Draft("deployment", fields.deployment, roles, {prefixed(target): order}, self._root())

    def draft_policy(self, policy: Policy, data: bytes) -> Draft:
        """A policy profile as target of the next targets, for two to sign."""
        targets = self._next_targets()
        target = TargetFile.from_data(policy_target(policy.name, policy.version), data, ["sha256"])
        before = targets.targets.get(target.path)
        if before is not None and before.hashes != target.hashes:
            raise AuthorityInvalid(
                f"{target.path} is there with other bytes; a profile that differs needs a new version"
            )
        targets.targets[target.path] = target
        about = f"{policy.name}-{policy.version}"
        return Draft("targets", about, {"targets": Metadata(targets)}, {prefixed(target): data}, self._root())

    def draft_renewal(self) -> Draft:
        """The next targets with another 90 days to live, for two to sign."""
        return Draft("targets", "renewal", {"targets": Metadata(self._next_targets())}, {}, self._root())

    def draft_rotation(self, role: str | None, new_keys: Sequence[Key] = ()) -> Draft:
        """The next root with other keys for a role; None: only with another year to live.

        Root's old and new threshold sign it, and targets is signed anew by its new keys. Raises: AuthorityInvalid.
        """
        root = self._root().signed
        root.version += 1
        root.expires = now(self._clock) + ROOT_LIFE
        if role is not None:
            if role not in ("root", "targets", "snapshot", "timestamp"):
                raise AuthorityInvalid(f"{role} is no role of root's; need root, targets, snapshot or timestamp")
            for key_id in list(root.roles[role].keyids):
                root.revoke_key(key_id, role)
            name_keys(root, role, new_keys)
        check_root(root)
        roles: dict[str, Metadata[Any]] = {"root": Metadata(root)}
        if role == "targets":
            roles["targets"] = Metadata(self._next_targets())
        return Draft("rotation", role or "renewal", roles, {}, self._root())

    def _next_targets(self) -> Targets:
        """The targets in force with the next version, without the deployments that are over."""
        targets = self._targets()
        targets.version = self._next_version("targets")
        targets.expires = now(self._clock) + TARGETS_LIFE
        assert targets.delegations is not None
        assert targets.delegations.roles is not None
        for name in list(targets.delegations.roles):
            try:
                over = self._role(name).is_expired(self._clock.now_utc())
            except RepositoryFileMissing:
                over = True
            if over:
                del targets.delegations.roles[name]
        used = {key_id for role in targets.delegations.roles.values() for key_id in role.keyids}
        targets.delegations.keys = {key_id: key for key_id, key in targets.delegations.keys.items() if key_id in used}
        return targets

    def _people(self) -> set[str]:
        return set(self.root.roles["targets"].keyids) | set(self.root.roles["root"].keyids)
