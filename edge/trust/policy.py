"""A policy profile, and an order held against it: every ceiling that is passed, at once (POLICY.md). No I/O."""

from __future__ import annotations

from datetime import timedelta
from typing import Protocol

from edge.clock import parse_utc
from edge.errors import OrderInvalid, PolicyViolated
from edge.formats.orders import CalibrationCertificate, Order, OrderedWatchlist
from edge.formats.policy import POLICY_MAX_BYTES, Policy, PolicyReference
from edge.trust.documents import as_document, canonical, document_sha256, parse_strict


class Limited(Protocol):
    """What a profile has ceilings for: an order, or the draft of one."""

    @property
    def not_before_utc(self) -> str: ...

    @property
    def not_after_utc(self) -> str: ...

    @property
    def watchlist(self) -> OrderedWatchlist: ...

    @property
    def calibration(self) -> CalibrationCertificate: ...

    @property
    def alert_retention_h(self) -> float: ...

    @property
    def staleness_s(self) -> int: ...


def read_policy(data: bytes) -> Policy:
    """A profile's fields; whether it is the one that is meant is another question.

    Raises: DocumentTooLarge, DocumentInvalid.
    """
    return as_document(parse_strict(data, POLICY_MAX_BYTES), Policy)


def refer_to(policy: Policy) -> PolicyReference:
    """What an order says to be under this profile."""
    sha256 = document_sha256(canonical(policy.model_dump(mode="json")))
    return PolicyReference(name=policy.name, version=policy.version, sha256=sha256)


def open_policy(data: bytes, reference: PolicyReference) -> Policy:
    """The profile that an order names. Raises: DocumentTooLarge, DocumentInvalid, PolicyViolated."""
    policy = read_policy(data)
    found = document_sha256(data)
    if (policy.name, policy.version) != (reference.name, reference.version):
        raise PolicyViolated(
            f"policy profile {policy.name} {policy.version} is there, the order is under {reference.name} "
            f"{reference.version}"
        )
    if found != reference.sha256:
        raise PolicyViolated(
            f"policy profile {policy.name} {policy.version} there is {found[:16]}…, the order names "
            f"{reference.sha256[:16]}…; have the order made again under the profile that two have signed"
        )
    return policy


def check_times(order: Limited) -> timedelta:
    """How long an order is for. Raises: OrderInvalid for times that there are not, or an end before the beginning."""
    try:
        begin, end = parse_utc(order.not_before_utc), parse_utc(order.not_after_utc)
    except ValueError as error:
        raise OrderInvalid(f"order: {error}") from None
    if begin >= end:
        raise OrderInvalid(f"order from {order.not_before_utc} to {order.not_after_utc}: it must begin before it ends")
    return end - begin


def ceilings_passed(order: Limited, policy: Policy) -> tuple[str, ...]:
    """Each ceiling that the order passes, in words: what it has and what it may have at most.

    Raises: OrderInvalid for times that there are not.
    """
    hours = check_times(order).total_seconds() / 3600
    held = (
        ("watchlist.entries_max", order.watchlist.entries_max, policy.entries_max),
        ("watchlist.delta_entries_max", order.watchlist.delta_entries_max, policy.delta_entries_max),
        ("hours from not_before_utc to not_after_utc", hours, policy.deployment_h_max),
        ("alert_retention_h", order.alert_retention_h, policy.alert_retention_h_max),
        ("staleness_s", order.staleness_s, policy.staleness_s_max),
        ("calibration.fpir", order.calibration.fpir, policy.similarity_fpir_max),
    )
    return tuple(f"{what} {has:.10g}, at most {most:.10g}" for what, has, most in held if has > most)


def hold_against(order: Order, policy: Policy) -> None:
    """Raises: PolicyViolated with every ceiling that the order passes; OrderInvalid for times that there are not."""
    passed = ceilings_passed(order, policy)
    if passed:
        raise PolicyViolated(
            f"order {order.deployment} passes what policy profile {policy.name} {policy.version} allows: "
            f"{'; '.join(passed)}"
        )
