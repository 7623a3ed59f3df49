"""The desk where alerts leave: sealed, numbered, handed to link, and timed until they are on its disk."""

from __future__ import annotations

import logging

from edge.clock import Clock
from edge.errors import OutboxFull
from edge.evidence.statistics import Counters
from edge.formats.orders import Order
from edge.records import Alarm
from edge.vision.link_port import LinkPort
from edge.vision.seal import Sealer

log = logging.getLogger("lfr.vision.alerts")


class AlertDesk:
    """Used by the comparing thread (`send`) and the pipe's (`stored`)."""

    def __init__(self, sealer: Sealer, port: LinkPort, counters: Counters, clock: Clock) -> None:
        self._sealer, self._port, self._counters, self._clock = sealer, port, counters, clock
        self._received_s: dict[str, float] = {}

    def send(self, order: Order, alarm: Alarm) -> None:
        """Seal a match to the order's room and hand it over; one that link cannot take is counted."""
        sealed_s = self._clock.monotonic_s()
        done_s = {**alarm.done_s, "crop": sealed_s}
        stage_ms = {stage: (s - alarm.received_s) * 1000 for stage, s in done_s.items()}
        message = self._sealer.seal_alert(order, alarm, stage_ms)
        self._received_s[message.event_id] = alarm.received_s
        self._counters.alerted()
        try:
            self._port.publish(message)
        except OutboxFull as error:  # the pipeline goes on; its number is missing at the room, and that is seen
            self._counters.alert_not_stored()
            log.error("alert %s is lost: %s", message.event_id, error)
        else:
            log.info("alert %s, sequence %d", message.event_id, message.sequence)

    def stored(self, event_id: str) -> None:
        """Link has a document on disk."""
        received_s = self._received_s.pop(event_id, None)
        if received_s is not None:
            self._counters.outbox_committed((self._clock.monotonic_s() - received_s) * 1000)
