"""The fields of our signed documents: alert, record, health, receipt; orders and lists have rooms of their own.

Each is the `signed` part of `{"signed": …, "signatures": […]}` over RFC 8785 canonical JSON; on the wire
that object is the `data` of a CloudEvent. `edge/trust/documents.py` reads and writes them.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from edge.formats.categories import Category, Response
from edge.formats.topics import ID_PATTERN

Identifier = Annotated[str, Field(pattern=ID_PATTERN)]
Hex32 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
UtcText = Annotated[str, Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z$")]
EventId = Annotated[str, Field(pattern=r"^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$")]
EntryId = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
Base64Text = Annotated[str, Field(pattern=r"^[A-Za-z0-9+/]*={0,2}$")]
Count = Annotated[int, Field(ge=0, lt=2**53)]
Similarity = Annotated[float, Field(ge=-1, le=1)]
ThresholdBackend = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._+-]{0,47}/(int8|float32)$")]
Milliseconds = Annotated[float, Field(ge=0, lt=1e12)]
"""Far below 2^53: RFC 8785 writes larger whole numbers as integers that a reader must refuse."""


ONCE = {"uniqueItems": True}
"""For JSON Schema: no item twice; a validator of the field holds it here."""


class Document(BaseModel):
    """Strict: unknown fields, coerced types and non-finite numbers are refused."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class AlertDocument(Document):
    """An alert's outside: nothing here tells a broker whom a van met."""

    type: Literal["alert"]
    event_id: EventId
    fleet: Identifier
    device: Identifier
    deployment: Identifier
    sequence: Count
    decided_at_utc: UtcText
    sealed: Base64Text


class FacePlace(Document):
    """Where the matched face was in its frame, px."""

    left: Annotated[float, Field(ge=-10_000, le=100_000)]
    top: Annotated[float, Field(ge=-10_000, le=100_000)]
    width: Annotated[float, Field(gt=0, le=100_000)]
    height: Annotated[float, Field(gt=0, le=100_000)]


class SealedMatch(Document):
    """The inside of an alert, beside the crop's JPEG bytes (ALERT.md). taken_s: on the camera's own time line.

    category, response: as the entry has them, None from a van whose list does not say.
    """

    entry_id: EntryId
    category: Category | None = None
    response: Response | None = None
    similarity: Similarity
    threshold: Similarity
    frames_fused: Annotated[int, Field(ge=1, le=1000)]
    frame_id: Count
    taken_s: Annotated[float, Field(ge=0, lt=1e9)]
    face_px: FacePlace
    stage_ms: dict[str, Milliseconds]
    crop_width_px: Annotated[int, Field(ge=1, le=4096)]
    crop_height_px: Annotated[int, Field(ge=1, le=4096)]


class LatencySummary(Document):
    """Milliseconds from the deciding frame's capture to the outbox commit."""

    count: Count
    p50: Milliseconds | None
    p99: Milliseconds | None


class Statistics(Document):
    """Counts of one deployment, without per-person data."""

    frames_read: Count
    frames_processed: Count
    frames_dropped: dict[str, Count]
    faces_seen: Count
    faces_compared: Count
    faces_withheld: dict[str, Count]
    alerts: Count
    alerts_not_stored: Count = 0
    camera_faults: dict[str, Count]
    latency_ms: LatencySummary


class RecordDocument(Document):
    """A signed fact about the box: here, a deployment's closing statistics."""

    type: Literal["record"]
    event_id: EventId
    fleet: Identifier
    device: Identifier
    deployment: Identifier
    sequence: Count
    made_at_utc: UtcText
    kind: Literal["deployment_statistics"]
    statistics: Statistics
    pack_sha256: Hex32
    watchlist_sha256: Hex32
    watchlist_entries: Count
    software_version: str


class HealthDocument(Document):
    """The signed heartbeat: `last_sequence` makes silence and gaps visible (RECORDS.md 4).

    watchlist_epoch, watchlist_sequence: the list in force, since in_force_since_utc. repository_error: why nothing
    newer can be had, empty when all is well. command_number: the highest obeyed; command_refused: why the last was not.
    """

    type: Literal["health"]
    fleet: Identifier
    device: Identifier
    deployment: Identifier | None
    session: Identifier
    beat: Count
    made_at_utc: UtcText
    state: str
    last_sequence: Count
    frames_per_s: Annotated[float, Field(ge=0, lt=1e6)]
    camera: str
    camera_retries: Count
    statistics: Statistics | None
    outbox_queued: Count
    outbox_expired: Count
    order_version: Count | None = None
    watchlist_epoch: Count | None = None
    watchlist_sequence: Count | None = None
    in_force_since_utc: UtcText | None = None
    suspended_because: str | None = None
    repository_error: str = ""
    command_number: Count | None = None
    command_refused: str = ""


class ReceiptDocument(Document):
    """The room's word that it has received and stored these events; only this ends outbox rows."""

    type: Literal["receipt"]
    fleet: Identifier
    device: Identifier
    received: Annotated[list[EventId], Field(min_length=1, max_length=500)]
    made_at_utc: UtcText
