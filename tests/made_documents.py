"""One good document of each type, and the keys that sign them; tests change one thing at a time."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from edge.formats.documents import (
    AlertDocument,
    Document,
    FacePlace,
    HealthDocument,
    LatencySummary,
    ReceiptDocument,
    RecordDocument,
    SealedMatch,
    Statistics,
)
from edge.formats.orders import Order
from edge.trust.documents import canonical, public_hex
from edge.trust.keys import seal_public_hex

FLEET, DEVICE, DEPLOYMENT = "fleet-1", "van-1", "deployment-1"
PACK_SHA256 = "ab" * 32
BACKEND = "litert/int8"
EVENT_ID = "01890a5d-ac96-774b-bcce-b302099a8057"
NOON = datetime(2026, 3, 1, 12, 0, tzinfo=timezone.utc)
NOON_TEXT = "2026-03-01T12:00:00.000Z"

AUTHORITY = Ed25519PrivateKey.from_private_bytes(b"\x01" * 32)
VAN = Ed25519PrivateKey.from_private_bytes(b"\x02" * 32)
STRANGER = Ed25519PrivateKey.from_private_bytes(b"\x03" * 32)
VAN_SEAL = X25519PrivateKey.from_private_bytes(b"\x04" * 32)
ROOM_SEAL = X25519PrivateKey.from_private_bytes(b"\x05" * 32)
AUTHORITY_HEX, VAN_HEX, STRANGER_HEX = (public_hex(key) for key in (AUTHORITY, VAN, STRANGER))


def order(**changes: Any) -> Order:
    fields: dict[str, Any] = {
        "type": "order",
        "deployment": DEPLOYMENT,
        "fleet": FLEET,
        "version": 1,
        "authorising_officer": {"name": "officer 7", "key_id": "01" * 32},
        "data_custodian": {"name": "custodian 2", "key_id": "02" * 32},
        "use_case": "persons wanted by a court",
        "legal_basis": "a court's warrant",
        "place": "market square",
        "not_before_utc": "2026-03-01T09:00:00.000Z",
        "not_after_utc": "2026-03-01T17:00:00.000Z",
        "vans": {DEVICE: "0a" * 16, "van-2": "0b" * 16},
        "watchlist": {
            "manifest_sha256": "cd" * 32,
            "entries_max": 3,
            "delta_entries_max": 10,
            "delta_signers": [AUTHORITY_HEX, STRANGER_HEX],
        },
        "pack_sha256": PACK_SHA256,
        "similarity_threshold": 0.55,
        "threshold_backend": BACKEND,
        "calibration": {"fpir": 0.001, "entries": 3, "calibration_sha256": None, "evidence": "chosen"},
        "policy": {"name": "uk", "version": 1, "sha256": "ef" * 32},
        "closers": [AUTHORITY_HEX],
        "room_receipt_key_hex": STRANGER_HEX,
        "room_seal_key_hex": seal_public_hex(ROOM_SEAL),
        "alert_retention_h": 24.0,
        "staleness_s": 900,
    }
    return Order.model_validate({**fields, **changes})


def alert(**changes: Any) -> AlertDocument:
    fields: dict[str, Any] = {
        "type": "alert",
        "event_id": EVENT_ID,
        "fleet": FLEET,
        "device": DEVICE,
        "deployment": DEPLOYMENT,
        "sequence": 7,
        "decided_at_utc": NOON_TEXT,
        "sealed": "AAAA",
    }
    return AlertDocument(**{**fields, **changes})


def match(**changes: Any) -> SealedMatch:
    fields: dict[str, Any] = {
        "entry_id": "0" * 31 + "1",
        "similarity": 0.6125,
        "threshold": 0.55,
        "frames_fused": 3,
        "frame_id": 41,
        "taken_s": 2.75,
        "face_px": FacePlace(left=100.5, top=80.0, width=60.0, height=72.0),
        "stage_ms": {"detect": 9.0, "seal": 21.25},
        "crop_width_px": 96,
        "crop_height_px": 115,
    }
    return SealedMatch(**{**fields, **changes})


def statistics(**changes: Any) -> Statistics:
    fields: dict[str, Any] = {
        "frames_read": 100,
        "frames_processed": 90,
        "frames_dropped": {"detect": 10},
        "faces_seen": 12,
        "faces_compared": 8,
        "faces_withheld": {"too_small": 4, "below_threshold": 7},
        "alerts": 1,
        "camera_faults": {},
        "latency_ms": LatencySummary(count=1, p50=30.5, p99=30.5),
    }
    return Statistics(**{**fields, **changes})


def record(**changes: Any) -> RecordDocument:
    fields: dict[str, Any] = {
        "type": "record",
        "event_id": EVENT_ID,
        "fleet": FLEET,
        "device": DEVICE,
        "deployment": DEPLOYMENT,
        "sequence": 8,
        "made_at_utc": NOON_TEXT,
        "kind": "deployment_statistics",
        "statistics": statistics(),
        "pack_sha256": PACK_SHA256,
        "watchlist_sha256": "cd" * 32,
        "watchlist_entries": 3,
        "software_version": "0.1.0",
    }
    return RecordDocument(**{**fields, **changes})


def health(**changes: Any) -> HealthDocument:
    fields: dict[str, Any] = {
        "type": "health",
        "fleet": FLEET,
        "device": DEVICE,
        "deployment": None,
        "session": "session-1",
        "beat": 1,
        "made_at_utc": NOON_TEXT,
        "state": "watching",
        "last_sequence": 8,
        "frames_per_s": 14.9,
        "camera": "open",
        "camera_retries": 0,
        "statistics": statistics(),
        "outbox_queued": 0,
        "outbox_expired": 0,
    }
    return HealthDocument(**{**fields, **changes})


def receipt(**changes: Any) -> ReceiptDocument:
    fields: dict[str, Any] = {
        "type": "receipt",
        "fleet": FLEET,
        "device": DEVICE,
        "received": [EVENT_ID],
        "made_at_utc": NOON_TEXT,
    }
    return ReceiptDocument(**{**fields, **changes})


def sign_anything(signed: object, *keys: Ed25519PrivateKey) -> bytes:
    """Any value, properly signed: what an authority or a van could make, if it wanted to."""
    message = canonical(signed)
    signatures = [{"keyid": public_hex(key), "sig": key.sign(message).hex()} for key in keys]
    return canonical({"signed": signed, "signatures": signatures})


def each_type() -> tuple[Document, ...]:
    """One document of every type that is signed."""
    return (order(), alert(), record(), health(), receipt())
