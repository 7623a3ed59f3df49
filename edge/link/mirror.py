"""Files of the fleet's repository for vision: from disk, from a stick, or from the broker, one exact topic each.

MQTT has no "not found": a file that is not there, or not ours to read, is one that does not come in time. How much
is asked for at once, and how soon after a start, is bounded: a thousand vans ask the same broker.
"""

from __future__ import annotations

import logging
import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from edge.clock import Clock
from edge.errors import WireError
from edge.formats.topics import REPO_PREFIX_PATTERN, is_repo_name, repo_topic
from edge.link.kept_files import KeptFiles, changes
from edge.link.rate import RateLimit
from edge.link.stick import Stick
from edge.wire import (
    FILE_MAX_BYTES,
    DropFiles,
    FetchFile,
    FileAbsent,
    FileChanged,
    FileContent,
    FilesDropped,
    Message,
    WatchFile,
)

FETCH_WAIT_S = 3.0
"""Nothing of the repository came for so long: what was asked for is not there."""
QUEUE_WAIT_S = 120.0
"""Longest wait for the rate and for the start-up jitter."""
REQUESTS_MAX = 16
WATCHES_MAX = 8
WATCH_HOLDS_S = 300.0
"""What a standing subscription brought is asked for anew after so long: brokers lose subscriptions in silence."""

log = logging.getLogger("lfr.link.mirror")


class Subscriber(Protocol):
    """What the mirror needs of the connection."""

    def subscribe(self, topic: str) -> int | None: ...

    def unsubscribe(self, topic: str) -> None: ...


@dataclass
class MirrorCounts:
    """For the status file."""

    files_fetched: int = 0
    bytes_fetched: int = 0
    fetched_again: int = 0
    from_disk: int = 0
    from_stick: int = 0
    refused: int = 0


@dataclass
class _Fetch:
    """One file on its way, for all who asked for it."""

    name: str
    topic: str
    request_ids: list[int]
    until_s: float
    subscription: int | None = None


@dataclass
class _Watch:
    topic: str
    content: bytes | None = None
    holds_until_s: float = 0.0
    subscription: int | None = None


class Mirror:
    """Answers each request once: with the file, or with why there is none."""

    def __init__(
        self,
        fleet: str,
        subscriber: Subscriber,
        tell: Callable[[Message], None],
        kept: KeptFiles,
        rate: RateLimit,
        start_jitter_s: float,
        clock: Clock,
        stick: Stick | None = None,
    ) -> None:
        self._fleet = fleet
        self._subscriber = subscriber
        self._tell = tell
        self._kept = kept
        self._rate = rate
        self._start_jitter_s = start_jitter_s
        self._clock = clock
        self._stick = stick
        self._fetches: dict[str, _Fetch] = {}
        self._watches: dict[str, _Watch] = {}
        self._open_at_s: float | None = None
        self._heard_at_s = 0.0
        self.counts = MirrorCounts()

    @property
    def waiting(self) -> int:
        """Files asked for that have not come."""
        return len(self._fetches)

    def ask(self, request: FetchFile) -> None:
        """Begin to fetch a file."""
        name = request.name
        if not is_repo_name(name):
            self._tell(FileAbsent(request.request_id, "no file name of the repository"))
            return
        data = self._at_hand(name, request.fresh)
        if data is not None:
            self._tell(FileContent(request.request_id, data))
            return
        if name in self._fetches and len(self._fetches[name].request_ids) < REQUESTS_MAX:
            self._fetches[name].request_ids.append(request.request_id)
        elif len(self._fetches) >= REQUESTS_MAX or name in self._fetches:
            self._tell(FileAbsent(request.request_id, f"{REQUESTS_MAX} files are being fetched already"))
        else:
            topic = repo_topic(self._fleet, name)
            self._fetches[name] = _Fetch(name, topic, [request.request_id], self._queue_until_s())
            self._start()

    def watch(self, request: WatchFile) -> None:
        """Keep a subscription to a file, and tell of its changes. Raises: WireError."""
        if request.name in self._watches:
            return
        if not is_repo_name(request.name) or len(self._watches) >= WATCHES_MAX:
            raise WireError(f"WatchFile: need a repository name, and at most {WATCHES_MAX} of them")
        self._watches[request.name] = _Watch(repo_topic(self._fleet, request.name))
        self._start()

    def drop(self, request: DropFiles) -> None:
        """Delete kept files; what was on its way under these names is not kept either. Raises: WireError."""
        prefix = request.prefix
        if not re.fullmatch(REPO_PREFIX_PATTERN, prefix):
            raise WireError("DropFiles: need the beginning of repository names")
        self._end([each for each in self._fetches.values() if each.name.startswith(prefix)], "its name was dropped")
        for name, watch in self._watches.items():
            if name.startswith(prefix):
                watch.content, watch.holds_until_s = None, 0.0
        try:
            files, size = self._kept.drop(prefix)
        except OSError as error:
            log.error("kept files under %s could not be deleted: %s", prefix, error)
            return
        log.info("deleted %d kept files, %d bytes, under %s", files, size, prefix)
        self._tell(FilesDropped(request.request_id, files, size))

    def on_connected(self) -> None:
        """Ask the new connection for everything still waited for, after a random wait."""
        self._forget_subscriptions()
        self._open_at_s = self._clock.monotonic_s() + self._start_jitter_s * random.random()
        for each in self._fetches.values():
            each.until_s = self._queue_until_s()
        self._start()

    def on_disconnected(self) -> None:
        """What was on its way will be asked for again."""
        if self._open_at_s is not None:
            self._forget_subscriptions()
            self._open_at_s = None
            for each in self._fetches.values():
                each.until_s = self._queue_until_s()

    def on_file(self, topic: str, payload: bytes) -> None:
        """A message on one of the repository's topics."""
        name = topic.removeprefix(repo_topic(self._fleet, "x")[:-1])
        fetch, watch = self._fetches.get(name), self._watches.get(name)
        if fetch is None and watch is None:
            return
        self._heard_at_s = self._clock.monotonic_s()
        if len(payload) > FILE_MAX_BYTES:
            self.counts.refused += 1
            log.warning("repository file of %d bytes refused, at most %d", len(payload), FILE_MAX_BYTES)
            self._end([fetch] if fetch else [], f"{len(payload)} bytes, at most {FILE_MAX_BYTES}")
            return
        self.counts.files_fetched += 1
        self.counts.bytes_fetched += len(payload)
        if watch is not None:
            self._on_watched(name, watch, payload)
        # An empty message says that the file was cleared; another may follow it.
        if fetch is not None and payload:
            self._complete(fetch, payload)
        self._start()

    def on_refused(self, subscription: int, why: str) -> None:
        """The broker does not let us read a topic."""
        refused = [each for each in self._fetches.values() if each.subscription == subscription]
        self._end(refused, f"the broker refuses it: {why}"[:160])

    def tick(self) -> None:
        """Give up on what did not come in time; start what had to wait."""
        now_s = self._clock.monotonic_s()
        late = [each for each in self._fetches.values() if now_s >= self._given_up_at_s(each)]
        if late:
            connected = self._open_at_s is not None
            why = (
                "nothing came in time: not there, or not for us to read" if connected else "no connection to the broker"
            )
            for each in late:
                self._give_up(each, why)
        self._start()

    def forget(self) -> None:
        """Vision is gone: nobody waits any more."""
        watched = list(self._watches.values())
        self._watches.clear()
        for watch in watched:
            self._subscriber.unsubscribe(watch.topic)
        for fetch in list(self._fetches.values()):
            self._remove(fetch)

    def _at_hand(self, name: str, fresh: bool) -> bytes | None:
        """The file without the broker, where that will do."""
        watch = self._watches.get(name)
        if watch is not None and watch.content and self._clock.monotonic_s() < watch.holds_until_s:
            return watch.content
        if not fresh and not changes(name) and (data := self._kept.get(name)) is not None:
            self.counts.from_disk += 1
            return data
        # What changes may be older on the stick than at the broker; what does not is the same wherever it lies.
        if self._open_at_s is None or not changes(name):
            return self._from_stick(name)
        return None

    def _from_stick(self, name: str) -> bytes | None:
        data = None if self._stick is None else self._stick.read(name)
        self.counts.from_stick += data is not None
        return data

    def _start(self) -> None:
        """Subscribe to what waits, as the jitter and the rate allow."""
        if self._open_at_s is None or self._clock.monotonic_s() < self._open_at_s:
            return
        for watch in self._watches.values():
            if watch.subscription is None:
                watch.subscription = self._subscriber.subscribe(watch.topic)
        for fetch in self._fetches.values():
            if fetch.subscription is None:
                if not self._rate.take_file():
                    return
                # A subscription that stands would not bring the retained message again.
                fetch.subscription = self._subscriber.subscribe(fetch.topic)
                if fetch.subscription is None:
                    self._rate.give_back(FILE_MAX_BYTES)
                    return
                fetch.until_s = self._clock.monotonic_s() + FETCH_WAIT_S

    def _on_watched(self, name: str, watch: _Watch, payload: bytes) -> None:
        watch.holds_until_s = self._clock.monotonic_s() + WATCH_HOLDS_S
        if payload != (watch.content or b""):
            watch.content = payload
            self._tell(FileChanged(name))

    def _complete(self, fetch: _Fetch, payload: bytes) -> None:
        self._remove(fetch)
        self._rate.give_back(FILE_MAX_BYTES - len(payload))
        for request_id in fetch.request_ids:
            self._tell(FileContent(request_id, payload))
        self.counts.fetched_again += fetch.name in self._kept
        self._kept.keep(fetch.name, payload)

    def _give_up(self, fetch: _Fetch, why: str) -> None:
        data = self._from_stick(fetch.name)
        if data is None:
            self._end([fetch], why)
            return
        self._remove(fetch)
        for request_id in fetch.request_ids:
            self._tell(FileContent(request_id, data))

    def _end(self, fetches: list[_Fetch], why: str) -> None:
        for fetch in fetches:
            self._remove(fetch)
            if fetch.subscription is not None:
                self._rate.give_back(FILE_MAX_BYTES)
            for request_id in fetch.request_ids:
                self._tell(FileAbsent(request_id, why))

    def _remove(self, fetch: _Fetch) -> None:
        self._fetches.pop(fetch.name, None)
        if fetch.subscription is not None and fetch.name not in self._watches:
            self._subscriber.unsubscribe(fetch.topic)

    def _given_up_at_s(self, fetch: _Fetch) -> float:
        """Files come one after the other: while others still come, one that was asked for may yet."""
        if fetch.subscription is None:
            return fetch.until_s
        return min(max(fetch.until_s, self._heard_at_s + FETCH_WAIT_S), fetch.until_s + QUEUE_WAIT_S)

    def _queue_until_s(self) -> float:
        wait_s = FETCH_WAIT_S if self._open_at_s is None else QUEUE_WAIT_S
        return self._clock.monotonic_s() + wait_s

    def _forget_subscriptions(self) -> None:
        for fetch in self._fetches.values():
            fetch.subscription = None
        for watch in self._watches.values():
            watch.subscription, watch.holds_until_s = None, 0.0
