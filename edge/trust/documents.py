"""Signed documents: canonical JSON in, verified fields out; and the signing of our own.

`{"signed": …, "signatures": [{"keyid", "sig"}]}`, RFC 8785, Ed25519 (RFC 8032); keyid is the lower-case hex
of the raw public key. Duplicate keys, NaN and bytes that are not canonical are refused, so that two parsers
can never read two different documents. On the wire: the `data` of a CloudEvent 1.0 in structured JSON.
"""

from __future__ import annotations

import hashlib
import json
import re
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

_KEYID = re.compile(r"[0-9a-f]{64}")
_SIG = re.compile(r"[0-9a-f]{128}")
_MARKS = re.compile(rb'\\.|["\[\]{}]', re.DOTALL)
"""An escaped byte, or one that begins or ends a text, list or object."""

_PRIME = 2**255 - 19
_Y_OF_ORDER_8 = int.from_bytes(
    bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), "little"
)
SMALL_ORDER_KEYS = frozenset(
    y.to_bytes(32, "little") for y in (0, 1, _PRIME - 1, _PRIME, _PRIME + 1, _Y_OF_ORDER_8, _PRIME - _Y_OF_ORDER_8)
)
"""Every encoding of a point of order 1, 2, 4 or 8 on edwards25519, its sign bit cleared (RFC 8032, 5.1)."""

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


def verify(
    data: bytes, kind: type[D], keys_hex: Iterable[str], limit_bytes: int = DOCUMENT_MAX_BYTES, threshold: int = 1
) -> D:
    """The fields of a document signed by at least `threshold` of keys_hex, every signature of theirs being good.

    Raises: DocumentTooLarge, DocumentInvalid, SignatureInvalid.
    """
    outer = parse_strict(data, limit_bytes)
    if not isinstance(outer, dict) or set(outer) != {"signed", "signatures"}:
        raise DocumentInvalid("need an object of exactly `signed` and `signatures`")
    check_signatures(outer["signed"], outer["signatures"], set(keys_hex), threshold)
    return as_document(outer["signed"], kind)


def check_signatures(signed: Any, signatures: Any, keys_hex: set[str], threshold: int = 1) -> frozenset[str]:
    """Which of keys_hex signed.

    Raises: DocumentInvalid on a malformed list; SignatureInvalid: too few of our keys signed, or one falsely.
    """
    if not isinstance(signatures, list) or not 1 <= len(signatures) <= SIGNATURES_MAX:
        raise DocumentInvalid(f"need 1 to {SIGNATURES_MAX} signatures")
    message = canonical(signed)
    sig_by_keyid: dict[str, str] = {}
    for entry in signatures:
        keyid, sig = _read_signature(entry)
        if keyid in sig_by_keyid:
            raise DocumentInvalid(f"two signatures by {keyid[:16]}…")
        sig_by_keyid[keyid] = sig
    ours = sig_by_keyid.keys() & keys_hex
    for keyid in ours:
        _check_signature(keyid, sig_by_keyid[keyid], message)
    if not ours:
        names = ", ".join(keyid[:16] + "…" for keyid in sig_by_keyid)
        raise SignatureInvalid(f"signed by {names}: none of the {len(keys_hex)} keys accepted here")
    if len(ours) < threshold:
        raise SignatureInvalid(f"signed by {len(ours)} of the keys accepted here, need {threshold}")
    return frozenset(ours)


def as_document(signed: Any, kind: type[D]) -> D:
    """Raises: DocumentInvalid, with every field that is wrong."""
    try:
        return kind.model_validate(signed)
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors()[:8])
        raise DocumentInvalid(f"{kind.__name__}: {faults}") from None


def _read_signature(entry: Any) -> tuple[str, str]:
    if not isinstance(entry, dict) or set(entry) != {"keyid", "sig"}:
        raise DocumentInvalid("a signature is an object of exactly `keyid` and `sig`")
    keyid, sig = entry["keyid"], entry["sig"]
    texts = isinstance(keyid, str) and isinstance(sig, str)
    if not (texts and _KEYID.fullmatch(keyid) and _SIG.fullmatch(sig)):
        raise DocumentInvalid("`keyid` and `sig` are lower-case hex of 64 and 128 characters")
    return keyid, sig


def _check_signature(keyid: str, sig: str, message: bytes) -> None:
    """Raises: SignatureInvalid; also for a key of small order, under which anybody can sign anything."""
    raw = bytes.fromhex(keyid)
    if raw[:31] + bytes([raw[31] & 0x7F]) in SMALL_ORDER_KEYS:
        raise SignatureInvalid(f"{keyid[:16]}… is no key: it has small order; take it off the keys accepted here")
    try:
        Ed25519PublicKey.from_public_bytes(raw).verify(bytes.fromhex(sig), message)
    except (InvalidSignature, ValueError):
        raise SignatureInvalid(f"signature by {keyid[:16]}… does not fit the document") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise DocumentInvalid(f"key given twice: {key[:64]!r}")
        found[key] = value
    return found


def _refuse_constant(text: str) -> Any:
    raise DocumentInvalid(f"{text} is no JSON number")


def _nesting(data: bytes) -> int:
    """How deep lists and objects nest, without parsing; brackets within texts do not count."""
    depth = deepest = 0
    in_text = False
    for mark in _MARKS.findall(data):
        if mark == b'"':
            in_text = not in_text
        elif in_text:
            continue
        elif mark in (b"[", b"{"):
            depth += 1
            deepest = max(deepest, depth)
        else:
            depth -= 1
    return deepest
