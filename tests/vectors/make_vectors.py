"""Writes the vectors: `python tests/vectors/make_vectors.py`. From the specifications alone, with fixed keys.

Nothing of `edge` is imported: canonical JSON and HPKE are made here a second time,
after RFC 8785, RFC 9180 and edge/formats/*.md, so that the vectors test the product and not its own mirror.
"""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

HERE = Path(__file__).parent

VAN, STRANGER = (Ed25519PrivateKey.from_private_bytes(bytes([n]) * 32) for n in (2, 3))
VAN_SEAL, ROOM_SEAL, EPHEMERAL = (X25519PrivateKey.from_private_bytes(bytes([n]) * 32) for n in (4, 5, 6))
FLEET, DEVICE, DEPLOYMENT = "fleet-1", "van-1", "deployment-1"
PACK = "ab" * 32
BACKEND = "litert/int8"
EVENT_ID = "01890a5d-ac96-774b-bcce-b302099a8057"
NOON = "2026-03-01T12:00:00.000Z"

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


def every_vector() -> dict[str, bytes]:
    """Each file's name and content: header lines, an empty line, the body as it is."""
    files = {}
    for name, kind, expect, shows, body in alerts():
        head = f"kind: {kind}\nexpect: {expect}\nshows: {shows}\n\n"
        files[f"{name}.vector"] = head.encode() + body
    return files


if __name__ == "__main__":
    for old in HERE.glob("*.vector"):
        old.unlink()
    for file, content in every_vector().items():
        (HERE / file).write_bytes(content)
