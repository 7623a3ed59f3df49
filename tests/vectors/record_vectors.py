"""Vectors of what a van says about itself: key stocks, deletion receipts, heartbeats. From RECORDS.md and ALERT.md.

Part of make_order_vectors.py; nothing of `edge` is imported.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.vectors.make_vectors import (
    DEPLOYMENT,
    DEVICE,
    EVENT_ID,
    FLEET,
    NOON,
    STRANGER,
    VAN,
    canonical,
    document,
    event,
)

Vector = tuple[str, str, str, bytes, dict[str, Any]]
"""Name (its first word says what reads it), expected error or `ok`, what it shows, body, what is given."""


def changed(fields: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """The fields with one of them, named by its path, replaced."""
    head, _, rest = path.partition(".")
    return {**fields, head: changed(fields[head], rest, value) if rest else value}


def without(fields: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in fields.items() if key != name}


def bad_bytes(kind: str, good: bytes) -> Iterator[Vector]:
    """What no reader of JSON takes, whatever it says."""
    for name, shows, body in (
        ("cut", "its last byte is missing", good[:-1]),
        ("trailing", "a byte after its end", good + b"\n"),
        ("blank", "a blank after a colon: not canonical", good.replace(b'":', b'": ', 1)),
        ("bom", "a byte order mark before it", b"\xef\xbb\xbf" + good),
        ("utf16", "in UTF-16", good.decode().encode("utf-16")),
        ("key-given-twice", "a key is there twice, with one value", good.replace(b'{"', b'{"a":1,"a":1,"', 1)),
        ("empty", "nothing", b""),
        ("list", "a list", b"[]"),
    ):
        yield f"{kind}-{name}", "DocumentInvalid", shows, body, {}


STOCK = {
    "type": "key_stock",
    "fleet": FLEET,
    "device": DEVICE,
    "number": 4,
    "made_at_utc": NOON,
    "keys": [{"recipient": f"{n:032x}", "public_hex": f"{n:064x}"} for n in (1, 2)],
}

DELETION = {
    "type": "record",
    "kind": "deletion_receipt",
    "event_id": EVENT_ID,
    "fleet": FLEET,
    "device": DEVICE,
    "deployment": DEPLOYMENT,
    "sequence": 9,
    "made_at_utc": NOON,
    "software_version": "0.1.0",
    "closed_because": "close",
    "vision": {
        "entries_overwritten": 3,
        "bytes_overwritten": 3120,
        "recipient_destroyed": "5a" * 16,
        "key_store": "tpm-nv",
        "files_deleted": 5,
        "steps": [
            {"step": step, "done_at_utc": NOON}
            for step in (
                "camera_closed",
                "gallery_overwritten",
                "key_destroyed",
                "statistics_recorded",
                "files_deleted",
                "mirror_deleted",
                "receipt_recorded",
            )
        ],
    },
    "link": {"files_deleted": 12, "bytes_deleted": 40000, "reported_at_utc": NOON},
    "not_covered": ["broker", "flash_remanence"],
}

HEALTH = {
    "type": "health",
    "fleet": FLEET,
    "device": DEVICE,
    "deployment": DEPLOYMENT,
    "session": "session-1",
    "beat": 7,
    "made_at_utc": NOON,
    "state": "watching",
    "last_sequence": 9,
    "frames_per_s": 14.5,
    "camera": "open",
    "camera_retries": 0,
    "statistics": None,
    "outbox_queued": 1,
    "outbox_expired": 0,
    "order_version": 3,
    "watchlist_epoch": 1,
    "watchlist_sequence": 4,
    "in_force_since_utc": NOON,
    "suspended_because": None,
    "repository_error": "",
    "command_number": None,
    "command_refused": "",
}


def carried(signed: dict[str, Any], *keys: Any) -> dict[str, Any]:
    """In a CloudEvent, signed by the van or by others."""
    kind = "keys" if signed["type"] == "key_stock" else signed["type"]
    return event(document(signed, *(keys or (VAN,))), type=f"lfr-edge.{kind}.v1")


def envelopes(kind: str, fields: dict[str, Any]) -> Iterator[Vector]:
    """The faults that every signed document in an event may have."""
    good = carried(fields)
    yield f"{kind}-good", "ok", "signed by the van, in its event", canonical(good), {}
    yield from bad_bytes(kind, canonical(good))
    late = {**fields, "made_at_utc": "2026-03-01T12:00:01.000Z"}
    for name, expect, shows, value in (
        ("stranger", "SignatureInvalid", "signed by a stranger", carried(fields, STRANGER)),
        (
            "changed",
            "SignatureInvalid",
            "a second later than signed",
            {**good, "data": {**good["data"], "signed": late}},
        ),
        ("key-twice", "DocumentInvalid", "two signatures by one key", carried(fields, VAN, VAN)),
        ("nine-signatures", "DocumentInvalid", "nine signatures", _nine(good)),
        ("unsigned", "DocumentInvalid", "no signature", {**good, "data": {"signatures": [], "signed": fields}}),
        ("version-2", "DocumentInvalid", "a CloudEvent 2.0", {**good, "specversion": "2.0"}),
        ("no-event", "DocumentInvalid", "without its event", good["data"]),
        ("event-field", "DocumentInvalid", "a field nobody knows, in the event", {**good, "note": 1}),
        ("unknown-field", "DocumentInvalid", "a field nobody knows, signed", carried({**fields, "note": 1})),
        ("other-type", "DocumentInvalid", "another type, well signed", carried({**fields, "type": "alert"})),
        ("time-form", "DocumentInvalid", "a time without Z", carried({**fields, "made_at_utc": NOON[:-1]})),
    ):
        yield f"{kind}-{name}", expect, shows, canonical(value), {}
    large = canonical(good)
    yield f"{kind}-too-large", "DocumentTooLarge", "over 32 KB", large + b" " * (32 * 1024 + 1 - len(large)), {}


def _nine(good: dict[str, Any]) -> dict[str, Any]:
    others = [{"keyid": f"{n:064x}", "sig": "00" * 64} for n in range(8)]
    return {**good, "data": {**good["data"], "signatures": [*good["data"]["signatures"], *others]}}


def one_field(kind: str, fields: dict[str, Any], faults: tuple[tuple[str, str, Any, str], ...]) -> Iterator[Vector]:
    """One field out of form, well signed."""
    for name, path, value, shows in faults:
        yield f"{kind}-{name}", "DocumentInvalid", shows, canonical(carried(changed(fields, path, value))), {}


KEY = {"recipient": "0" * 32, "public_hex": "0" * 64}

STOCK_FAULTS = (
    ("recipient-twice", "keys", [KEY, KEY], "one recipient for two keys"),
    ("65-keys", "keys", [{**KEY, "recipient": f"{n:032x}"} for n in range(65)], "65 keys"),
    ("recipient-capitals", "keys", [{**KEY, "recipient": "A" * 32}], "a recipient in capitals"),
    ("public-short", "keys", [{**KEY, "public_hex": "0" * 62}], "a public key of 31 bytes"),
    ("private", "keys", [{**KEY, "private_hex": "0" * 64}], "a field for a private key"),
    ("number-negative", "number", -1, "number -1"),
    ("keys-object", "keys", {}, "keys that are no list"),
)

DELETION_FAULTS = (
    ("other-kind", "kind", "deployment_statistics", "statistics by its kind, a receipt by its fields"),
    ("because-unknown", "closed_because", "boredom", "closed for a reason that is none"),
    ("store-unknown", "vision.key_store", "cloud", "a key store that there is not"),
    ("step-unknown", "vision.steps", [{"step": "disk_burned", "done_at_utc": NOON}], "a step that there is not"),
    ("eight-steps", "vision.steps", [{"step": "key_destroyed", "done_at_utc": NOON}] * 8, "eight steps"),
    ("link-missing-word", "link", {"files_deleted": 12, "bytes_deleted": 1}, "link's word without its time"),
    ("link-says-vision", "link", {**DELETION["vision"]}, "what vision did, in link's place"),  # type: ignore[dict-item]
    ("claims-broker", "not_covered", ["weather"], "not covered: something else"),
    ("no-recipient", "vision.recipient_destroyed", "", "no key destroyed"),
    ("count-float", "vision.entries_overwritten", 2.5, "two and a half entries"),
    ("event-id-4", "event_id", EVENT_ID[:14] + "4" + EVENT_ID[15:], "an event id of version 4"),
)

HEALTH_FAULTS = (
    ("order-version-text", "order_version", "3", "an order's version in quotes"),
    ("epoch-negative", "watchlist_epoch", -1, "epoch -1"),
    ("since-form", "in_force_since_utc", "noon", "in force since noon"),
    ("suspended-true", "suspended_because", True, "suspended, and no reason"),
    ("error-null", "repository_error", None, "null for no error"),
    ("command-number-text", "command_number", "7", "a command's number in quotes"),
    ("command-refused-null", "command_refused", None, "null for no refusal"),
    ("rate-negative", "frames_per_s", -0.5, "half a frame undone each second"),
    ("deployment-empty", "deployment", "", "a deployment without a name"),
    ("beat-huge", "beat", 2**53 - 1 + 1, "a beat that JSON cannot count"),
)


def records() -> Iterator[Vector]:
    kinds: tuple[tuple[str, dict[str, Any], Any], ...] = (
        ("stock", STOCK, STOCK_FAULTS),
        ("deletion", DELETION, DELETION_FAULTS),
        ("health", HEALTH, HEALTH_FAULTS),
    )
    for kind, fields, faults in kinds:
        yield from envelopes(kind, fields)
        yield from one_field(kind, fields, faults)
    silent = canonical(carried({**DELETION, "link": None}))
    yield "deletion-link-silent", "ok", "link said nothing in time", silent, {}
    yield "stock-none-left", "ok", "no unused key is left", canonical(carried({**STOCK, "keys": []})), {}
    standby = {"deployment": None, "order_version": None, "watchlist_epoch": None, "watchlist_sequence": None}
    idle = canonical(carried({**HEALTH, **standby, "in_force_since_utc": None, "state": "standby"}))
    yield "health-standby", "ok", "nothing is in force", idle, {}
