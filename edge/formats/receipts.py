"""The fields of what a van says about its keys and about their end (RECORDS.md)."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import Field, field_validator

from edge.formats.documents import Count, Document, EventId, Hex32, Identifier, UtcText
from edge.formats.orders import Recipient

STOCK_MAX = 64
Step = Literal[
    "camera_closed",
    "gallery_overwritten",
    "key_destroyed",
    "statistics_recorded",
    "files_deleted",
    "mirror_deleted",
    "receipt_recorded",
]
STEPS: tuple[Step, ...] = get_args(Step)
"""Of a close, in their order (RECORDS.md 3)."""

ClosedBecause = Literal["order_end", "boot_time", "close", "fleet_time", "camera_end", "operator"]
KeyStoreKind = Literal["tpm-nv", "file"]


class StockedKey(Document):
    """One unused one-deployment key."""

    recipient: Recipient
    public_hex: Hex32


class KeyStock(Document):
    """All unused keys of a van."""

    type: Literal["key_stock"]
    fleet: Identifier
    device: Identifier
    number: Count
    made_at_utc: UtcText
    keys: Annotated[list[StockedKey], Field(max_length=STOCK_MAX)]

    @field_validator("keys")
    @classmethod
    def _once(cls, value: list[StockedKey]) -> list[StockedKey]:
        if len({key.recipient for key in value}) != len(value):
            raise ValueError("a recipient is there twice")
        return value


class StepDone(Document):
    """When a step of the close was done."""

    step: Step
    done_at_utc: UtcText


class VisionDeleted(Document):
    """What vision destroyed itself."""

    entries_overwritten: Count
    bytes_overwritten: Count
    recipient_destroyed: Recipient
    key_store: KeyStoreKind
    files_deleted: Count
    steps: Annotated[list[StepDone], Field(max_length=len(STEPS))]


class LinkDeleted(Document):
    """What link says that it deleted."""

    files_deleted: Count
    bytes_deleted: Count
    reported_at_utc: UtcText


class DeletionReceipt(Document):
    """A deployment's last record."""

    type: Literal["record"]
    kind: Literal["deletion_receipt"]
    event_id: EventId
    fleet: Identifier
    device: Identifier
    deployment: Identifier
    sequence: Count
    made_at_utc: UtcText
    software_version: str
    closed_because: ClosedBecause
    vision: VisionDeleted
    link: LinkDeleted | None
    not_covered: list[Literal["broker", "flash_remanence"]]
