"""What an order is to say, and the order made of it: refused here for whatever a van would refuse it for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from securesystemslib.signer import KEY_TYPE_ED25519

from edge.clock import parse_utc, utc_text
from edge.errors import AuthorityInvalid, DocumentInvalid
from edge.formats.documents import Document, Hex32
from edge.formats.orders import Order
from edge.formats.policy import Policy
from edge.trust.documents import as_document, parse_strict
from edge.trust.orders import check_itself
from edge.trust.policy import hold_against, refer_to
from provisioning.fleet_folder import Person
from provisioning.thresholds import SetThreshold

DELTA_ENTRIES = 50
"""How many entries a delta may change, where nobody says."""


class RoomKeys(Document):
    """The room's public keys for one deployment, as `key room` writes them."""

    room_receipt_key_hex: Hex32
    room_seal_key_hex: Hex32


@dataclass(frozen=True)
class OrderTerms:
    """What the officer decides. delta_signers, closers: Ed25519 keys; officer's and custodian's where empty."""

    deployment: str
    officer: Person
    custodian: Person
    vans: tuple[str, ...]
    place: str
    use_case: str
    legal_basis: str
    not_before: datetime
    not_after: datetime
    policy: Policy
    threshold: SetThreshold
    entries_max: int
    delta_entries_max: int
    room: RoomKeys
    alert_retention_h: float
    staleness_s: int
    delta_signers: tuple[str, ...] = ()
    closers: tuple[str, ...] = ()


def make_order(
    fleet: str, terms: OrderTerms, recipients: dict[str, str], manifest_sha256: str, pack_sha256: str
) -> Order:
    """recipients: device to recipient id. Raises: DocumentInvalid, PolicyViolated, OrderInvalid, AuthorityInvalid."""
    fields = {
        "type": "order",
        "deployment": terms.deployment,
        "fleet": fleet,
        "version": 1,
        "authorising_officer": {"name": terms.officer.name, "key_id": terms.officer.key.keyid},
        "data_custodian": {"name": terms.custodian.name, "key_id": terms.custodian.key.keyid},
        "use_case": terms.use_case,
        "legal_basis": terms.legal_basis,
        "place": terms.place,
        "not_before_utc": utc_text(terms.not_before),
        "not_after_utc": utc_text(terms.not_after),
        "vans": recipients,
        "watchlist": {
            "manifest_sha256": manifest_sha256,
            "entries_max": terms.entries_max,
            "delta_entries_max": terms.delta_entries_max,
            "delta_signers": list(terms.delta_signers or _both(terms)),
        },
        "pack_sha256": pack_sha256,
        "similarity_threshold": terms.threshold.similarity,
        "threshold_backend": terms.threshold.threshold_backend,
        "calibration": terms.threshold.certificate.model_dump(mode="json"),
        "policy": refer_to(terms.policy).model_dump(mode="json"),
        "closers": list(terms.closers or _both(terms)),
        "room_receipt_key_hex": terms.room.room_receipt_key_hex,
        "room_seal_key_hex": terms.room.room_seal_key_hex,
        "alert_retention_h": terms.alert_retention_h,
        "staleness_s": terms.staleness_s,
    }
    order = as_document(fields, Order)
    check_itself(order)
    hold_against(order, terms.policy)
    return order


def read_room_keys(path: Path) -> RoomKeys:
    """Raises: AuthorityInvalid."""
    try:
        with path.open("rb") as file:
            return as_document(parse_strict(file.read(4097), 4096), RoomKeys)
    except (OSError, DocumentInvalid) as error:
        raise AuthorityInvalid(
            f"{path}: not the room's public keys ({error}); the room makes them with: lfr-fleet key room --out FOLDER"
        ) from None


def read_time(text: str) -> datetime:
    """`2026-01-31T09:00Z`, with seconds and milliseconds or without. Raises: AuthorityInvalid."""
    for tail in ("", ".000Z", ":00.000Z"):
        try:
            return parse_utc(text if not tail else text.removesuffix("Z") + tail)
        except ValueError:
            continue
    raise AuthorityInvalid(f"time {text!r}: need UTC as 2026-01-31T09:00Z")


def _both(terms: OrderTerms) -> tuple[str, str]:
    for person in (terms.officer, terms.custodian):
        if person.key.keytype != KEY_TYPE_ED25519:
            raise AuthorityInvalid(
                f"{person.name}'s key is {person.key.scheme}: deltas and closes are signed with Ed25519 keys; name two "
                "with --delta-signer, and one or more with --closer"
            )
    return terms.officer.key.keyid, terms.custodian.key.keyid
