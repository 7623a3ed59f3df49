"""Signed documents: canonical JSON in, verified fields out; and the signing of our own.

`{"signed": …, "signatures": [{"keyid", "sig"}]}`, RFC 8785, Ed25519 (RFC 8032); keyid is the lower-case hex
of the raw public key. Duplicate keys, NaN and bytes that are not canonical are refused, so that two parsers
can never read two different documents. On the wire: the `data` of a CloudEvent 1.0 in structured JSON.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import Any, TypeVar

import rfc8785
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pydantic import ValidationError

from edge.errors import DocumentInvalid, DocumentTooLarge, SignatureInvalid
from edge.formats.documents import Document

DOCUMENT_MAX_BYTES = 32 * 1024
NESTING_MAX = 16
SIGNATURES_MAX = 8

D = TypeVar("D", bound=Document)


def public_hex(key: Ed25519PrivateKey) -> str:
    """The key id of a signing key: its raw public key in lower-case hex."""
    return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex()


def document_sha256(data: bytes) -> str:
    """The hash by which one document pins another, lower-case hex."""
    return hashlib.sha256(data).hexdigest()


def canonical(value: Any) -> bytes:
    """RFC 8785 bytes of a JSON value. Raises: DocumentInvalid when it has no canonical form."""
    try:
        return rfc8785.dumps(value)
    except (rfc8785.CanonicalizationError, RecursionError, UnicodeEncodeError) as error:
        raise DocumentInvalid(f"no canonical form: {error}") from None


def sign(document: Document, keys: Iterable[Ed25519PrivateKey]) -> bytes:
    """The signed document, canonical. Raises: DocumentTooLarge."""
    signed = document.model_dump(mode="json")
    message = canonical(signed)
    signatures = [{"keyid": public_hex(key), "sig": key.sign(message).hex()} for key in keys]
    data = canonical({"signed": signed, "signatures": signatures})
    if len(data) > DOCUMENT_MAX_BYTES:
        raise DocumentTooLarge(f"{document.__class__.__name__}: {len(data)} bytes, at most {DOCUMENT_MAX_BYTES}")
    return data


def parse_strict(data: bytes, limit_bytes: int = DOCUMENT_MAX_BYTES) -> Any:
    """A JSON value from canonical bytes. Raises: DocumentTooLarge, DocumentInvalid."""
    if len(data) > limit_bytes:
        raise DocumentTooLarge(f"document of {len(data)} bytes, at most {limit_bytes}")
    if _nesting(data) > NESTING_MAX:
        raise DocumentInvalid(f"nested deeper than {NESTING_MAX}")
    try:
        value = json.loads(data.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_refuse_constant)
    except DocumentInvalid:
        raise
    except (ValueError, RecursionError) as error:  # ValueError: also a number of thousands of digits
        raise DocumentInvalid(f"no JSON: {error}") from None
    if canonical(value) != data:
        raise DocumentInvalid("bytes are not the canonical form (RFC 8785) of what they say")
    return value


def verify(data: bytes, kind: type[D], keys_hex: Iterable[str], limit_bytes: int = DOCUMENT_MAX_BYTES) -> D:
    """The fields of a document signed by at least one of keys_hex, every signature of theirs being good.

    Raises: DocumentTooLarge, DocumentInvalid, SignatureInvalid.
    """
    outer = parse_strict(data, limit_bytes)
    if not isinstance(outer, dict) or set(outer) != {"signed", "signatures"}:
        raise DocumentInvalid("need an object of exactly `signed` and `signatures`")
    check_signatures(outer["signed"], outer["signatures"], set(keys_hex))
    return as_document(outer["signed"], kind)


def check_signatures(signed: Any, signatures: Any, keys_hex: set[str]) -> None:
    """Raises: DocumentInvalid on a malformed list, SignatureInvalid when no key of ours signed, or one falsely."""
    if not isinstance(signatures, list) or not 1 <= len(signatures) <= SIGNATURES_MAX:
        raise DocumentInvalid(f"need 1 to {SIGNATURES_MAX} signatures")
    message = canonical(signed)
    good = set()
    for entry in signatures:
        if not isinstance(entry, dict) or set(entry) != {"keyid", "sig"}:
            raise DocumentInvalid("a signature is an object of exactly `keyid` and `sig`")
        keyid, sig = entry["keyid"], entry["sig"]
        if not isinstance(keyid, str) or not isinstance(sig, str) or len(sig) != 128:
            raise DocumentInvalid("`keyid` and `sig` are hex texts of 64 and 128 characters")
        if keyid not in keys_hex:
            continue
        try:
            Ed25519PublicKey.from_public_bytes(bytes.fromhex(keyid)).verify(bytes.fromhex(sig), message)
        except (InvalidSignature, ValueError):
            raise SignatureInvalid(f"signature by {keyid[:16]}… does not fit the document") from None
        good.add(keyid)
    if not good:
        names = ", ".join(str(entry.get("keyid"))[:16] + "…" for entry in signatures)
        raise SignatureInvalid(f"signed by {names}: none of the {len(keys_hex)} keys accepted here")


def as_document(signed: Any, kind: type[D]) -> D:
    """Raises: DocumentInvalid, with every field that is wrong."""
    try:
        return kind.model_validate(signed)
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors()[:8])
        raise DocumentInvalid(f"{kind.__name__}: {faults}") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    keys = [key for key, _ in pairs]
    if len(set(keys)) != len(keys):
        twice = sorted({key for key in keys if keys.count(key) > 1})
        raise DocumentInvalid(f"key given twice: {', '.join(map(repr, twice[:4]))}")
    return dict(pairs)


def _refuse_constant(text: str) -> Any:
    raise DocumentInvalid(f"{text} is no JSON number")


def _nesting(data: bytes) -> int:
    """An upper bound on nesting depth, without parsing (brackets in texts count too: a bound, and enough)."""
    depth = deepest = 0
    for byte in data:
        if byte in b"[{":
            depth += 1
            deepest = max(deepest, depth)
        elif byte in b"]}":
            depth -= 1
    return deepest
