"""A message from the broker, verified: whose it is, that the topic is its own, and what it says. No I/O."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from control_room.errors import MessageOutOfPlace
from control_room.printable import printable
from edge.clock import parse_utc
from edge.errors import DocumentInvalid, DocumentTooLarge, SignatureInvalid
from edge.formats.documents import AlertDocument, HealthDocument, RecordDocument
from edge.formats.receipts import DeletionReceipt
from edge.formats.topics import ALERTS, HEALTH, RECORDS, STATE, device_of, device_topic
from edge.trust.documents import canonical, document_sha256, parse_strict
from edge.trust.envelope import unwrap

STATE_MAX_BYTES = 1024

Record = RecordDocument | DeletionReceipt
Event = AlertDocument | Record
Signed = Event | HealthDocument

_CHANNELS = (ALERTS, RECORDS, HEALTH)


@dataclass(frozen=True)
class DeviceState:
    """What a van, or the broker in its name (last will), says of its state: unsigned, shown, trusted for nothing."""

    device: str
    state: str


class Reader:
    """Knows the vans' keys, and reads what comes on their topics."""

    def __init__(self, fleet: str, device_keys: Mapping[str, str]) -> None:
        self._fleet = fleet
        self._keys = dict(device_keys)

    def read(self, topic: str, payload: bytes) -> Signed | DeviceState:
        """The verified document in a message, or the state it announces.

        Raises: MessageOutOfPlace, DocumentTooLarge, DocumentInvalid, SignatureInvalid.
        """
        device, channel = self._place(topic)
        if channel == STATE:
            return DeviceState(device, _state_in(payload))
        document = unwrap(payload, _kind_of(channel, payload), {self._keys[device]})
        if document.device != device:
            raise MessageOutOfPlace(f"signed as {document.device}, sent on the topic of {device}")
        if document.fleet != self._fleet:
            raise MessageOutOfPlace(f"of fleet {document.fleet}, this room serves {self._fleet}")
        try:
            parse_utc(made_at_utc(document))
        except ValueError:
            raise DocumentInvalid(f"{made_at_utc(document)} is no time") from None
        return document

    def _place(self, topic: str) -> tuple[str, str]:
        try:
            device = device_of(topic)
        except ValueError:
            raise MessageOutOfPlace("no device topic") from None
        channel = topic.rsplit("/", 1)[1]
        if topic != device_topic(self._fleet, device, channel) or channel not in (*_CHANNELS, STATE):
            raise MessageOutOfPlace("no topic this room reads")
        if device not in self._keys:
            raise SignatureInvalid(f"{printable(device, 48)} is no van of this room")
        return device, channel


def _kind_of(channel: str, payload: bytes) -> type[Signed]:
    """Which fields to expect. A record names its kind itself, which is believed once all of it was verified as such.

    Raises: DocumentTooLarge, DocumentInvalid.
    """
    if channel != RECORDS:
        return AlertDocument if channel == ALERTS else HealthDocument
    try:
        kind = parse_strict(payload)["data"]["signed"]["kind"]
    except (TypeError, LookupError):
        return RecordDocument
    return DeletionReceipt if kind == "deletion_receipt" else RecordDocument


def made_at_utc(document: Signed) -> str:
    """When the van says it made the document."""
    return document.decided_at_utc if isinstance(document, AlertDocument) else document.made_at_utc


def signed_sha256(document: Signed) -> str:
    """What makes two documents the same: all of the signed part, and nothing around it."""
    return document_sha256(canonical(document.model_dump(mode="json")))


def _state_in(payload: bytes) -> str:
    if len(payload) > STATE_MAX_BYTES:
        raise DocumentTooLarge(f"state of {len(payload)} bytes, at most {STATE_MAX_BYTES}")
    try:
        value = json.loads(payload.decode("utf-8"))
    except (ValueError, RecursionError):
        raise DocumentInvalid("state is no JSON") from None
    state = value.get("state") if isinstance(value, dict) else None
    if not isinstance(state, str) or not state:
        raise DocumentInvalid("state message without a text `state`")
    return printable(state, 40)
