"""An order from draft to publication: the list is sealed when it is drafted, published when two people have signed.

The draft is a folder that may travel: `draft.json` for signing, `manifest.json` and `policy.json` to read it by.
Content key and sealed list stay in the authority's folder.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tuf.api.metadata import TargetFile, Targets

from edge.clock import parse_utc, utc_text
from edge.errors import AuthorityInvalid, FolderInUse, RepositoryFileMissing
from edge.files import write_durably
from edge.formats.names import (
    chunk_name,
    deployment_role,
    hashes_name,
    hint_name,
    manifest_name,
    order_target,
    policy_target,
    wrapped_key_name,
)  # fmt: skip
from edge.formats.orders import ORDER_MAX_BYTES, Order
from edge.formats.policy import Policy
from edge.formats.watchlists import WatchlistManifest
from edge.trust.documents import canonical, document_sha256, parse_strict
from edge.trust.manifest import read_manifest
from edge.trust.orders import read_order
from edge.trust.policy import open_policy
from edge.trust.watchlist_writer import SealedBase, WatchlistEntry, seal_base
from provisioning.built_list import BuiltList
from provisioning.fleet_folder import FleetFolder
from provisioning.ledger import DeploymentFile, Ledger, VanKey
from provisioning.order_terms import OrderTerms, make_order
from provisioning.tuf_draft import Draft
from provisioning.tuf_repository import TufRepository
from provisioning.tuf_roles import prefixed

DRAFT, MANIFEST, POLICY = "draft.json", "manifest.json", "policy.json"
HINTS_MAX = 8
_DRAFT_FILE_MAX_BYTES = 4 * 2**20


@dataclass(frozen=True)
class OrderDraft:
    """What a signer reads: the order, the manifest that it pins and the policy profile that it is under."""

    draft: Draft
    order: Order
    order_bytes: bytes
    manifest: WatchlistManifest
    policy: Policy


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
    out.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_durably(out / MANIFEST, sealed.manifest)
    write_durably(out / POLICY, policy_bytes)
    write_durably(out / DRAFT, draft.to_bytes())
    return open_draft(out)


def open_draft(folder: Path) -> OrderDraft:
    """A draft with what belongs to it, held against each other. Raises: AuthorityInvalid, DocumentInvalid."""
    draft = Draft.from_bytes(_read(folder / DRAFT, _DRAFT_FILE_MAX_BYTES))
    role = draft.roles.get(deployment_role(draft.about))
    if draft.kind != "deployment" or role is None:
        raise AuthorityInvalid(f"{folder / DRAFT}: a draft of kind {draft.kind}, no order; use: lfr-fleet repo")
    target = role.signed.targets.get(order_target(draft.about))
    if target is None or set(role.signed.targets) != {target.path}:
        raise AuthorityInvalid(f"{folder / DRAFT}: its role does not list exactly one order")
    order_bytes = draft.files.get(prefixed(target), b"")
    if len(order_bytes) > ORDER_MAX_BYTES or document_sha256(order_bytes) != target.hashes["sha256"]:
        raise AuthorityInvalid(f"{folder / DRAFT}: the order in it is not the one that its role lists")
    order = read_order(order_bytes)
    if order.deployment != draft.about:
        raise AuthorityInvalid(f"{folder / DRAFT}: an order for {order.deployment} in a draft for {draft.about}")
    manifest_bytes = _read(folder / MANIFEST, 8192)
    if document_sha256(manifest_bytes) != order.watchlist.manifest_sha256:
        raise AuthorityInvalid(f"{folder / MANIFEST}: not the list that the order pins")
    policy = open_policy(_read(folder / POLICY, 64 * 1024), order.policy)
    return OrderDraft(draft, order, order_bytes, read_manifest(manifest_bytes), policy)


def save_draft(folder: Path, draft: Draft) -> None:
    """After a signature. Raises: OSError."""
    write_durably(folder / DRAFT, draft.to_bytes())


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
        ledger.change(state="published", published_at_utc=utc_text(fleet.clock.now_utc()))
        ledger.unstage()
    return order


def add_hint(repository: TufRepository, device: str, deployment: str) -> None:
    """Tell a van where to look. Raises: AuthorityInvalid when it has eight deployments already."""
    hints = hints_of(repository, device)
    if deployment not in hints:
        if len(hints) >= HINTS_MAX:
            raise AuthorityInvalid(f"van {device} is in {HINTS_MAX} deployments; close those that are over")
        repository.put_file(hint_name(device), canonical({"deployments": sorted([*hints, deployment])}))


def drop_hint(repository: TufRepository, device: str, deployment: str) -> None:
    """The opposite."""
    hints = hints_of(repository, device)
    if deployment in hints:
        left = [each for each in hints if each != deployment]
        repository.put_file(hint_name(device), canonical({"deployments": left}))


def hints_of(repository: TufRepository, device: str) -> list[str]:
    """The deployments a van is told of."""
    try:
        found = parse_strict(repository.file(hint_name(device)))
    except RepositoryFileMissing:
        return []
    return [str(each) for each in found["deployments"]]


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


def _read(path: Path, limit_bytes: int) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(limit_bytes + 1)
    except OSError as error:
        raise AuthorityInvalid(f"{path}: {error.strerror}; need the folder that order draft wrote") from None
    if len(data) > limit_bytes:
        raise AuthorityInvalid(f"{path}: more than {limit_bytes} bytes")
    return data
