"""What changed between two heartbeats of a van: suspended or not, stale or not, and which list is in force. No I/O."""

from __future__ import annotations

from typing import Literal

from edge.formats.documents import HealthDocument

NewsKind = Literal["suspended", "stale", "list"]


def news(before: HealthDocument | None, now: HealthDocument) -> list[tuple[NewsKind, str]]:
    """A line for each change, with the kind of notice it is; a first heartbeat is held against a van at ease."""
    told: list[tuple[NewsKind, str]] = []
    suspended = None if before is None else before.suspended_because
    if now.suspended_because != suspended:
        why = now.suspended_because
        told.append(("suspended", f"{now.device}: " + ("no longer suspended" if why is None else f"suspended: {why}")))
    error = "" if before is None else before.repository_error
    if now.repository_error != error:
        why = now.repository_error
        text = f"hears nothing new from the fleet: {why}" if why else "hears from the fleet again"
        told.append(("stale", f"{now.device}: {text}"))
    in_force = (now.deployment, now.order_version, now.watchlist_epoch, now.watchlist_sequence)
    known = before is not None and in_force == (
        before.deployment,
        before.order_version,
        before.watchlist_epoch,
        before.watchlist_sequence,
    )
    if now.watchlist_epoch is not None and not known:
        told.append(("list", f"{now.device}, {now.deployment}: {_list(now)}"))
    return told


def _list(now: HealthDocument) -> str:
    order = "" if now.order_version is None else f"order {now.order_version}, "
    since = "" if now.in_force_since_utc is None else f" in force since {now.in_force_since_utc}"
    return f"{order}watchlist epoch {now.watchlist_epoch}, item {now.watchlist_sequence or 0}{since}"
