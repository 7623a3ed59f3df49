"""JSON Schemas of every document, made from its fields: `python -m edge.formats.json_schemas` writes them.

What a schema cannot say (signatures, canonical bytes, times that there are, rules between fields) the specifications
beside it do; a reader that has only the schemas accepts more than a van or a room.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from edge.formats.bundle import BundleHead, BundleIndex
from edge.formats.commands import Command
from edge.formats.documents import (
    AlertDocument,
    Document,
    HealthDocument,
    ReceiptDocument,
    RecordDocument,
    SealedMatch,
)
from edge.formats.orders import DeploymentClose, Order
from edge.formats.policy import Policy
from edge.formats.receipts import DeletionReceipt, KeyStock
from edge.formats.topics import ID_PATTERN
from edge.formats.watchlists import WatchlistBase, WatchlistDelta, WatchlistManifest

FOLDER = Path(__file__).parent / "schemas"
DRAFT = "https://json-schema.org/draft/2020-12/schema"

DOCUMENTS: dict[str, tuple[type[Document], str]] = {
    "order": (Order, "ORDER.md"),
    "deployment_close": (DeploymentClose, "ORDER.md 5"),
    "policy": (Policy, "POLICY.md"),
    "watchlist_manifest": (WatchlistManifest, "WATCHLIST.md 2"),
    "watchlist_delta": (WatchlistDelta, "WATCHLIST.md 5"),
    "watchlist_base": (WatchlistBase, "WATCHLIST.md 5"),
    "alert": (AlertDocument, "ALERT.md 2"),
    "sealed_match": (SealedMatch, "ALERT.md 4"),
    "receipt": (ReceiptDocument, "ALERT.md 6"),
    "deployment_statistics": (RecordDocument, "RECORDS.md"),
    "deletion_receipt": (DeletionReceipt, "RECORDS.md 2"),
    "key_stock": (KeyStock, "RECORDS.md 1"),
    "health": (HealthDocument, "RECORDS.md 4"),
    "command": (Command, "COMMANDS.md 1"),
    "room_bundle_head": (BundleHead, "BUNDLE.md 1"),
    "room_bundle_index": (BundleIndex, "BUNDLE.md 3"),
}
"""Each document's fields, and where they are specified."""

SIGNED = ("deployment_close", "watchlist_delta", "watchlist_base")
"""Those that are files of their own with their signatures (ALERT.md 2)."""

EVENTS: dict[str, tuple[str, ...]] = {
    "alert": ("alert",),
    "record": ("deployment_statistics", "deletion_receipt"),
    "health": ("health",),
    "keys": ("key_stock",),
    "receipt": ("receipt",),
    "command": ("command",),
}
"""Those that travel in a CloudEvent (ALERT.md 1): by the event's kind, what it may carry."""

_IDENTIFIER = {"type": "string", "pattern": ID_PATTERN}
_UNSIGNED: dict[str, tuple[str, dict[str, Any]]] = {
    "state": (
        "TOPICS.md 3",
        {
            "device": _IDENTIFIER,
            "session_seq": {"type": "integer", "minimum": 0},
            "state": {"type": "string", "minLength": 1},
        },
    ),
    "index": ("REPOSITORY.md", {"root": {"type": "integer", "minimum": 1}}),
    "hint": ("REPOSITORY.md", {"deployments": {"type": "array", "items": _IDENTIFIER, "maxItems": 8}}),
}


def every_schema() -> dict[str, dict[str, Any]]:
    """Each schema by the name of its file without `.json`."""
    schemas = {name: _of_fields(name, kind, where) for name, (kind, where) in DOCUMENTS.items()}
    for name in SIGNED:
        schemas[f"signed.{name}"] = {**_head(f"signed.{name}", DOCUMENTS[name][1]), **_signed([name])}
    for kind, carried in EVENTS.items():
        schemas[f"event.{kind}"] = {**_head(f"event.{kind}", "ALERT.md 1"), **_event(kind, carried)}
    for name, (where, properties) in _UNSIGNED.items():
        schemas[name] = {**_head(name, where), **_exactly(properties)}
    return schemas


def files() -> dict[str, bytes]:
    """Each file's name and content."""
    return {
        f"{name}.json": json.dumps(schema, indent=2, ensure_ascii=False).encode() + b"\n"
        for name, schema in sorted(every_schema().items())
    }


def _head(name: str, where: str) -> dict[str, Any]:
    return {"$schema": DRAFT, "$id": f"urn:lfr-edge:v1:{name}", "title": name, "$comment": f"edge/formats/{where}"}


def _exactly(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _of_fields(name: str, kind: type[Document], where: str) -> dict[str, Any]:
    schema = _strict(kind.model_json_schema())
    return {**_head(name, where), **schema}


def _strict(schema: Any) -> Any:
    """Without titles that only repeat a field's name; and where keys have a pattern, no other key."""
    if isinstance(schema, list):
        return [_strict(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {key: _strict(value) for key, value in schema.items() if key != "title" or isinstance(value, dict)}
    return {**kept, "additionalProperties": False} if "patternProperties" in kept else kept


def _signed(names: list[str]) -> dict[str, Any]:
    """A signed document that says one of these."""
    said = [{"$ref": f"urn:lfr-edge:v1:{name}"} for name in names]
    signature = _exactly(
        {
            "keyid": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
            "sig": {"type": "string", "pattern": "^[0-9a-f]{128}$"},
        }
    )
    return _exactly(
        {
            "signed": said[0] if len(said) == 1 else {"oneOf": said},
            "signatures": {"type": "array", "items": signature, "minItems": 1, "maxItems": 8},
        }
    )


def _event(kind: str, carried: tuple[str, ...]) -> dict[str, Any]:
    return _exactly(
        {
            "specversion": {"const": "1.0"},
            "datacontenttype": {"const": "application/json"},
            "id": {"type": "string"},
            "source": {"type": "string"},
            "type": {"const": f"lfr-edge.{kind}.v1"},
            "time": {"type": "string"},
            "data": _signed(list(carried)),
        }
    )


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for old in FOLDER.glob("*.json"):
        old.unlink()
    for file, content in files().items():
        (FOLDER / file).write_bytes(content)
