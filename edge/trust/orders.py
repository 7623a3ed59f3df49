"""An order that may be obeyed by this van, and the word that ends it (ORDER.md 2 and 5). No I/O, and no time.

Whether its time has come is `edge/trust/deployment_time.py`'s to say; who signed it, `edge/trust/repository.py`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Set
from dataclasses import dataclass

from edge.clock import parse_utc
from edge.errors import DocumentInvalid, OrderInvalid, OrderRollback, SealInvalid, ThresholdMismatch
from edge.formats.orders import ORDER_MAX_BYTES, DeploymentClose, Order
from edge.formats.policy import Policy, PolicyReference
from edge.trust.documents import as_document, document_sha256, parse_strict, verify
from edge.trust.policy import check_times, hold_against, open_policy
from edge.trust.sealing import check_public_key

SIGNERS_NEEDED = 2
"""The authorising officer and the data custodian."""


@dataclass(frozen=True)
class VanFacts:
    """What a van knows of itself. backend: what it computes with, `litert/int8`.

    recipients_held: ids of the one-deployment keys whose private halves are in its vault.
    """

    fleet: str
    device: str
    pack_sha256: str
    backend: str
    recipients_held: Set[str]


@dataclass(frozen=True)
class RoleSigners:
    """Who must sign the TUF role that the order is a target of: the ids of all its keys, and how many of them."""

    key_ids: Set[str]
    threshold: int


@dataclass(frozen=True)
class OrderFloor:
    """The newest order of the deployment that was ever acted on. sha256: of its bytes, where that is known."""

    version: int = 0
    sha256: str | None = None


@dataclass(frozen=True)
class OpenedOrder:
    """An order that may be obeyed, its policy profile, and the hash it is known by. recipient: which van's key."""

    order: Order
    policy: Policy
    sha256: str
    recipient: str


def read_order(data: bytes) -> Order:
    """An order's fields, whoever it is for. Raises: DocumentTooLarge, DocumentInvalid."""
    return as_document(parse_strict(data, ORDER_MAX_BYTES), Order)


def open_order(
    data: bytes,
    deployment: str,
    facts: VanFacts,
    signers: RoleSigners,
    floor: OrderFloor,
    load_policy: Callable[[PolicyReference], bytes],
) -> OpenedOrder:
    """The order, if this van may obey it once its time has come; checked in the sequence of ORDER.md 2.

    load_policy: the bytes of a policy profile among the repository's verified targets.
    Raises: DocumentTooLarge, DocumentInvalid, OrderInvalid, OrderRollback, ThresholdMismatch, PolicyViolated; and what
    load_policy raises.
    """
    order = read_order(data)
    _check_addressee(order, deployment, facts)
    check_signers(order, signers)
    sha256 = document_sha256(data)
    _check_floor(order, sha256, floor)
    recipient = order.vans[facts.device]
    if recipient not in facts.recipients_held:
        raise OrderInvalid(
            f"order {order.deployment}: its key {recipient} for {facts.device} is not in this van's vault: used up, "
            "destroyed, or another van's; have a new order made with a key of this van's stock"
        )
    check_pack(order, facts.pack_sha256, facts.backend)
    check_itself(order)
    policy = open_policy(load_policy(order.policy), order.policy)
    hold_against(order, policy)
    return OpenedOrder(order, policy, sha256, recipient)


def check_signers(order: Order, signers: RoleSigners) -> None:
    """Raises: OrderInvalid unless exactly the two whom the order names had to sign it."""
    named = {order.authorising_officer.key_id, order.data_custodian.key_id}
    if set(signers.key_ids) != named or signers.threshold != SIGNERS_NEEDED:
        found = ", ".join(sorted(key_id[:16] + "…" for key_id in signers.key_ids))
        raise OrderInvalid(
            f"order {order.deployment}: its role asks for {signers.threshold} of {found or 'nobody'}; need both of its "
            "officer and its custodian, and nobody else"
        )


def check_pack(order: Order, pack_sha256: str, backend: str) -> None:
    """Raises: OrderInvalid for another pack, ThresholdMismatch for other kernels than the threshold was set for."""
    if order.pack_sha256 != pack_sha256:
        raise OrderInvalid(
            f"order {order.deployment} is for pack {order.pack_sha256[:16]}…, installed is {pack_sha256[:16]}…; "
            "install the pack that the order names"
        )
    if order.threshold_backend != backend:
        raise ThresholdMismatch(
            f"order {order.deployment}: its threshold is for {order.threshold_backend}, this van computes with "
            f"{backend}; set inference to that, or have an order made with: lfr-models threshold"
        )


def check_itself(order: Order) -> None:
    """What an order must be on any van. Raises: OrderInvalid."""
    try:
        check_public_key(order.room_seal_key_hex)
    except SealInvalid as error:
        raise OrderInvalid(f"order {order.deployment}: room_seal_key_hex {error}") from None
    check_times(order)
    certificate, most = order.calibration, order.watchlist.entries_max
    if certificate.entries < most:
        raise OrderInvalid(
            f"order {order.deployment}: its threshold was set for {certificate.entries} entries, its list may have "
            f"{most}; the more entries, the higher a threshold must be: have it set for {most}"
        )


def is_closed(close: bytes | None, order: Order) -> bool:
    """Whether a closer has said that it is over. Raises: DocumentInvalid, SignatureInvalid, OrderInvalid."""
    return close is not None and open_close(close, order) is not None


def open_close(data: bytes, order: Order) -> DeploymentClose:
    """The word that ends an order's deployment. Raises: DocumentTooLarge, DocumentInvalid, SignatureInvalid,
    OrderInvalid when it is another deployment's.
    """
    close = verify(data, DeploymentClose, order.closers)
    if (close.fleet, close.deployment) != (order.fleet, order.deployment):
        raise OrderInvalid(
            f"close of {close.fleet}: {close.deployment} among the files of {order.fleet}: {order.deployment}"
        )
    try:
        parse_utc(close.made_at_utc)
    except ValueError as error:
        raise DocumentInvalid(f"close of {close.deployment}: {error}") from None
    return close


def _check_addressee(order: Order, deployment: str, facts: VanFacts) -> None:
    if (order.fleet, order.deployment) != (facts.fleet, deployment):
        raise OrderInvalid(
            f"order of {order.fleet}: {order.deployment}, asked for was {facts.fleet}: {deployment}; "
            "the fleet has published it in the wrong place"
        )
    if facts.device not in order.vans:
        raise OrderInvalid(f"order {order.deployment} is for {len(order.vans)} vans, {facts.device} is not among them")


def _check_floor(order: Order, sha256: str, floor: OrderFloor) -> None:
    if order.version < floor.version:
        raise OrderRollback(
            f"order {order.deployment} version {order.version} offered, {floor.version} was acted on: need that or "
            "a higher one"
        )
    if order.version == floor.version and floor.sha256 not in (None, sha256):
        raise OrderRollback(
            f"order {order.deployment}: another order of version {order.version} than the one acted on; "
            "an order that differs needs a higher version"
        )
