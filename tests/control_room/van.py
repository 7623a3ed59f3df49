"""A van for the room's tests: signs and seals with the product's own code, as `edge/vision/seal.py` does."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from PIL import Image, ImageDraw

from control_room.config import RoomSettings
from control_room.opened import OpenedAlert
from control_room.room import Room
from control_room.saved import SavedFolder
from control_room.store import Store
from edge.clock import utc_text
from edge.config_file import BrokerSettings
from edge.evidence.event_ids import EventIds
from edge.formats.bundle import BundlePerson
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
from edge.formats.topics import ALERTS, HEALTH, RECORDS, device_topic
from edge.trust.documents import public_hex, sign
from edge.trust.envelope import unwrap, wrap
from edge.trust.keys import seal_public_hex
from edge.trust.sealing import alert_context, seal_match
from provisioning.room_bundle import bundle_head, write_bundle

FLEET = "test-fleet"
DEPLOYMENT = "deployment-1"
ENTRY_IDS = tuple(f"{number:032x}" for number in range(1, 4))
REFERENCES = tuple(f"entry {number}" for number in range(1, 4))
NOON = datetime(2026, 3, 1, 12, 0, tzinfo=timezone.utc)


class SetClock:
    """A clock that only moves when told."""

    def __init__(self) -> None:
        self.utc = NOON
        self.s = 1000.0

    def monotonic_s(self) -> float:
        return self.s

    def now_utc(self) -> datetime:
        return self.utc

    def advance(self, seconds: float) -> None:
        self.utc += timedelta(seconds=seconds)
        self.s += seconds


def face_jpeg(width_px: int = 96, height_px: int = 112, tint: int = 0) -> bytes:
    """A drawn face."""
    picture = Image.new("RGB", (width_px, height_px), (70 + tint, 110, 150))
    draw = ImageDraw.Draw(picture)
    w, h = width_px, height_px
    draw.ellipse((w * 0.18, h * 0.1, w * 0.82, h * 0.95), fill=(222, 184 - tint, 150))
    for x in (0.37, 0.63):
        draw.ellipse((w * (x - 0.06), h * 0.4, w * (x + 0.06), h * 0.47), fill=(30, 30, 40))
    draw.line((w * 0.5, h * 0.48, w * 0.47, h * 0.64, w * 0.53, h * 0.64), fill=(150, 110, 90), width=2)
    draw.arc((w * 0.36, h * 0.62, w * 0.64, h * 0.82), 15, 165, fill=(150, 50, 60), width=3)
    stream = io.BytesIO()
    picture.save(stream, "JPEG", quality=85)
    return stream.getvalue()


NO_COUNTS = Statistics(
    frames_read=10,
    frames_processed=9,
    frames_dropped={"detect": 1},
    faces_seen=4,
    faces_compared=3,
    faces_withheld={},
    alerts=1,
    camera_faults={},
    latency_ms=LatencySummary(count=0, p50=None, p99=None),
)


@dataclass
class Van:
    """One device: numbers, seals, signs."""

    room_seal_hex: str
    device: str = "van-1"
    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    clock: SetClock = field(default_factory=SetClock)
    sequence: int = 0
    beat: int = 0
    session: str = "s1"
    ids: EventIds = field(default_factory=EventIds)

    @property
    def public_hex(self) -> str:
        return public_hex(self.key)

    def topic(self, channel: str) -> str:
        return device_topic(FLEET, self.device, channel)

    def alert_document(
        self,
        entry_id: str = ENTRY_IDS[0],
        jpeg: bytes | None = None,
        crop_size_px: tuple[int, int] = (96, 112),
        seal_to_hex: str | None = None,
        sequence: int | None = None,
        event_id: str | None = None,
        **changes: object,
    ) -> AlertDocument:
        if sequence is None:
            self.sequence += 1
            sequence = self.sequence
        event_id = event_id or self.ids.next(self.clock.now_utc())
        match = SealedMatch(
            entry_id=entry_id,
            similarity=0.7125,
            threshold=0.55,
            frames_fused=3,
            frame_id=77,
            taken_s=5.16,
            face_px=FacePlace(left=100, top=50, width=80, height=90),
            stage_ms={"detect": 9.0, "embed": 18.5, "search": 19.0, "seal": 21.25},
            crop_width_px=crop_size_px[0],
            crop_height_px=crop_size_px[1],
        ).model_copy(update={name: value for name, value in changes.items() if name in SealedMatch.model_fields})
        outside = {name: value for name, value in changes.items() if name in AlertDocument.model_fields}
        device = str(outside.get("device", self.device))
        context = alert_context(FLEET, device, DEPLOYMENT, event_id, sequence)
        sealed = seal_match(match, face_jpeg() if jpeg is None else jpeg, seal_to_hex or self.room_seal_hex, context)
        return AlertDocument(
            type="alert",
            event_id=event_id,
            fleet=FLEET,
            device=self.device,
            deployment=DEPLOYMENT,
            sequence=sequence,
            decided_at_utc=utc_text(self.clock.now_utc()),
            sealed=base64.b64encode(sealed).decode(),
        ).model_copy(update=outside)

    def event(self, document: Document, kind: str, key: Ed25519PrivateKey | None = None) -> bytes:
        event_id = getattr(document, "event_id", None) or self.ids.next(self.clock.now_utc())
        source = f"/lfr/v1/{FLEET}/devices/{self.device}"
        return wrap(sign(document, [key or self.key]), event_id, source, kind, utc_text(self.clock.now_utc()))

    def alert(self, **changes: object) -> tuple[str, bytes]:
        return self.topic(ALERTS), self.event(self.alert_document(**changes), "alert")  # type: ignore[arg-type]

    def record(self) -> tuple[str, bytes]:
        self.sequence += 1
        document = RecordDocument(
            type="record",
            event_id=self.ids.next(self.clock.now_utc()),
            fleet=FLEET,
            device=self.device,
            deployment=DEPLOYMENT,
            sequence=self.sequence,
            made_at_utc=utc_text(self.clock.now_utc()),
            kind="deployment_statistics",
            statistics=NO_COUNTS,
            pack_sha256="0" * 64,
            watchlist_sha256="1" * 64,
            watchlist_entries=3,
            software_version="0.1.0",
        )
        return self.topic(RECORDS), self.event(document, "record")

    def heartbeat(self, last_sequence: int | None = None) -> tuple[str, bytes]:
        self.beat += 1
        document = HealthDocument(
            type="health",
            fleet=FLEET,
            device=self.device,
            deployment=DEPLOYMENT,
            session=self.session,
            beat=self.beat,
            made_at_utc=utc_text(self.clock.now_utc()),
            state="watching",
            last_sequence=self.sequence if last_sequence is None else last_sequence,
            frames_per_s=15.0,
            camera="clip",
            camera_retries=0,
            statistics=None,
            outbox_queued=0,
            outbox_expired=0,
        )
        return self.topic(HEALTH), self.event(document, "health")


class Noted:
    """A screen that keeps what it was shown."""

    def __init__(self) -> None:
        self.alerts: list[tuple[OpenedAlert, bool]] = []
        self.notices: list[tuple[str, str]] = []

    def alert(self, alert: OpenedAlert, perhaps_shown: bool) -> None:
        self.alerts.append((alert, perhaps_shown))

    def notice(self, kind: str, text: str) -> None:
        self.notices.append((kind, text))

    def of(self, kind: str) -> list[str]:
        return [text for each, text in self.notices if each == kind]


class Bench:
    """A room without a broker, on a folder, that can be dropped as by a kill and made again."""

    def __init__(self, folder: Path, device: str = "van-1", save: bool = True) -> None:
        self.folder = folder
        self.clock = SetClock()
        self.seal_key = X25519PrivateKey.generate()
        self.receipt_key = Ed25519PrivateKey.generate()
        self.van = Van(seal_public_hex(self.seal_key), device, clock=self.clock)
        self.other = Van(seal_public_hex(self.seal_key), "van-2", clock=self.clock)
        self.save = save
        self.bundle = folder / "bundle" / f"{DEPLOYMENT}.bundle"
        self.screen = Noted()
        write_room_bundle(self.bundle, self.van.room_seal_hex)
        self.settings = RoomSettings(
            fleet=FLEET,
            state_dir=folder,
            bundle_dir=folder / "bundle",
            receipt_key_file=folder / "receipt.key",
            seal_key_file=folder / "seal.key",
            devices={van.device: van.public_hex for van in (self.van, self.other)},
            broker=BrokerSettings(
                host="localhost", port=1, ca_file=folder / "ca", cert_file=folder / "cert", key_file=folder / "key"
            ),
        )
        self.start()

    def start(self) -> None:
        self.screen = Noted()
        self.store = Store(self.folder / "room.sqlite")
        saved = SavedFolder(self.folder / "saved") if self.save else None
        self.room = Room(self.settings, self.receipt_key, self.seal_key, self.store, self.screen, saved, self.clock)
        self.room.tick(connected=True)

    def kill(self) -> None:
        """What a kill leaves: everything not committed is gone."""
        self.store._db.rollback()
        self.store._db.close()

    def take(self, *messages: tuple[str, bytes]) -> list[ReceiptDocument]:
        """Take messages and settle; the receipts, verified as a van verifies them."""
        for topic, payload in messages:
            self.room.take(topic, payload)
        return [self.receipt(payload) for _, payload in self.room.settle()]

    def receipt(self, payload: bytes) -> ReceiptDocument:
        return unwrap(payload, ReceiptDocument, {public_hex(self.receipt_key)})

    def show(self) -> None:
        while self.room.show_waiting(10):
            pass

    def saved_alerts(self) -> list[dict]:
        return [json.loads(line) for line in (self.folder / "saved/alerts.jsonl").read_text().splitlines()]

    @contextmanager
    def refuses_all(self) -> Iterator[None]:
        """What happens inside shows nothing, receipts nothing, and is counted."""
        shown = len(self.screen.alerts)
        refused = self.room._refusals.total
        yield
        self.show()
        assert len(self.screen.alerts) == shown
        assert self.room._refusals.total > refused


def bundled(number: int, **changes: object) -> tuple[BundlePerson, bytes]:
    """An entry of the room's bundle and its photograph."""
    jpeg = face_jpeg(200, 240, tint=40 * number)
    fields = {
        "entry_id": ENTRY_IDS[number],
        "reference": REFERENCES[number],
        "name": None,
        "category": "wanted",
        "response": "amber",
        "reason": "failed to appear",
        "lawful_basis": "warrant",
        "image_source": "custody",
        "image_taken": "2024-11-30",
        "under_18": False,
        "under_18_rationale": None,
        "photograph_bytes": len(jpeg),
    }
    return BundlePerson.model_validate({**fields, **changes}), jpeg


def write_room_bundle(
    path: Path,
    room_seal_hex: str,
    entries: Sequence[tuple[BundlePerson, bytes]] | None = None,
    deployment: str = DEPLOYMENT,
    part: int = 0,
    not_after: datetime = NOON + timedelta(days=2),
    fleet: str = FLEET,
) -> str:
    """A bundle of all three entries, or of others; its fingerprint."""
    entries = [bundled(number) for number in range(len(ENTRY_IDS))] if entries is None else entries
    path.parent.mkdir(parents=True, exist_ok=True)
    head = bundle_head(fleet, deployment, part, len(entries), utc_text(not_after))
    return write_bundle(path, head, [each for each, _ in entries], [jpeg for _, jpeg in entries], room_seal_hex)
