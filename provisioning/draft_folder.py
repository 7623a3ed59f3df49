"""The folder of an order's draft, which may travel: `draft.json` to sign, manifest and policy to read it by."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from edge.errors import AuthorityInvalid
from edge.files import write_durably
from edge.formats.names import deployment_role, order_target, policy_target
from edge.formats.orders import ORDER_MAX_BYTES, Order
from edge.formats.policy import Policy, PolicyReference
from edge.formats.watchlists import WatchlistManifest
from edge.trust.documents import document_sha256
from edge.trust.manifest import read_manifest
from edge.trust.orders import read_order
from edge.trust.policy import open_policy
from provisioning.tuf_draft import DRAFT_MAX_BYTES, Draft
from provisioning.tuf_roles import prefixed

DRAFT, MANIFEST, POLICY = "draft.json", "manifest.json", "policy.json"


@dataclass(frozen=True)
class OrderDraft:
    """What a signer reads: the order, the manifest that it pins (None: not at hand) and its policy profile."""

    draft: Draft
    order: Order
    order_bytes: bytes
    manifest: WatchlistManifest | None
    policy: Policy


def open_draft(folder: Path) -> OrderDraft:
    """A draft with what belongs to it, held against each other. Raises: AuthorityInvalid, DocumentInvalid."""
    draft = Draft.from_bytes(_read(folder / DRAFT, DRAFT_MAX_BYTES))
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
    if manifest_bytes and document_sha256(manifest_bytes) != order.watchlist.manifest_sha256:
        raise AuthorityInvalid(f"{folder / MANIFEST}: not the list that the order pins")
    policy = open_policy(_read(folder / POLICY, 64 * 1024), order.policy)
    return OrderDraft(draft, order, order_bytes, read_manifest(manifest_bytes) if manifest_bytes else None, policy)


def save_draft(folder: Path, draft: Draft) -> None:
    """After a signature. Raises: OSError."""
    write_durably(folder / DRAFT, draft.to_bytes())


def write_draft(out: Path, draft: Draft, manifest: bytes, policy: bytes) -> OrderDraft:
    """Raises: OSError."""
    out.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_durably(out / MANIFEST, manifest)
    write_durably(out / POLICY, policy)
    write_durably(out / DRAFT, draft.to_bytes())
    return open_draft(out)


def policy_file(reference: PolicyReference) -> str:
    """Where a policy profile lies, by its hash."""
    folder, _, base = policy_target(reference.name, reference.version).rpartition("/")
    return f"{folder}/{reference.sha256}.{base}"


def _read(path: Path, limit_bytes: int) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(limit_bytes + 1)
    except OSError as error:
        raise AuthorityInvalid(f"{path}: {error.strerror}; need the folder that order draft wrote") from None
    if len(data) > limit_bytes:
        raise AuthorityInvalid(f"{path}: more than {limit_bytes} bytes")
    return data
