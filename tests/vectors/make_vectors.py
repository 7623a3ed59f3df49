"""Writes the vectors: `python tests/vectors/make_vectors.py`. From the specifications alone, with fixed keys.

Nothing of `edge` is imported: canonical JSON, HPKE and the planes of a watchlist are made here a second time,
after RFC 8785, RFC 9180 and edge/formats/*.md, so that the vectors test the product and not its own mirror.
"""

from __future__ import annotations

import base64
import hashlib
import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

HERE = Path(__file__).parent

AUTHORITY, VAN, STRANGER = (Ed25519PrivateKey.from_private_bytes(bytes([n]) * 32) for n in (1, 2, 3))
VAN_SEAL, ROOM_SEAL, EPHEMERAL = (X25519PrivateKey.from_private_bytes(bytes([n]) * 32) for n in (4, 5, 6))
CONTENT_KEY = b"\x07" * 32
FLEET, DEVICE, DEPLOYMENT, LIST = "fleet-1", "van-1", "deployment-1", "list-1"
PACK = "ab" * 32
BACKEND = "litert/int8"
EVENT_ID = "01890a5d-ac96-774b-bcce-b302099a8057"
NOON = "2026-03-01T12:00:00.000Z"
DIMENSION, PER_PART = 16, 2

Vector = tuple[str, str, str, str, bytes]
"""Name, kind (what reads it), expected error or `ok`, what it shows, body."""


def raw(key: Any) -> bytes:
    return key.public_key().public_bytes_raw()


def canonical(value: Any) -> bytes:
    """RFC 8785, for what is used here: ASCII keys, whole numbers, short decimals."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def signature(signed: Any, key: Ed25519PrivateKey) -> dict[str, str]:
    return {"keyid": raw(key).hex(), "sig": key.sign(canonical(signed)).hex()}


def document(signed: Any, *keys: Ed25519PrivateKey) -> dict[str, Any]:
    return {"signed": signed, "signatures": [signature(signed, key) for key in keys]}


def extract(salt: bytes, key: bytes) -> bytes:
    mac = HMAC(salt or bytes(32), SHA256())
    mac.update(key)
    return mac.finalize()


def hpke(plain: bytes, recipient: bytes, info: bytes) -> bytes:
    """RFC 9180 base mode, DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, ChaCha20-Poly1305; with a fixed skE."""

    def labeled_extract(suite: bytes, salt: bytes, label: bytes, key: bytes) -> bytes:
        return extract(salt, b"HPKE-v1" + suite + label + key)

    def labeled_expand(suite: bytes, secret: bytes, label: bytes, rest: bytes, length: int) -> bytes:
        return HKDFExpand(SHA256(), length, struct.pack(">H", length) + b"HPKE-v1" + suite + label + rest).derive(
            secret
        )

    enc = raw(EPHEMERAL)
    kem = b"KEM\x00\x20"
    shared = EPHEMERAL.exchange(X25519PublicKey.from_public_bytes(recipient))
    eae = labeled_extract(kem, b"", b"eae_prk", shared)
    secret = labeled_expand(kem, eae, b"shared_secret", enc + recipient, 32)
    suite = b"HPKE\x00\x20\x00\x01\x00\x03"
    psk_id = labeled_extract(suite, b"", b"psk_id_hash", b"")
    schedule = b"\x00" + psk_id + labeled_extract(suite, b"", b"info_hash", info)
    top = labeled_extract(suite, secret, b"secret", b"")
    key = labeled_expand(suite, top, b"key", schedule, 32)
    nonce = labeled_expand(suite, top, b"base_nonce", schedule, 12)
    return enc + ChaCha20Poly1305(key).encrypt(nonce, plain, b"")


def order(**changes: Any) -> dict[str, Any]:
    fields = {
        "type": "order",
        "deployment": DEPLOYMENT,
        "fleet": FLEET,
        "devices": [DEVICE],
        "authorising_officer": "officer 7",
        "use_case": "persons wanted by a court",
        "place": "Marché aux fleurs",
        "not_before_utc": "2026-03-01T09:00:00.000Z",
        "not_after_utc": "2026-03-01T17:00:00.000Z",
        "pack_sha256": PACK,
        "similarity_threshold": 0.55,
        "threshold_backend": BACKEND,
        "watchlist": {"id": LIST, "entries": 3, "parts": 2, "sha256": "cd" * 32},
        "room_receipt_key_hex": raw(STRANGER).hex(),
        "room_seal_key_hex": raw(ROOM_SEAL).hex(),
        "alert_retention_h": 24,
    }
    return {**fields, **changes}


def orders() -> Iterator[Vector]:
    good = canonical(document(order(), AUTHORITY))

    def one(name: str, expect: str, shows: str, body: bytes) -> Vector:
        return f"order-{name}", "order", expect, shows, body

    yield one("good", "ok", "signed by the authority, for this van, now", good)
    both = document(order(), AUTHORITY, STRANGER)
    both["signatures"][1]["sig"] = "0" * 128
    yield one("stranger-beside", "ok", "a stranger's signature is ignored, even a false one", canonical(both))
    yield one("stranger", "SignatureInvalid", "signed by a stranger", canonical(document(order(), STRANGER)))
    changed = document(order(), AUTHORITY)
    changed["signed"]["similarity_threshold"] = 0.5
    yield one("changed", "SignatureInvalid", "threshold lowered after signing", canonical(changed))
    twice = document(order(), AUTHORITY, AUTHORITY)
    yield one("key-twice", "DocumentInvalid", "two signatures by one key", canonical(twice))
    capitals = document(order(), AUTHORITY)
    capitals["signatures"][0]["sig"] = capitals["signatures"][0]["sig"].upper()
    yield one("capitals", "DocumentInvalid", "signature in upper-case hex", canonical(capitals))
    blank = good.replace(b'"fleet":', b'"fleet": ')
    yield one("blank", "DocumentInvalid", "a blank after a colon: not canonical", blank)
    doubled = good.replace(b'"devices":', b'"deployment":"deployment-1","devices":')
    yield one("key-given-twice", "DocumentInvalid", "`deployment` is there twice, with one value", doubled)
    yield one("float", "DocumentInvalid", "24.0 for 24", good.replace(b'_h":24', b'_h":24.0'))
    yield one("bom", "DocumentInvalid", "a byte order mark before the document", b"\xef\xbb\xbf" + good)
    yield one("unknown-field", "DocumentInvalid", "a field nobody knows", canonical(document(order(note=1), AUTHORITY)))
    yield one("as-header", "DocumentInvalid", "another type, well signed", canonical(document(header(), AUTHORITY)))
    elsewhere = canonical(document(order(fleet="fleet-2"), AUTHORITY))
    yield one("other-fleet", "OrderInvalid", "for a van of the same name in another fleet", elsewhere)
    reference = canonical(document(order(threshold_backend="litert-reference/int8"), AUTHORITY))
    yield one("other-backend", "ThresholdMismatch", "its threshold is for other kernels", reference)
    no_date = canonical(document(order(not_after_utc="2026-02-30T17:00:00.000Z"), AUTHORITY))
    yield one("no-date", "OrderInvalid", "ends on 30 February", no_date)
    over = canonical(document(order(not_after_utc=NOON), AUTHORITY))
    yield one("over", "OrderExpired", "ended in this very millisecond", over)


def alert(sequence: int = 7) -> dict[str, Any]:
    return {
        "type": "alert",
        "event_id": EVENT_ID,
        "fleet": FLEET,
        "device": DEVICE,
        "deployment": DEPLOYMENT,
        "sequence": sequence,
        "decided_at_utc": NOON,
        "sealed": "",
    }


MATCH = {
    "entry_id": "0" * 31 + "1",
    "category": "wanted",
    "response": "amber",
    "similarity": 0.6125,
    "threshold": 0.55,
    "frames_fused": 3,
    "frame_id": 41,
    "taken_s": 2.75,
    "face_px": {"left": 100.5, "top": 80, "width": 60, "height": 72},
    "stage_ms": {"detect": 9, "seal": 21.25},
    "crop_width_px": 96,
    "crop_height_px": 115,
}


def alert_event(fields: bytes = canonical(MATCH), tail: bytes = b"", sealed_as: int = 7) -> bytes:
    plain = struct.pack(">I", len(fields)) + fields + struct.pack(">I", 4) + b"jpeg"
    plain = (plain + tail).ljust(4096, b"\0")
    info = b"lfr-edge alert v1\0" + canonical([FLEET, DEVICE, DEPLOYMENT, EVENT_ID, sealed_as])
    signed = {**alert(), "sealed": base64.b64encode(hpke(plain, raw(ROOM_SEAL), info)).decode()}
    return canonical(event(document(signed, VAN)))


def event(data: Any, **changes: Any) -> dict[str, Any]:
    fields = {
        "specversion": "1.0",
        "datacontenttype": "application/json",
        "id": EVENT_ID,
        "source": f"/lfr/v1/{FLEET}/devices/{DEVICE}",
        "type": "lfr-edge.alert.v1",
        "time": NOON,
        "data": data,
    }
    return {**fields, **changes}


def alerts() -> Iterator[Vector]:
    def one(name: str, expect: str, shows: str, body: bytes) -> Vector:
        return f"alert-{name}", "alert", expect, shows, body

    yield one("good", "ok", "signed by the van, sealed to the room", alert_event())
    inside = json.loads(alert_event())["data"]
    yield one(
        "unknown-outside",
        "DocumentInvalid",
        "a field nobody knows, outside the signature",
        canonical(event(inside, note=1)),
    )
    receipt = {"type": "receipt", "fleet": FLEET, "device": DEVICE, "received": [EVENT_ID], "made_at_utc": NOON}
    yield one("as-receipt", "DocumentInvalid", "a receipt signed by the van", canonical(event(document(receipt, VAN))))
    yield one("moved", "SealInvalid", "the box of alert 6 in alert 7", alert_event(sealed_as=6))
    yield one("padding", "DocumentInvalid", "padding that is not all zeros", alert_event(tail=b"\0\1"))
    unknown = canonical({**MATCH, "category": "intelligence"})
    yield one("category-unknown", "DocumentInvalid", "inside, a category outside the closed set", alert_event(unknown))
    yield one("inside-blank", "DocumentInvalid", "inside not canonical", alert_event(canonical(MATCH) + b" "))


def header(**changes: Any) -> dict[str, Any]:
    info = b"lfr-edge watchlist key v1\0" + canonical([LIST, DEPLOYMENT, DEVICE])
    fields = {
        "type": "watchlist",
        "id": LIST,
        "deployment": DEPLOYMENT,
        "pack_sha256": PACK,
        "entries": 3,
        "dimension": DIMENSION,
        "subjects": "real",
        "entries_per_part": PER_PART,
        "wrapped_keys": {DEVICE: base64.b64encode(hpke(CONTENT_KEY, raw(VAN_SEAL), info)).decode()},
    }
    return {**fields, **changes}


def entry(number: int, axis: int, length: int = 32767) -> tuple[bytes, bytes]:
    return bytes([number]) * 16, struct.pack("<16h", *(length if at == axis else 0 for at in range(DIMENSION)))


def part(index: int, *entries: tuple[bytes, bytes]) -> bytes:
    plain = b"".join(entry_id for entry_id, _ in entries) + b"".join(template for _, template in entries)
    aad = b"lfr-edge watchlist part v1\0" + canonical([LIST, DEPLOYMENT, PACK, 3, DIMENSION, index, len(entries)])
    return AESGCM(CONTENT_KEY).encrypt(struct.pack(">QI", 0, index), plain, aad)


def watchlists() -> Iterator[Vector]:
    signed_header = canonical(document(header(), AUTHORITY))
    sha256 = hashlib.sha256(signed_header).hexdigest()
    pinning = canonical(document(order(watchlist={"id": LIST, "entries": 3, "parts": 2, "sha256": sha256}), AUTHORITY))
    first, second = part(0, entry(1, 0), entry(2, 1)), part(1, entry(3, 2))

    def one(name: str, expect: str, shows: str, *parts: bytes, head: bytes = signed_header) -> Vector:
        lines = [base64.b64encode(piece) + b"\n" for piece in (pinning, head, *parts)]
        return f"watchlist-{name}", "watchlist", expect, shows, b"".join(lines)

    def bring_up(name: str, expect: str, shows: str, subjects: str) -> Vector:
        """Read by a van whose pack is for bring-up."""
        head = canonical(document(header(subjects=subjects), AUTHORITY))
        reference = {"id": LIST, "entries": 3, "parts": 2, "sha256": hashlib.sha256(head).hexdigest()}
        pinned = canonical(document(order(watchlist=reference), AUTHORITY))
        lines = [base64.b64encode(piece) + b"\n" for piece in (pinned, head, first, second)]
        return f"watchlist-{name}", "watchlist-bring-up", expect, shows, b"".join(lines)

    yield one("good", "ok", "three entries in two parts", first, second)
    yield bring_up("synthetic-bring-up", "ok", "rendered people under a bring-up pack", "synthetic")
    yield bring_up("real-bring-up", "PackPurposeRefused", "real people under a bring-up pack", "real")
    yield bring_up("subjects-unknown", "DocumentInvalid", "neither real nor synthetic", "mixed")
    unpinned = canonical(document({**header(), "wrapped_keys": {}}, AUTHORITY))
    yield one("unpinned", "WatchlistInvalid", "a header that the order does not name", first, second, head=unpinned)
    yield one("missing-part", "WatchlistInvalid", "the second part did not come", first)
    yield one("extra-part", "WatchlistInvalid", "the second part came twice", first, second, second)
    flipped = bytes([first[0] ^ 1]) + first[1:]
    yield one("flipped-bit", "WatchlistInvalid", "one bit of the first id", flipped, second)
    swapped = part(1, entry(1, 0), entry(2, 1))
    yield one("swapped", "WatchlistInvalid", "a part sealed for another place", swapped, second)
    yield one("entry-twice", "WatchlistInvalid", "an id in two parts", first, part(1, entry(1, 2)))
    yield one("norm", "WatchlistInvalid", "a template of norm 0.5", first, part(1, entry(3, 2, 16384)))


def every_vector() -> dict[str, bytes]:
    """Each file's name and content: header lines, an empty line, the body as it is."""
    files = {}
    for name, kind, expect, shows, body in (*orders(), *alerts(), *watchlists()):
        head = f"kind: {kind}\nexpect: {expect}\nshows: {shows}\n\n"
        files[f"{name}.vector"] = head.encode() + body
    return files


if __name__ == "__main__":
    for old in HERE.glob("*.vector"):
        old.unlink()
    for file, content in every_vector().items():
        (HERE / file).write_bytes(content)
