"""How the fleet stands: each van's word, what it has in force beside what is published, keys left, receipts due."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from edge.clock import parse_utc, utc_text
from edge.errors import LfrError
from provisioning.ending import overdue
from provisioning.fleet_folder import FleetFolder
from provisioning.heard import Heard
from provisioning.list_now import log_now

STOCK_LOW = 2


@dataclass(frozen=True)
class VanStatus:
    """A van's line. behind: log items that are published and not in force yet; None where it cannot be said."""

    device: str
    state: str
    heard_s_ago: float | None
    deployment: str | None
    order_version: int | None
    watchlist: str | None
    behind: int | None
    in_force_since_utc: str | None
    problem: str
    outbox_queued: int | None
    keys_left: int


@dataclass(frozen=True)
class DeploymentStatus:
    """A deployment's line. sealed_bytes: of what a van fetches to begin."""

    deployment: str
    state: str
    not_after_utc: str
    watchlist: str | None
    entries: int | None
    sealed_bytes: int
    vans: tuple[str, ...]
    revoked: tuple[str, ...]
    receipts: tuple[str, ...]
    awaited: tuple[str, ...]
    overdue: tuple[str, ...]
    keys_destroyed_at_utc: str | None


@dataclass(frozen=True)
class FleetStatus:
    """All of it, at one moment."""

    fleet: str
    at_utc: str
    timestamp_age_s: float
    staleness_s: int
    vans: tuple[VanStatus, ...]
    deployments: tuple[DeploymentStatus, ...]

    def as_value(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def fleet_status(fleet: FleetFolder) -> FleetStatus:
    """From the folder alone: what serve, or a stick, has brought. Raises: AuthorityInvalid."""
    heard = Heard(fleet)
    receipts = heard.receipts()
    with fleet.changing():
        repository = fleet.repository()
        made_at, staleness_s = repository.made_at_utc, repository.staleness_s
        deployments = [_deployment(fleet, each.deployment, receipts) for each in fleet.ledgers() if each.exists]
    published = {each.deployment: each.watchlist for each in deployments}
    now = fleet.clock.now_utc()
    return FleetStatus(
        fleet=fleet.fleet,
        at_utc=utc_text(now),
        timestamp_age_s=round((now - made_at).total_seconds(), 1),
        staleness_s=staleness_s,
        vans=tuple(_van(fleet, heard, van.device, len(van.unused), published) for van in fleet.vans.all()),
        deployments=tuple(deployments),
    )


def table(status: FleetStatus) -> list[str]:
    """In words, one line a van and one a deployment."""
    stale = "" if status.timestamp_age_s < status.staleness_s else "  STALE: is lfr-fleet serve running?"
    lines = [f"fleet {status.fleet} at {status.at_utc}; newest timestamp {status.timestamp_age_s:.0f} s old{stale}", ""]
    lines += _columns(
        ("VAN", "STATE", "HEARD", "DEPLOYMENT", "LIST", "SINCE", "KEYS", "OUTBOX", ""),
        (
            (
                van.device,
                van.state,
                "never" if van.heard_s_ago is None else f"{van.heard_s_ago:.0f} s",
                van.deployment or "-",
                (van.watchlist or "-") + (f" ({van.behind} behind)" if van.behind else ""),
                (van.in_force_since_utc or "-")[:19],
                f"{van.keys_left}{' LOW' if van.keys_left < STOCK_LOW else ''}",
                "-" if van.outbox_queued is None else str(van.outbox_queued),
                van.problem,
            )
            for van in status.vans
        ),
    )
    lines.append("")
    lines += _columns(
        ("DEPLOYMENT", "STATE", "UNTIL", "LIST", "ENTRIES", "BYTES", "RECEIPTS", ""),
        (
            (
                each.deployment,
                each.state,
                each.not_after_utc[:19],
                each.watchlist or "-",
                "-" if each.entries is None else f"{each.entries:,}",
                f"{each.sealed_bytes:,}",
                f"{len(each.receipts)} of {len(each.vans)}",
                f"OVERDUE: {', '.join(each.overdue)}" if each.overdue else "",
            )
            for each in status.deployments
        ),
    )
    return lines


def _van(fleet: FleetFolder, heard: Heard, device: str, keys: int, published: dict[str, str | None]) -> VanStatus:
    words = heard.words(device)
    beat = words.health
    times = [each for each in (words.state_heard_at_utc, words.health_heard_at_utc) if each is not None]
    heard_s_ago = None
    if times:
        heard_s_ago = round((fleet.clock.now_utc() - max(map(parse_utc, times))).total_seconds(), 1)
    problems = []
    watchlist = behind = None
    if beat is not None:
        problems = [each for each in (beat.suspended_because, beat.repository_error, beat.command_refused) if each]
        if beat.watchlist_epoch is not None and beat.watchlist_sequence is not None:
            watchlist = f"{beat.watchlist_epoch}.{beat.watchlist_sequence}"
            newest = published.get(beat.deployment or "")
            behind = None if newest is None else int(newest.partition(".")[2]) - beat.watchlist_sequence
    return VanStatus(
        device=device,
        state=words.state.state if words.state else (beat.state if beat else "never heard of"),
        heard_s_ago=heard_s_ago,
        deployment=beat.deployment if beat else None,
        order_version=beat.order_version if beat else None,
        watchlist=watchlist,
        behind=behind,
        in_force_since_utc=beat.in_force_since_utc if beat else None,
        problem="; ".join(problems),
        outbox_queued=beat.outbox_queued if beat else None,
        keys_left=keys,
    )


def _deployment(fleet: FleetFolder, deployment: str, receipts: dict[str, set[str]]) -> DeploymentStatus:
    file = fleet.ledger(deployment).read()
    repository = fleet.repository()
    watchlist, entries = None, None
    # Not published, or cleared: then there is nothing to say of its list.
    with contextlib.suppress(LfrError, KeyError):
        state, _ = log_now(repository, deployment)
        watchlist, entries = f"{state.epoch}.{state.sequence}", state.entries
    below = f"deployments/{deployment}/"
    received = receipts.get(deployment, set())
    awaited = tuple(each for each in file.vans if file.state in ("closed", "ended") and each not in received)
    return DeploymentStatus(
        deployment=deployment,
        state=file.state,
        not_after_utc=file.not_after_utc,
        watchlist=watchlist,
        entries=entries,
        sealed_bytes=sum(len(repository.file(name)) for name in repository.names() if name.startswith(below)),
        vans=tuple(file.vans),
        revoked=tuple(file.revoked),
        receipts=tuple(sorted(received)),
        awaited=awaited,
        overdue=tuple(overdue(file, received, fleet)),
        keys_destroyed_at_utc=file.keys_destroyed_at_utc,
    )


def _columns(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> list[str]:
    table_rows = [head, *rows]
    widths = [max(len(row[column]) for row in table_rows) for column in range(len(head))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in table_rows
    ]
