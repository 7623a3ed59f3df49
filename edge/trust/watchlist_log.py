"""The log of a watchlist: who signed an item, and whether it continues the list in force (WATCHLIST.md 5). No I/O."""

from __future__ import annotations

from dataclasses import dataclass, replace

from edge.clock import parse_utc
from edge.errors import DeltaInvalid, DocumentInvalid, SignatureInvalid
from edge.formats.orders import Order
from edge.formats.watchlists import WatchlistBase, WatchlistDelta, WatchlistManifest
from edge.trust.documents import parse_strict, verify

SIGNERS_TO_PUT_ON = 2

LogEntry = WatchlistDelta | WatchlistBase


@dataclass(frozen=True)
class LogState:
    """Where the list stands: previous_sha256 is of the newest item, or of the order's manifest before the first.

    manifest_sha256: of the base of this epoch.
    """

    epoch: int
    sequence: int
    previous_sha256: str
    manifest_sha256: str
    entries: int


def begin_log(order: Order, manifest: WatchlistManifest) -> LogState:
    """The list that the order itself names: epoch 1, no items yet."""
    pinned = order.watchlist.manifest_sha256
    return LogState(1, 0, pinned, pinned, manifest.entries)


def begin_at(base: WatchlistBase, sha256: str, order: Order) -> LogState:
    """Where a van begins that was not there before: at the newest base. Raises: DeltaInvalid."""
    _check_entries(base.entries, order, f"item {base.sequence} of {base.deployment}")
    return LogState(base.epoch, base.sequence, sha256, base.manifest_sha256, base.entries)


def read_item(data: bytes, order: Order) -> LogEntry:
    """An item that those signed whom the order names: one of them to take off, two to put on or to begin anew.

    Raises: DocumentTooLarge, DocumentInvalid, SignatureInvalid, DeltaInvalid.
    """
    outer = parse_strict(data)
    signed = outer.get("signed") if isinstance(outer, dict) else None
    kind = signed.get("type") if isinstance(signed, dict) else None
    if kind not in ("watchlist_delta", "watchlist_base"):
        raise DocumentInvalid("log item: need a signed document of type watchlist_delta or watchlist_base")
    item_type: type[LogEntry] = WatchlistDelta if kind == "watchlist_delta" else WatchlistBase
    item: LogEntry = verify(data, item_type, order.watchlist.delta_signers)
    where = f"item {item.sequence} of {item.deployment}"
    if puts_on(item):
        try:
            verify(data, item_type, order.watchlist.delta_signers, threshold=SIGNERS_TO_PUT_ON)
        except SignatureInvalid:
            raise DeltaInvalid(
                f"{where} puts entries on and is signed by one of the order's delta signers; need two: "
                "have a second one sign it"
            ) from None
    if (item.fleet, item.deployment) != (order.fleet, order.deployment):
        raise DeltaInvalid(f"{where} of fleet {item.fleet}, need {order.deployment} of {order.fleet}")
    try:
        parse_utc(item.made_at_utc)
    except ValueError as error:
        raise DocumentInvalid(f"{where}: {error}") from None
    return item


def puts_on(item: LogEntry) -> bool:
    """Whether it takes two to sign it."""
    return isinstance(item, WatchlistBase) or item.adds > 0 or bool(item.adds_sha256)


def follow(state: LogState, item: LogEntry, sha256: str, order: Order) -> LogState:
    """Where the list stands after an item. sha256: of the item's file. Raises: DeltaInvalid."""
    where = f"item {item.sequence} of {item.deployment}"
    if item.sequence != state.sequence + 1:
        raise DeltaInvalid(f"{where} offered, {state.sequence} is in force: need {state.sequence + 1}")
    if item.previous_sha256 != state.previous_sha256:
        raise DeltaInvalid(
            f"{where} continues {item.previous_sha256[:16]}…, in force is {state.previous_sha256[:16]}…; "
            "the fleet has two logs: make a new base"
        )
    if isinstance(item, WatchlistBase):
        if item.epoch != state.epoch + 1:
            raise DeltaInvalid(f"{where} begins epoch {item.epoch}, {state.epoch} is in force: need {state.epoch + 1}")
        return begin_at(item, sha256, order)
    _check_delta(state, item, order, where)
    return replace(state, sequence=item.sequence, previous_sha256=sha256, entries=item.entries_after)


def _check_delta(state: LogState, delta: WatchlistDelta, order: Order, where: str) -> None:
    if delta.epoch != state.epoch:
        raise DeltaInvalid(f"{where} is for epoch {delta.epoch}, {state.epoch} is in force")
    changes = len(delta.removes) + delta.adds
    if not 1 <= changes <= order.watchlist.delta_entries_max:
        raise DeltaInvalid(
            f"{where} changes {changes} entries, the order allows 1 to {order.watchlist.delta_entries_max}; "
            "split it, or make a new base"
        )
    after = state.entries - len(delta.removes) + delta.adds
    if delta.entries_after != after:
        raise DeltaInvalid(f"{where} says {delta.entries_after} entries after it, {after} it would be")
    _check_entries(after, order, where)


def _check_entries(entries: int, order: Order, where: str) -> None:
    if not 1 <= entries <= order.watchlist.entries_max:
        raise DeltaInvalid(f"{where} leaves {entries} entries, the order allows 1 to {order.watchlist.entries_max}")
