"""What a van without a link leaves on its stick: the newest stock of keys, and the records that wait."""

from __future__ import annotations

import logging

from edge.clock import Clock
from edge.formats.topics import RECORDS
from edge.link.outbox import Outbox
from edge.link.stick import Stick

INTERVAL_S = 5.0
RECORDS_MAX = 512

log = logging.getLogger("lfr.link.leaving")


class Leaving:
    """Looks every few seconds whether a stick is there; a record left on it still waits for the room's receipt."""

    def __init__(self, stick: Stick, outbox: Outbox, clock: Clock) -> None:
        self._stick = stick
        self._outbox = outbox
        self._clock = clock
        self._look_at_s = 0.0
        self._left_stock: bytes | None = None
        self.errors = 0

    def tick(self, stock: bytes | None) -> None:
        """Leave what is not there yet."""
        now_s = self._clock.monotonic_s()
        if now_s < self._look_at_s:
            return
        self._look_at_s = now_s + INTERVAL_S
        if not self._stick.present:
            self._left_stock = None
            return
        try:
            if stock is not None and stock != self._left_stock:
                self._stick.leave("keys.json", stock)
                self._left_stock = stock
            for row in self._outbox.of_channel(RECORDS, RECORDS_MAX):
                if not self._stick.left(f"{row.event_id}.json"):
                    self._stick.leave(f"{row.event_id}.json", row.payload)
        except OSError as error:
            self.errors += 1
            if self.errors <= 3 or self.errors % 1000 == 0:
                log.error("the stick takes nothing (%d times so far): %s", self.errors, error)
