"""Seal: a match becomes a signed document that nobody between this process and the room can read."""

from __future__ import annotations

import base64
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol, cast

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge import __version__, wire
from edge.clock import Clock, utc_text
from edge.evidence.event_ids import new_event_id
from edge.evidence.sequence import SequenceFile
from edge.formats.categories import Category, Response
from edge.formats.documents import (
    AlertDocument,
    Document,
    FacePlace,
    HealthDocument,
    RecordDocument,
    SealedMatch,
    Statistics,
)
from edge.formats.receipts import ClosedBecause, DeletionReceipt, KeyStock, LinkDeleted, VisionDeleted
from edge.formats.topics import ALERTS, RECORDS
from edge.records import Alarm
from edge.trust.documents import sign
from edge.trust.envelope import wrap
from edge.trust.sealing import alert_context, seal_match


class SealedTo(Protocol):
    """What sealing needs of an order."""

    @property
    def deployment(self) -> str: ...

    @property
    def room_seal_key_hex(self) -> str: ...

    @property
    def alert_retention_h(self) -> float: ...


@dataclass(frozen=True)
class RecordScope:
    """Of which deployment a record speaks, and how long it may wait for its receipt."""

    deployment: str
    pack_sha256: str
    watchlist_sha256: str
    retention_h: float


class Sealer:
    """Numbers, seals and signs what leaves the box."""

    def __init__(
        self, fleet: str, device: str, signing_key: Ed25519PrivateKey, sequence: SequenceFile, clock: Clock
    ) -> None:
        self._fleet = fleet
        self._device = device
        self._key = signing_key
        self._sequence = sequence
        self._clock = clock
        self._lock = threading.Lock()

    @property
    def last_sequence(self) -> int:
        return self._sequence.last

    def seal_alert(self, order: SealedTo, alarm: Alarm, stage_ms: Mapping[str, float]) -> wire.Publish:
        """The alert for the outbox: the whole match sealed to the room, signed by this box."""
        match, face, crop = alarm.match, alarm.face, alarm.crop
        now = self._clock.now_utc()
        event_id = new_event_id(now)
        fields = SealedMatch(
            entry_id=match.entry_id,
            category=cast(Category | None, match.category),
            response=cast(Response | None, match.response),
            similarity=round(match.similarity, 6),
            threshold=match.threshold,
            frames_fused=match.frames_fused,
            frame_id=face.frame_id,
            taken_s=round(max(alarm.taken_s, 0.0), 6),
            face_px=FacePlace(
                left=round(face.left_px, 1),
                top=round(face.top_px, 1),
                width=round(face.width_px, 1),
                height=round(face.height_px, 1),
            ),
            stage_ms={stage: round(ms, 2) for stage, ms in stage_ms.items()},
            crop_width_px=crop.width_px,
            crop_height_px=crop.height_px,
        )
        with self._lock:
            sequence = self._sequence.take()
        context = alert_context(self._fleet, self._device, order.deployment, event_id, sequence)
        sealed = seal_match(fields, crop.jpeg, order.room_seal_key_hex, context)
        document = AlertDocument(
            type="alert",
            event_id=event_id,
            fleet=self._fleet,
            device=self._device,
            deployment=order.deployment,
            sequence=sequence,
            decided_at_utc=utc_text(now),
            sealed=base64.b64encode(sealed).decode(),
        )
        return self._for_outbox(order.alert_retention_h, ALERTS, document, "alert", document.decided_at_utc)

    def record_statistics(self, scope: RecordScope, statistics: Statistics, entries: int) -> wire.Publish:
        """The deployment's closing statistics, signed."""
        now = self._clock.now_utc()
        with self._lock:
            sequence = self._sequence.take()
        document = RecordDocument(
            type="record",
            event_id=new_event_id(now),
            fleet=self._fleet,
            device=self._device,
            deployment=scope.deployment,
            sequence=sequence,
            made_at_utc=utc_text(now),
            kind="deployment_statistics",
            statistics=statistics,
            pack_sha256=scope.pack_sha256,
            watchlist_sha256=scope.watchlist_sha256,
            watchlist_entries=entries,
            software_version=__version__,
        )
        return self._for_outbox(scope.retention_h, RECORDS, document, "record", document.made_at_utc)

    def deletion_receipt(
        self, scope: RecordScope, because: ClosedBecause, vision: VisionDeleted, link: LinkDeleted | None
    ) -> wire.Publish:
        """What this half destroyed, and apart from it what the other half reports, signed (RECORDS.md 2)."""
        now = self._clock.now_utc()
        with self._lock:
            sequence = self._sequence.take()
        document = DeletionReceipt(
            type="record",
            kind="deletion_receipt",
            event_id=new_event_id(now),
            fleet=self._fleet,
            device=self._device,
            deployment=scope.deployment,
            sequence=sequence,
            made_at_utc=utc_text(now),
            software_version=__version__,
            closed_because=because,
            vision=vision,
            link=link,
            not_covered=["broker", "flash_remanence"],
        )
        return self._for_outbox(scope.retention_h, RECORDS, document, "record", document.made_at_utc)

    def announce_stock(self, stock: KeyStock) -> bytes:
        """The signed event with the public halves of this box's unused keys (RECORDS.md 1)."""
        return self._wrap(stock, new_event_id(self._clock.now_utc()), "keys", stock.made_at_utc)

    def beat(self, health: HealthDocument) -> wire.Health:
        """A signed heartbeat."""
        event_id = new_event_id(self._clock.now_utc())
        return wire.Health(self._wrap(health, event_id, "health", health.made_at_utc))

    def _for_outbox(
        self,
        retention_h: float,
        channel: str,
        document: AlertDocument | RecordDocument | DeletionReceipt,
        kind: str,
        time_utc: str,
    ) -> wire.Publish:
        expires = self._clock.now_utc() + timedelta(hours=retention_h)
        return wire.Publish(
            channel=channel,
            deployment=document.deployment,
            event_id=document.event_id,
            sequence=document.sequence,
            expires_at_utc=utc_text(expires),
            payload=self._wrap(document, document.event_id, kind, time_utc),
        )

    def _wrap(self, document: Document, event_id: str, kind: str, time_utc: str) -> bytes:
        source = f"/lfr/v1/{self._fleet}/devices/{self._device}"
        return wrap(sign(document, [self._key]), event_id, source, kind, time_utc)
