"""A deployment made ready: sealed watchlist, signed order, the files to publish, and the room's bundle (thin)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import cv2
import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge.clock import Clock, utc_text
from edge.formats.documents import Order, WatchlistReference
from edge.formats.pack import Subjects
from edge.formats.topics import order_name, watchlist_part_name
from edge.trust.documents import document_sha256, sign
from edge.trust.watchlist import part_count, seal_watchlist
from edge.vision.enrol import read_photograph
from provisioning.enrolment import Entry

BUNDLE_PHOTOGRAPH_SIDE_PX = 320


@dataclass(frozen=True)
class OrderTerms:
    """What the authorising officer decides. threshold_backend: what it was set for, `litert/int8`."""

    deployment: str
    fleet: str
    authorising_officer: str
    use_case: str
    place: str
    similarity_threshold: float
    threshold_backend: str
    valid_for: timedelta
    alert_retention_h: float
    pack_sha256: str


@dataclass(frozen=True)
class RoomKeys:
    """The room's public keys for this deployment, hex."""

    receipt_hex: str
    seal_hex: str


def prepare_files(
    terms: OrderTerms,
    entries: Sequence[Entry],
    device_seal_keys: Mapping[str, str],
    room: RoomKeys,
    authority_key: Ed25519PrivateKey,
    clock: Clock,
    subjects: Subjects = "real",
) -> dict[str, bytes]:
    """Repository files by name: the watchlist's header and parts, and each van's order.

    device_seal_keys: device id to X25519 public key in hex. subjects: declared by whoever enrolled; synthetic only
    where every entry is a rendered person. Raises: DocumentTooLarge, WatchlistInvalid, SealInvalid.
    """
    watchlist = f"{terms.deployment}-list"
    header, parts = seal_watchlist(
        watchlist,
        terms.deployment,
        terms.pack_sha256,
        [(entry.entry_id, entry.vector) for entry in entries],
        device_seal_keys,
        subjects,
    )
    signed_header = sign(header, [authority_key])
    now = clock.now_utc()
    order = Order(
        type="order",
        deployment=terms.deployment,
        fleet=terms.fleet,
        devices=sorted(device_seal_keys),
        authorising_officer=terms.authorising_officer,
        use_case=terms.use_case,
        place=terms.place,
        not_before_utc=utc_text(now - timedelta(seconds=1)),
        not_after_utc=utc_text(now + terms.valid_for),
        pack_sha256=terms.pack_sha256,
        similarity_threshold=terms.similarity_threshold,
        threshold_backend=terms.threshold_backend,
        watchlist=WatchlistReference(
            id=watchlist, entries=len(entries), parts=part_count(header), sha256=document_sha256(signed_header)
        ),
        room_receipt_key_hex=room.receipt_hex,
        room_seal_key_hex=room.seal_hex,
        alert_retention_h=terms.alert_retention_h,
    )
    files = {watchlist_part_name(watchlist, 0): signed_header}
    files |= {watchlist_part_name(watchlist, 1 + index): part for index, part in enumerate(parts)}
    signed_order = sign(order, [authority_key])
    return files | {order_name(device): signed_order for device in order.devices}


def write_room_bundle(folder: Path, deployment: str, entries: Sequence[Entry]) -> None:
    """What the room needs to show an alert: reference and photograph of each entry, by entry id."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    photographs = folder / "photos"
    photographs.mkdir(exist_ok=True)
    listed = []
    for entry in entries:
        name = f"photos/{entry.entry_id}.jpg"
        image = read_photograph(entry.photograph)
        scale = min(BUNDLE_PHOTOGRAPH_SIDE_PX / max(image.shape[:2]), 1.0)
        if scale < 1.0:
            image = np.asarray(cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
        _, jpeg = cv2.imencode(".jpg", image)
        (folder / name).write_bytes(jpeg.tobytes())
        listed.append({"entry_id": entry.entry_id, "reference": entry.reference, "photograph": name})
    bundle = {"watchlist": f"{deployment}-list", "deployment": deployment, "entries": listed}
    (folder / "bundle.json").write_text(json.dumps(bundle, indent=1), encoding="utf-8")
