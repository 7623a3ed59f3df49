"""An alert opened for showing: unsealed, looked up in the bundle, its two pictures checked. Never stored so."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from PIL import Image

from control_room.bundle import BundleFolder
from control_room.errors import BundleInvalid, PictureRefused
from control_room.pictures import open_crop, open_listed
from control_room.planned import CATEGORY_WORDS, RESPONSE_WORDS
from edge.clock import parse_utc
from edge.errors import DocumentInvalid
from edge.formats.bundle import BundlePerson
from edge.formats.categories import Category, Response
from edge.formats.documents import AlertDocument
from edge.trust.sealing import alert_context, unseal_match

LATE_S = 60.0
AHEAD_S = 30.0

UNKNOWN_ENTRY = "entry unknown to this room"


@dataclass(frozen=True, eq=False)
class OpenedAlert:
    """What an operator sees of an alert. faults: what was refused in it; remarks: what to bear in mind.

    person: the entry as the room's bundle has it, None where it is unknown. category, response: as the van says them.
    """

    event_id: str
    device: str
    deployment: str
    sequence: int
    decided_at_utc: str
    received_at_utc: str
    entry_id: str
    reference: str | None
    person: BundlePerson | None
    category: Category | None
    response: Response | None
    similarity: float
    threshold: float
    frames_fused: int
    taken_s: float
    face_px: Mapping[str, float]
    stage_ms: Mapping[str, float]
    crop_jpeg: bytes | None
    crop: Image.Image | None
    photograph: Image.Image | None
    faults: tuple[str, ...]
    remarks: tuple[str, ...]

    @property
    def latency_ms(self) -> float | None:
        """From the deciding frame's capture to the end of the last stage, within the van."""
        return max(self.stage_ms.values(), default=None)

    def as_line(self, crop_path: str | None) -> dict[str, Any]:
        """The fields of alerts.jsonl."""
        return {
            "event_id": self.event_id,
            "device": self.device,
            "deployment": self.deployment,
            "sequence": self.sequence,
            "reference": self.reference,
            "entry_id": self.entry_id,
            "category": self.category,
            "response": self.response,
            "similarity": self.similarity,
            "threshold": self.threshold,
            "frames_fused": self.frames_fused,
            "taken_s": self.taken_s,
            "face_px": dict(self.face_px),
            "latency_ms": self.latency_ms,
            "stage_ms": dict(self.stage_ms),
            "decided_at_utc": self.decided_at_utc,
            "received_at_utc": self.received_at_utc,
            "crop": crop_path,
        }


def open_alert(
    alert: AlertDocument, received_at_utc: str, seal_key: X25519PrivateKey, bundle: BundleFolder
) -> OpenedAlert:
    """Open a verified alert's seal and find its entry.

    An unknown entry or a refused picture leaves a fault and is shown without; only a seal or content that
    cannot be read at all raises. Raises: SealInvalid, DocumentInvalid.
    """
    try:
        ciphertext = base64.b64decode(alert.sealed, validate=True)
    except (binascii.Error, ValueError):
        raise DocumentInvalid("`sealed` is no base64") from None
    context = alert_context(alert.fleet, alert.device, alert.deployment, alert.event_id, alert.sequence)
    match, jpeg = unseal_match(ciphertext, seal_key, context)
    faults: list[str] = []
    crop = None
    try:
        crop = open_crop(jpeg, match.crop_width_px, match.crop_height_px)
    except PictureRefused as error:
        faults.append(str(error))
    known = bundle.find(alert.deployment, match.entry_id)
    person = None if known is None else known.person
    photograph = None
    if known is None:
        faults.append(UNKNOWN_ENTRY)
    else:
        try:
            photograph = open_listed(known.photograph())
        except (PictureRefused, BundleInvalid) as error:
            faults.append(f"photograph: {error}")
    remarks = _remarks(alert.decided_at_utc, received_at_utc)
    if person is not None and match.category is not None and match.category != person.category:
        remarks.append(f"the bundle's category is another: {CATEGORY_WORDS[person.category]}")
    if person is not None and match.response is not None and match.response != person.response:
        remarks.append(f"the bundle's planned response is another: {RESPONSE_WORDS[person.response]}")
    if match.similarity < match.threshold:
        remarks.append("the van alerted below its own threshold")
    return OpenedAlert(
        event_id=alert.event_id,
        device=alert.device,
        deployment=alert.deployment,
        sequence=alert.sequence,
        decided_at_utc=alert.decided_at_utc,
        received_at_utc=received_at_utc,
        entry_id=match.entry_id,
        reference=None if person is None else person.reference,
        person=person,
        category=match.category,
        response=match.response,
        similarity=match.similarity,
        threshold=match.threshold,
        frames_fused=match.frames_fused,
        taken_s=match.taken_s,
        face_px=match.face_px.model_dump(),
        stage_ms=dict(sorted(match.stage_ms.items(), key=lambda stage: stage[1])),
        crop_jpeg=None if crop is None else jpeg,
        crop=crop,
        photograph=photograph,
        faults=tuple(faults),
        remarks=tuple(remarks),
    )


def _remarks(decided_at_utc: str, received_at_utc: str) -> list[str]:
    late_s = (parse_utc(received_at_utc) - parse_utc(decided_at_utc)).total_seconds()
    if late_s > LATE_S:
        return [f"late: decided {late_s / 60:.0f} min before it arrived, by the van's clock"]
    if late_s < -AHEAD_S:
        return [f"the van's clock is {-late_s:.0f} s ahead of this room's"]
    return []
