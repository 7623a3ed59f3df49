"""What link does with each event: documents to the outbox and out, receipts in, state and health onward.

No threads and no sockets here: events come in through `handle`, time through `tick`.
"""

from __future__ import annotations

import logging
import re
from dataclasses import asdict
from typing import Protocol

from edge import wire
from edge.clock import Clock, parse_utc, utc_text
from edge.config import Settings
from edge.errors import OutboxFull, PeerGone, ReceiptRefused, WireError
from edge.formats.topics import COMMANDS, HEALTH, ID_PATTERN, OUTBOX_CHANNELS, RECEIPTS, device_topic
from edge.link import inbox
from edge.link.commands import Commands
from edge.link.kept_files import KeptFiles
from edge.link.latest import Latest
from edge.link.leaving import Leaving
from edge.link.mirror import Mirror
from edge.link.outbox import Outbox, Row
from edge.link.rate import RateLimit
from edge.link.receipts import read_receipt
from edge.link.retained import Retained
from edge.link.state import CLOSED, VISION_GONE
from edge.link.status import LinkReport
from edge.link.stick import Stick

WINDOW = 20
"""Rows on their way without a PUBACK: the receive maximum of mosquitto and of managed brokers."""
EXPIRY_INTERVAL_S = 1.0
REFUSED_WAIT_S = 5.0
"""After refusing a document for want of room: how long until vision is made to tell everything again."""

_EVENT_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
_KEY_HEX = re.compile(r"[0-9a-f]{64}")

log = logging.getLogger("lfr.link.courier")


class Connection(Protocol):
    """The broker, as the courier sees it."""

    def publish(self, topic: str, payload: bytes, retained_s: int = 0, /) -> int | None: ...

    def subscribe(self, topic: str) -> int | None: ...

    def unsubscribe(self, topic: str) -> None: ...


class Courier:
    """Carries; opens nothing, signs nothing, decides nothing about people."""

    def __init__(
        self, settings: Settings, outbox: Outbox, kept: KeptFiles, connection: Connection, clock: Clock
    ) -> None:
        self._device, self._fleet = settings.device.id, settings.device.fleet
        self._broker = f"{settings.broker.host}:{settings.broker.port}"
        self._outbox = outbox
        self._connection = connection
        self._clock = clock
        self._kept = kept
        stick = Stick(settings.repository.folder, self._device) if settings.repository.folder else None
        self._mirror = Mirror(
            self._fleet,
            connection,
            self.tell_vision,
            kept,
            RateLimit(settings.repository.rate_bytes_per_s, clock),
            settings.repository.start_jitter_s,
            clock,
            stick,
        )
        self._commands = Commands(self.tell_vision)
        self._leaving = Leaving(stick, outbox, clock) if stick else None
        self._retained = Retained(self._fleet, self._device, connection.publish, clock)
        self._health_slot = Latest(lambda payload: connection.publish(self._topic(HEALTH), payload))
        self._vision: wire.Pipe | None = None
        self._in_flight: dict[int, str] = {}
        self._session_seq = 0
        self._connected = False
        self._since_utc = utc_text(clock.now_utc())
        self._last_error = ""
        self._documents_refused = self._receipts_refused = self._receipts_repeated = self._publishes_refused = 0
        self._refused_at_s: float | None = None
        self._expiry_at_s = 0.0
        self.heard_at_s = clock.monotonic_s()

    def handle(self, event: inbox.Event) -> None:
        """Take one event of the inbox."""
        match event:
            case inbox.Connected():
                self._on_connected(event.session_seq)
            case inbox.Disconnected():
                self._on_disconnected(event.why)
            case inbox.Acknowledged():
                self._on_acknowledged(event)
            case inbox.SubscriptionRefused():
                self._mirror.on_refused(event.message_id, event.why)
            case inbox.Received():
                self._on_received(event)
            case inbox.VisionAttached():
                log.info("vision attached")
                self._vision = event.pipe
                self._commands.tell_again()
            case inbox.VisionGone():
                self._on_vision_gone(event.why)
            case inbox.FromVision():
                self.heard_at_s = self._clock.monotonic_s()
                self._on_vision(event.message)

    def tick(self) -> None:
        """Send what is due, end what is over."""
        now_s = self._clock.monotonic_s()
        if now_s >= self._expiry_at_s:
            self._expiry_at_s = now_s + EXPIRY_INTERVAL_S
            if ended := self._outbox.expire():
                log.error("%d documents ended by their retention, without a receipt", ended)
        self._mirror.tick()
        self._retained.tick()
        if self._leaving is not None:
            self._leaving.tick(self._retained.stock)
        if self._refused_at_s is not None and now_s >= self._refused_at_s + REFUSED_WAIT_S and not self._outbox.full:
            self._refused_at_s = None
            self.drop_vision("the outbox has room again: vision is to tell everything anew")
        self._send_due()

    def close_state(self) -> None:
        """Say `closed`: from here on no state of vision's replaces it."""
        self._retained.set_state(CLOSED)

    @property
    def state_pending(self) -> bool:
        """Whether the latest state is on its way to the broker."""
        return self._connected and not self._retained.state_delivered

    @property
    def vision_attached(self) -> bool:
        return self._vision is not None

    def report(self, messages_dropped: int) -> LinkReport:
        """How things stand."""
        return LinkReport(
            broker=self._broker,
            connected=self._connected,
            since_utc=self._since_utc,
            session_seq=self._session_seq,
            state=self._retained.state,
            vision_attached=self._vision is not None,
            queued=self._outbox.queued,
            expired=self._outbox.expired,
            documents_refused=self._documents_refused,
            sets_aside=self._outbox.set_aside,
            receipts_refused=self._receipts_refused,
            receipts_repeated=self._receipts_repeated,
            publishes_refused=self._publishes_refused,
            messages_dropped=messages_dropped + self._retained.dropped + self._health_slot.dropped,
            files_kept=self._kept.files,
            bytes_kept=self._kept.bytes,
            files_evicted=self._kept.evicted,
            files_not_kept=self._kept.failed,
            files_waiting=self._mirror.waiting,
            **asdict(self._mirror.counts),
            commands_refused=self._commands.refused,
            stick_errors=self._leaving.errors if self._leaving is not None else 0,
            last_error=self._last_error,
        )

    def tell_vision(self, message: wire.Message) -> None:
        """Send vision a message, if it is there."""
        if self._vision is None:
            return
        try:
            self._vision.send(message)
        except PeerGone as error:
            self.drop_vision(str(error))

    def drop_vision(self, why: str) -> None:
        """Close the pipe; its reader then says that vision is gone, and connects again."""
        if self._vision is not None:
            log.warning("closing the pipe: %s", why)
            self._vision.close()
            self._vision = None

    def _on_connected(self, session_seq: int) -> None:
        self._connected, self._session_seq = True, session_seq
        self._since_utc = utc_text(self._clock.now_utc())
        self._last_error = ""
        self._in_flight.clear()
        # Receipts first: the room may answer a document faster than a later subscription would stand.
        self._connection.subscribe(self._topic(RECEIPTS))
        self._connection.subscribe(self._topic(COMMANDS))
        self._health_slot.reset()
        self._retained.on_connected(session_seq)
        self._mirror.on_connected()
        self._outbox.all_due()

    def _on_disconnected(self, why: str) -> None:
        if self._connected:
            self._since_utc = utc_text(self._clock.now_utc())
        self._connected = False
        self._last_error = why
        self._in_flight.clear()
        self._health_slot.reset()
        self._retained.on_disconnected()
        self._mirror.on_disconnected()

    def _on_acknowledged(self, event: inbox.Acknowledged) -> None:
        if event.refusal is not None:
            self._publishes_refused += 1
            self._last_error = f"the broker refuses what we publish: {event.refusal}"
        if self._retained.on_acknowledged(event.message_id) or self._health_slot.on_acknowledged(event.message_id):
            return
        self._in_flight.pop(event.message_id, None)

    def _on_received(self, event: inbox.Received) -> None:
        if event.topic == self._topic(RECEIPTS):
            self._on_receipt(event.payload)
        elif event.topic == self._topic(COMMANDS):
            self._commands.on_command(event.payload)
        else:
            self._mirror.on_file(event.topic, event.payload)

    def _on_receipt(self, payload: bytes) -> None:
        try:
            receipt = read_receipt(payload, self._fleet, self._device, self._outbox.deployments_by_key())
        except ReceiptRefused as error:
            self._receipts_refused += 1
            if self._receipts_refused <= 10 or self._receipts_refused % 1000 == 0:
                log.warning("%s (%d refused so far)", error, self._receipts_refused)
            return
        ended = self._outbox.settle(receipt.event_ids, receipt.deployments)
        if ended:
            log.info("%d documents received by the room, %d wait", ended, self._outbox.queued)
        else:
            self._receipts_repeated += 1

    def _on_vision_gone(self, why: str) -> None:
        log.warning("vision is gone: %s", why)
        self._vision = None
        self._mirror.forget()
        if self._retained.state != CLOSED:
            self._retained.set_state(VISION_GONE)

    def _on_vision(self, message: wire.Message) -> None:
        try:
            match message:
                case wire.OpenDeployment():
                    self._open_deployment(message)
                case wire.Publish():
                    self._publish(message)
                case wire.Health():
                    if self._connected:
                        self._health_slot.send(message.payload)
                case wire.StateChanged() if self._retained.state != CLOSED:
                    self._retained.set_state(message.state)
                case wire.FetchFile():
                    self._mirror.ask(message)
                case wire.WatchFile():
                    self._mirror.watch(message)
                case wire.DropFiles():
                    self._mirror.drop(message)
                case wire.Announce():
                    self._retained.announce(message.payload)
        except WireError as error:
            log.error("vision: %s", error)
            self.drop_vision(str(error))
        except OutboxFull as error:
            # Not committed: vision keeps the document, and tells it again when the connection is new.
            self._documents_refused += 1
            self._last_error = str(error)
            self._refused_at_s = self._clock.monotonic_s()
            log.error("%s", error)

    def _open_deployment(self, message: wire.OpenDeployment) -> None:
        if not re.fullmatch(ID_PATTERN, message.deployment) or not _KEY_HEX.fullmatch(message.room_receipt_key_hex):
            raise WireError("OpenDeployment: need an id and a public key in hex")
        self._outbox.open_deployment(message.deployment, message.room_receipt_key_hex)

    def _publish(self, message: wire.Publish) -> None:
        self._outbox.insert(self._as_row(message))
        self.tell_vision(wire.Committed(message.event_id))

    def _as_row(self, message: wire.Publish) -> Row:
        if message.channel not in OUTBOX_CHANNELS:
            raise WireError(f"Publish: channel {message.channel!r}, need one of {OUTBOX_CHANNELS}")
        if not re.fullmatch(ID_PATTERN, message.deployment) or not _EVENT_ID.fullmatch(message.event_id):
            raise WireError("Publish: need a deployment id and a UUIDv7")
        try:
            expires_at_utc = utc_text(parse_utc(message.expires_at_utc))
        except ValueError:
            raise WireError("Publish: expires_at_utc is no UTC text of our form") from None
        return Row(
            event_id=message.event_id,
            channel=message.channel,
            topic=self._topic(message.channel),
            deployment=message.deployment,
            sequence=message.sequence,
            expires_at_utc=expires_at_utc,
            payload=message.payload,
        )

    def _send_due(self) -> None:
        if not self._connected or len(self._in_flight) >= WINDOW:
            return
        for row in self._outbox.due(WINDOW - len(self._in_flight), without=self._in_flight.values()):
            message_id = self._connection.publish(row.topic, row.payload)
            if message_id is None:
                return
            self._in_flight[message_id] = row.event_id
            self._outbox.sent(row.event_id)

    def _topic(self, channel: str) -> str:
        return device_topic(self._fleet, self._device, channel)
