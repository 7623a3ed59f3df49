"""Files of the fleet's repository, fetched one by one: a retained message is asked for by its exact topic.

MQTT has no "not found": a file that is not there, or not ours to read, is one that does not come in time.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from edge.clock import Clock
from edge.formats.topics import repo_topic
from edge.wire import FILE_MAX_BYTES, FetchFile, FileAbsent, FileContent

FETCH_WAIT_S = 3.0
REQUESTS_MAX = 16

log = logging.getLogger("lfr.link.mirror")


class Subscriber(Protocol):
    """What the mirror needs of the connection."""

    def subscribe(self, topic: str) -> int | None: ...

    def unsubscribe(self, topic: str) -> None: ...


@dataclass
class _Request:
    request_id: int
    topic: str
    until_s: float
    subscription: int | None


class Mirror:
    """Answers each request once: with the file, or with why there is none."""

    def __init__(
        self, fleet: str, subscriber: Subscriber, answer: Callable[[FileContent | FileAbsent], None], clock: Clock
    ) -> None:
        self._fleet = fleet
        self._subscriber = subscriber
        self._answer = answer
        self._clock = clock
        self._waiting: list[_Request] = []

    def ask(self, request: FetchFile) -> None:
        """Begin to fetch a file."""
        try:
            topic = repo_topic(self._fleet, request.name)
        except ValueError as error:
            self._answer(FileAbsent(request.request_id, str(error)[:160]))
            return
        if len(self._waiting) >= REQUESTS_MAX:
            self._answer(FileAbsent(request.request_id, f"{REQUESTS_MAX} files are being fetched already"))
            return
        until_s = self._clock.monotonic_s() + FETCH_WAIT_S
        # A subscription that stands would not bring the retained message again.
        self._waiting.append(_Request(request.request_id, topic, until_s, self._subscriber.subscribe(topic)))

    def on_connected(self) -> None:
        """Ask the new connection for everything still waited for."""
        for request in self._waiting:
            request.subscription = self._subscriber.subscribe(request.topic)

    def on_file(self, topic: str, payload: bytes) -> None:
        """A message on one of the repository's topics."""
        for request in self._take(lambda each: each.topic == topic):
            if len(payload) > FILE_MAX_BYTES:
                log.warning("repository file of %d bytes refused, at most %d", len(payload), FILE_MAX_BYTES)
                why = f"{len(payload)} bytes, at most {FILE_MAX_BYTES}"
                self._answer(FileAbsent(request.request_id, why))
            else:
                self._answer(FileContent(request.request_id, payload))

    def on_refused(self, subscription: int, why: str) -> None:
        """The broker does not let us read a topic."""
        for request in self._take(lambda each: each.subscription == subscription):
            self._answer(FileAbsent(request.request_id, f"the broker refuses it: {why}"[:160]))

    def tick(self) -> None:
        """Give up on what did not come in time."""
        now_s = self._clock.monotonic_s()
        for request in self._take(lambda each: each.until_s <= now_s):
            asked = request.subscription is not None
            why = f"nothing came within {FETCH_WAIT_S:g} s: not there, or not for us to read"
            self._answer(FileAbsent(request.request_id, why if asked else "no connection to the broker"))

    def forget(self) -> None:
        """Vision is gone: nobody waits any more."""
        self._take(lambda each: True)

    def _take(self, wanted: Callable[[_Request], bool]) -> list[_Request]:
        taken = [each for each in self._waiting if wanted(each)]
        self._waiting = [each for each in self._waiting if not wanted(each)]
        for topic in {each.topic for each in taken} - {each.topic for each in self._waiting}:
            self._subscriber.unsubscribe(topic)
        return taken
