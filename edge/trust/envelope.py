"""The CloudEvent (1.0, structured JSON) that carries a signed document on the wire."""

from __future__ import annotations

import json
from typing import Any, TypeVar

from edge.errors import DocumentInvalid
from edge.formats.documents import Document
from edge.trust.documents import DOCUMENT_MAX_BYTES, as_document, canonical, check_signatures, parse_strict

D = TypeVar("D", bound=Document)

_FIXED = {"specversion": "1.0", "datacontenttype": "application/json"}


def wrap(signed_document: bytes, event_id: str, source: str, kind: str, time_utc: str) -> bytes:
    """A signed document (canonical bytes) as the data of a CloudEvent. Raises: DocumentInvalid over 32 KB."""
    event = {
        **_FIXED,
        "id": event_id,
        "source": source,
        "type": f"lfr-edge.{kind}.v1",
        "time": time_utc,
        "data": json.loads(signed_document),
    }
    data = canonical(event)
    if len(data) > DOCUMENT_MAX_BYTES:
        raise DocumentInvalid(f"{kind}: event of {len(data)} bytes, at most {DOCUMENT_MAX_BYTES}")
    return data


def unwrap(data: bytes, kind: type[D], keys_hex: set[str]) -> D:
    """The verified document inside a CloudEvent; only what is inside the signature is returned.

    Raises: DocumentTooLarge, DocumentInvalid, SignatureInvalid.
    """
    signed, signatures = open_event(data)
    check_signatures(signed, signatures, keys_hex)
    return as_document(signed, kind)


def open_event(data: bytes) -> tuple[Any, Any]:
    """What a CloudEvent carries, `signed` and `signatures`: nothing of it is verified yet.

    Raises: DocumentTooLarge, DocumentInvalid.
    """
    event = parse_strict(data)
    if not isinstance(event, dict) or set(event) != {*_FIXED, "id", "source", "type", "time", "data"}:
        raise DocumentInvalid("not a CloudEvent of our form")
    if any(event[name] != value for name, value in _FIXED.items()):
        raise DocumentInvalid("need a CloudEvent 1.0 with datacontenttype application/json")
    inner = event["data"]
    if not isinstance(inner, dict) or set(inner) != {"signed", "signatures"}:
        raise DocumentInvalid("`data` is no object of exactly `signed` and `signatures`")
    return inner["signed"], inner["signatures"]
