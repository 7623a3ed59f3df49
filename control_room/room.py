"""The room: takes messages, stores and receipts events, shows each once, and says what is missing.

It does no networking: `take` is given what came, `settle` gives what is to be sent. In this order, so that
a kill at any moment loses nothing: verify, store, receipt, mark as being shown, save, show, mark as shown.
"""

from __future__ import annotations

import uuid
from datetime import timedelta

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from control_room.bundle import BundleFolder
from control_room.config import RoomSettings
from control_room.deletion import in_words
from control_room.errors import StoreUnusable
from control_room.incoming import DeviceState, Event, Reader, Record, made_at_utc, signed_sha256
from control_room.news import news
from control_room.opened import open_alert
from control_room.present import Screen
from control_room.refusals import Refusals
from control_room.saved import SavedFolder
from control_room.sequences import Gap, Sequences, Stream
from control_room.store import Added, Store, StoredEvent
from control_room.vans import Vans
from edge.clock import Clock, utc_text
from edge.errors import LfrError
from edge.formats.documents import AlertDocument, HealthDocument, ReceiptDocument
from edge.formats.receipts import DeletionReceipt
from edge.formats.topics import ALERTS, RECEIPTS, RECORDS, device_topic
from edge.trust.documents import sign
from edge.trust.envelope import wrap

RECEIPT_MAX_IDS = 500
FORGET_AFTER_H = 31 * 24
"""An event's id and sequence are kept this long after its content is gone."""

_GAPS_LISTED = 4
_EXPIRE_EVERY_S = 60.0


class Room:
    """One room on one store."""

    def __init__(
        self,
        settings: RoomSettings,
        receipt_key: Ed25519PrivateKey,
        seal_key: X25519PrivateKey,
        store: Store,
        screen: Screen,
        saved: SavedFolder | None,
        clock: Clock,
    ) -> None:
        self._settings = settings
        self._receipt_key = receipt_key
        self._seal_key = seal_key
        self._store = store
        self._screen = screen
        self._saved = saved
        self._clock = clock
        self._reader = Reader(settings.fleet, settings.devices)
        self._bundle = BundleFolder(settings.bundle_dir, settings.fleet, seal_key, clock)
        self._refusals = Refusals()
        self._refusals_saved = 0
        self._sequences = Sequences(store.floors())
        self._announced: dict[Stream, tuple[Gap, ...]] = {}
        self._touched: set[Stream] = set()
        self._to_receipt: dict[str, dict[str, None]] = {}
        self._expired_at_s: float | None = None
        self._vans = Vans(settings.devices, settings.heartbeat_interval_s, store.heartbeats(), clock.monotonic_s())
        self._last_beat: dict[str, HealthDocument] = {}
        self._shown = {ALERTS: 0, RECORDS: 0}
        self._received = 0
        self._again = 0
        for device, deployment, sequence in store.sequences():
            self._sequences.arrived((device, deployment), sequence)
            self._touched.add((device, deployment))

    # Taking

    def take(self, topic: str, payload: bytes) -> None:
        """Take a message in; one that is refused is counted and shown. Raises: StoreUnusable."""
        try:
            document = self._reader.read(topic, payload)
            if isinstance(document, DeviceState):
                self._take_state(document)
            elif isinstance(document, HealthDocument):
                self._take_heartbeat(document)
            else:
                self._take_event(document, payload)
        except StoreUnusable:
            raise
        except LfrError as error:
            self.refuse(topic, str(error))

    def refuse(self, topic: str, why: str, count: int = 1) -> None:
        """Count a refusal, and show it when it is new or has become a flood."""
        refusal = self._refusals.add(topic, why, count)
        if refusal.worth_a_line:
            times = "" if refusal.count == 1 else f" ({refusal.count} times)"
            self._screen.notice("refused", f"{refusal.topic}: {refusal.why}{times}")

    def _take_state(self, announced: DeviceState) -> None:
        if self._vans.state(announced.device, announced.state):
            meaning = " (the broker lost its connection)" if announced.state == "lost" else ""
            self._screen.notice("state", f"{announced.device}: {announced.state}{meaning}")

    def _take_heartbeat(self, document: HealthDocument) -> None:
        mark, was_silent_s = self._vans.heartbeat(document, self._clock.monotonic_s())
        self._store.set_heartbeat(document.device, mark)
        if was_silent_s is not None:
            self._screen.notice("heartbeat", f"{document.device}: heard again after {was_silent_s:.0f} s")
        for kind, text in news(self._last_beat.get(document.device), document):
            self._screen.notice(kind, text)
        self._last_beat[document.device] = document
        if document.deployment is not None:
            stream = (document.device, document.deployment)
            self._sequences.heartbeat(stream, document.last_sequence)
            self._touched.add(stream)
        if self._saved is not None:
            self._saved.set_health(document)

    def _take_event(self, document: Event, payload: bytes) -> None:
        row = StoredEvent(
            event_id=document.event_id,
            channel=ALERTS if isinstance(document, AlertDocument) else RECORDS,
            device=document.device,
            deployment=document.deployment,
            sequence=document.sequence,
            sha256=signed_sha256(document),
            made_at_utc=made_at_utc(document),
            received_at_utc=utc_text(self._clock.now_utc()),
            event=payload,
        )
        added = self._store.add(row)
        self._to_receipt.setdefault(row.device, {})[row.event_id] = None
        if added is Added.KNOWN:
            self._again += 1
            return
        self._received += 1
        self._sequences.arrived((row.device, row.deployment), row.sequence)
        self._touched.add((row.device, row.deployment))
        if len(self._store.with_sequence(row.device, row.deployment, row.sequence)) > 1:
            topic = device_topic(self._settings.fleet, row.device, row.channel)
            self.refuse(topic, f"sequence {row.sequence} of {row.deployment} is used by two events; both are kept")

    # Answering

    @property
    def owes_receipts(self) -> bool:
        """True when events were taken that `settle` has not made durable yet."""
        return bool(self._to_receipt)

    def settle(self) -> list[tuple[str, bytes]]:
        """Make what was taken durable; the receipts that may now be sent, as topics and payloads.

        Raises: StoreUnusable.
        """
        self._store.commit()
        messages = []
        for device, ids in self._to_receipt.items():
            received = list(ids)
            for start in range(0, len(received), RECEIPT_MAX_IDS):
                messages.append(self._receipt(device, received[start : start + RECEIPT_MAX_IDS]))
        self._to_receipt.clear()
        self._tell_gaps()
        return messages

    def _receipt(self, device: str, received: list[str]) -> tuple[str, bytes]:
        now = utc_text(self._clock.now_utc())
        fleet = self._settings.fleet
        receipt = ReceiptDocument(type="receipt", fleet=fleet, device=device, received=received, made_at_utc=now)
        signed = sign(receipt, [self._receipt_key])
        event = wrap(signed, str(uuid.uuid4()), f"/lfr/v1/{fleet}/room", "receipt", now)
        return device_topic(fleet, device, RECEIPTS), event

    def _tell_gaps(self) -> None:
        for stream in sorted(self._touched):
            gaps = self._sequences.gaps(stream)
            before = self._announced.get(stream, ())
            fresh = [gap for gap in gaps if gap not in before]
            name = f"{stream[0]}, {stream[1]}"
            for gap in fresh[:_GAPS_LISTED]:
                self._screen.notice("gap", f"{name}: {gap}")
            if len(fresh) > _GAPS_LISTED:
                self._screen.notice("gap", f"{name}: and {len(fresh) - _GAPS_LISTED} gaps more")
            if before and not gaps:
                self._screen.notice("gap", f"{name}: nothing is missing any more")
            self._announced[stream] = gaps
        self._touched.clear()

    # Showing

    def show_waiting(self, limit: int) -> int:
        """Show up to limit events that wait to be shown; how many there were. Raises: StoreUnusable."""
        rows = self._store.waiting(limit)
        for row in rows:
            topic = device_topic(self._settings.fleet, row.device, row.channel)
            try:
                document = self._reader.read(topic, row.event)
                if isinstance(document, AlertDocument):
                    self._show_alert(document, row, topic)
                elif isinstance(document, Record):
                    self._show_record(document, row)
            except StoreUnusable:
                raise
            except LfrError as error:
                self._store.set_fault(row.event_id, str(error))
                self.refuse(topic, f"stored, cannot be shown: {error}")
        return len(rows)

    def _show_alert(self, document: AlertDocument, row: StoredEvent, topic: str) -> None:
        alert = open_alert(document, row.received_at_utc, self._seal_key, self._bundle)
        self._store.begin_showing(row.event_id)
        if self._saved is not None:
            self._saved.add_alert(alert)
        self._screen.alert(alert, row.perhaps_shown)
        self._store.end_showing(row.event_id)
        self._shown[ALERTS] += 1
        for fault in alert.faults:
            self.refuse(topic, fault)

    def _show_record(self, document: Record, row: StoredEvent) -> None:
        if self._saved is not None:
            self._saved.add_record(document, row.event)
        if isinstance(document, DeletionReceipt):
            for kind, text in in_words(document):
                self._screen.notice(kind, text)
        else:
            counts = document.statistics
            self._screen.notice(
                "record",
                f"{document.device}, {document.deployment}: {counts.faces_seen} faces seen, {counts.alerts} alerts, "
                f"{counts.frames_processed} of {counts.frames_read} frames processed",
            )
        self._store.end_showing(row.event_id)
        self._shown[RECORDS] += 1

    # Keeping house

    def tick(self, connected: bool) -> None:
        """What is due by time: a changed or ended bundle, silence, retention. Raises: StoreUnusable."""
        for text in self._bundle.refresh():
            self._screen.notice("bundle", text)
        now_s = self._clock.monotonic_s()
        if connected:
            for device, quiet_s, state in self._vans.newly_silent(now_s):
                says = f" (its last state: {state})" if state else ""
                self._screen.notice("heartbeat", f"{device}: silent, no heartbeat for {quiet_s:.0f} s{says}")
        if self._expired_at_s is None or now_s - self._expired_at_s >= _EXPIRE_EVERY_S:
            self._expired_at_s = now_s
            self._expire()
        if self._saved is not None and self._refusals.total != self._refusals_saved:
            self._refusals_saved = self._refusals.total
            self._saved.set_refused(self._refusals.all())

    def listen_again(self) -> None:
        """The connection is new: silence is counted from now."""
        self._vans.listen_again(self._clock.monotonic_s())

    def tally(self) -> str:
        """What this run came to, in one line."""
        missing = sum(gap.last - gap.first + 1 for gaps in self._announced.values() for gap in gaps)
        return (
            f"{self._received} events received, {self._again} received again, {self._shown[ALERTS]} alerts and "
            f"{self._shown[RECORDS]} records shown, {self._refusals.total} refused, {missing} missing"
        )

    def _expire(self) -> None:
        now = self._clock.now_utc()
        before = now - timedelta(hours=self._settings.retention_h)
        rows, unseen = self._store.expire(utc_text(before), utc_text(now - timedelta(hours=FORGET_AFTER_H)))
        crops = 0 if self._saved is None else self._saved.expire(before)
        if rows or crops:
            never = f", {unseen} of them never shown" if unseen else ""
            self._screen.notice(
                "retention", f"{rows} events{never} and {crops} crops past {self._settings.retention_h:g} h deleted"
            )
