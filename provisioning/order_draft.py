"""An order from draft to publication: the list is sealed when it is drafted, published when two people have signed.

Content key and sealed list stay in the authority's folder; the draft may travel (draft_folder.py).
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from tuf.api.metadata import TargetFile, Targets

from edge.clock import parse_utc, utc_text
from edge.errors import AuthorityInvalid, FolderInUse, RepositoryFileMissing
from edge.formats.names import (
    chunk_name,
    deployment_role,
    hashes_name,
    manifest_name,
    policy_target,
    wrapped_key_name,
)  # fmt: skip
from edge.formats.orders import Order
from edge.formats.policy import Policy
from edge.trust.documents import canonical, document_sha256
from edge.trust.orders import read_order
from edge.trust.watchlist_writer import SealedBase, WatchlistEntry, seal_base
from provisioning.built_list import BuiltList
from provisioning.draft_folder import OrderDraft, open_draft, policy_file, write_draft
from provisioning.fleet_folder import FleetFolder
from provisioning.hints import add_hint
from provisioning.ledger import DeploymentFile, Ledger, VanKey
from provisioning.order_terms import OrderTerms, make_order
from provisioning.tuf_draft import Draft
from provisioning.tuf_repository import TufRepository
from provisioning.tuf_roles import prefixed


def draft_order(
    fleet: FleetFolder,
    terms: OrderTerms,
    built: BuiltList,
    policy_bytes: bytes,
    references: Mapping[str, str],
    out: Path,
) -> OrderDraft:
    """Seal the list, make the order and write the draft. references: the room's reference to entry id.

    Raises: AuthorityInvalid, PolicyViolated, OrderInvalid, DocumentInvalid, WatchlistInvalid, FolderInUse, OSError.
    """
    ledger = fleet.ledger(terms.deployment)
    if ledger.exists and ledger.read().state != "drafted":
        raise AuthorityInvalid(f"deployment {terms.deployment} is {ledger.read().state}; a new one needs a new name")
    if out.exists() and any(out.iterdir()):
        raise FolderInUse(f"{out}: holds something; a draft needs a folder of its own")
    _check_built(built, terms.policy)
    with fleet.changing():
        repository = fleet.repository()
        if terms.staleness_s > repository.staleness_s:
            raise AuthorityInvalid(
                f"staleness of {terms.staleness_s} s: this fleet's timestamps live {repository.staleness_s} s; ask for "
                "no more, or found the fleet with a longer --staleness-s"
            )
        keys = {device: fleet.vans.use_key(device, terms.deployment) for device in terms.vans}
        sealed = seal_base(
            fleet.fleet,
            terms.deployment,
            1,
            built.pack_sha256,
            built.subjects,
            entries_of(built),
            {key.recipient: key.public_hex for key in keys.values()},
        )
        recipients = {device: key.recipient for device, key in keys.items()}
        order = make_order(fleet.fleet, terms, recipients, document_sha256(sealed.manifest), built.pack_sha256)
        order_bytes = canonical(order.model_dump(mode="json"))
        vans = {d: VanKey(recipient=key.recipient, public_hex=key.public_hex) for d, key in keys.items()}
        ledger.write(
            DeploymentFile(deployment=terms.deployment, state="drafted", not_after_utc=order.not_after_utc, vans=vans)
        )
        ledger.keep_secret(sealed.secret)
        ledger.keep_references(references, 1)
        ledger.stage(base_files(terms.deployment, 1, sealed))
        draft = repository.draft_deployment(order_bytes, terms.officer.key, terms.custodian.key, ledger.log_key())
        _put_policy(draft, terms.policy, policy_bytes)
    return write_draft(out, draft, sealed.manifest, policy_bytes)


def draft_log_key(fleet: FleetFolder, deployment: str, out: Path) -> OrderDraft:
    """The order in force once more, with another key for its log: for when that key may be in other hands.

    Raises: AuthorityInvalid, RepositoryFileMissing, FolderInUse, OSError.
    """
    if out.exists() and any(out.iterdir()):
        raise FolderInUse(f"{out}: holds something; a draft needs a folder of its own")
    ledger = fleet.ledger(deployment)
    if ledger.read().state != "published":
        raise AuthorityInvalid(f"deployment {deployment} is {ledger.read().state}; its log is not written any more")
    with fleet.changing():
        repository = fleet.repository()
        order_bytes = repository.order(deployment)
        order = read_order(order_bytes)
        people = {person.key.keyid: person.key for person in fleet.people()}
        pair = [people.get(each.key_id) for each in (order.authorising_officer, order.data_custodian)]
        if pair[0] is None or pair[1] is None:
            raise AuthorityInvalid(f"an officer or custodian of {deployment} is no longer with this fleet; close it")
        draft = repository.draft_deployment(order_bytes, pair[0], pair[1], ledger.next_log_key())
        policy = repository.file(policy_file(order.policy))
        try:
            manifest = repository.file(manifest_name(deployment, 1))
        except RepositoryFileMissing:  # a new base has taken its place
            manifest = b""
    return write_draft(out, draft, manifest, policy)


def publish_order(fleet: FleetFolder, folder: Path) -> Order:
    """A signed draft into the repository: sealed list, wrapped keys, hints, and last the order. Harmless done twice.

    Raises: AuthorityInvalid, SignerUnusable, OSError.
    """
    opened = open_draft(folder)
    order, ledger = opened.order, fleet.ledger(opened.order.deployment)
    with fleet.changing():
        repository = fleet.repository()
        if not _is_published(repository, opened):
            if ledger.read().state != "drafted":
                raise AuthorityInvalid(f"deployment {order.deployment} is {ledger.read().state}; draft a new one")
            if parse_utc(order.not_after_utc) <= fleet.clock.now_utc():
                raise AuthorityInvalid(f"order {order.deployment} ended at {order.not_after_utc}; draft a new one")
            if opened.draft.missing():
                raise AuthorityInvalid(f"order {order.deployment} is not signed by both: {_waits_for(opened)}")
            staged = ledger.staged()
            manifest = staged.get(manifest_name(order.deployment, 1), b"")
            if document_sha256(manifest) != order.watchlist.manifest_sha256:
                raise AuthorityInvalid(
                    f"order {order.deployment} pins another list than was sealed here last; publish the newest draft"
                )
            for name, data in staged.items():
                repository.put_file(name, data)
            for device in order.vans:
                add_hint(repository, device, order.deployment)
            repository.publish(opened.draft, fleet.online(ledger.log_signer()))
        elif (signer := ledger.next_log_signer()) is not None and signer.public_key.keyid in _log_keys(opened):
            repository.publish(opened.draft, fleet.online(signer))
            ledger.accept_log_key()
            return order
        if ledger.read().state == "drafted":
            ledger.change(state="published", published_at_utc=utc_text(fleet.clock.now_utc()))
            ledger.unstage()
    return order


def entries_of(built: BuiltList) -> list[WatchlistEntry]:
    """A built list's lines, as they are sealed."""
    rows = zip(built.ids, built.categories, built.responses, built.vectors, strict=True)
    return [WatchlistEntry(*row) for row in rows]


def base_files(deployment: str, epoch: int, sealed: SealedBase) -> dict[str, bytes]:
    """The files of a base by repository name."""
    files = {chunk_name(deployment, epoch, index): chunk for index, chunk in enumerate(sealed.chunks)}
    files |= {wrapped_key_name(deployment, epoch, recipient): data for recipient, data in sealed.keys.items()}
    files[hashes_name(deployment, epoch)] = sealed.hashes
    files[manifest_name(deployment, epoch)] = sealed.manifest
    return files


def withdraw(ledger: Ledger) -> int:
    """Forget a draft that is not to be published: key, sealed list and references; how many files."""
    if ledger.read().state != "drafted":
        raise AuthorityInvalid(
            f"deployment {ledger.deployment} is {ledger.read().state}; end it with: lfr-fleet order close"
        )
    count = ledger.destroy_secrets()
    shutil.rmtree(ledger.folder)
    return count


def _log_keys(opened: OrderDraft) -> set[str]:
    delegations = opened.draft.roles[deployment_role(opened.order.deployment)].signed.delegations
    return set(delegations.keys) if delegations is not None else set()


def _check_built(built: BuiltList, policy: Policy) -> None:
    beyond = sorted(set(built.categories) - set(policy.categories))
    if beyond:
        raise AuthorityInvalid(
            f"the list has entries of category {', '.join(beyond)}, which policy {policy.name} {policy.version} "
            "has not; build it under that profile"
        )


def _put_policy(draft: Draft, policy: Policy, data: bytes) -> None:
    """The profile goes with the order, unless it is there already: the same two sign both."""
    targets = draft.roles["targets"].signed
    assert isinstance(targets, Targets)
    target = TargetFile.from_data(policy_target(policy.name, policy.version), data, ["sha256"])
    before = targets.targets.get(target.path)
    if before is None:
        targets.targets[target.path] = target
        draft.files[prefixed(target)] = data
    elif before.hashes != target.hashes:
        raise AuthorityInvalid(
            f"{target.path} is published with other bytes; a profile that differs needs a new version"
        )


def _is_published(repository: TufRepository, opened: OrderDraft) -> bool:
    try:
        return repository.order(opened.order.deployment) == opened.order_bytes
    except (RepositoryFileMissing, KeyError):
        return False


def _waits_for(opened: OrderDraft) -> str:
    names = {
        opened.order.authorising_officer.key_id: opened.order.authorising_officer.name,
        opened.order.data_custodian.key_id: opened.order.data_custodian.name,
    }
    waiting = {names.get(key_id, key_id[:16] + "…") for each in opened.draft.missing() for key_id in each.key_ids}
    return "waits for " + " and ".join(sorted(waiting))
