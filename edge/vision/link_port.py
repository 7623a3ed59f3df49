"""Vision's end of the pipe: whatever link does, or fails to do, no stage waits for it.

Documents for the outbox stay here until link says that they are on disk; a link that restarts is told
everything again, and the outbox knows what it already has by event id.
"""

from __future__ import annotations

import itertools
import logging
import select
import socket
import threading
from collections import deque
from collections.abc import Callable

from edge import wire
from edge.errors import OutboxFull, PeerGone, RepositoryFileMissing, WireError
from edge.formats.topics import repo_topic

PENDING_MAX = 1000
"""Documents that may wait for a link that is not there."""

BEATS_MAX = 16
"""Heartbeats that may wait for a slow link."""

FLUSH_S = 2.0
"""On stopping, how long the last words may take to leave."""

STOP_CHECK_S = 0.25
_ACCEPT_POLL_S = 0.25

Answer = wire.FileContent | wire.FileAbsent | wire.FilesDropped
_ANSWERS_TO: dict[type, tuple[type, ...]] = {
    wire.FetchFile: (wire.FileContent, wire.FileAbsent),
    wire.DropFiles: (wire.FilesDropped,),
}

log = logging.getLogger("lfr.vision.link_port")


class LinkPort:
    """Accepts link's connection, sends in a thread of its own, and remembers what link has not yet stored."""

    def __init__(
        self, listener: socket.socket, allowed_uids: tuple[int, ...], on_committed: Callable[[str], None]
    ) -> None:
        self._listener = listener
        self._allowed_uids = allowed_uids
        self._on_committed = on_committed
        self._changed = threading.Condition()
        self._outgoing: deque[wire.Message] = deque()
        self._pending: dict[str, wire.Publish] = {}
        self._deployment: wire.OpenDeployment | None = None
        self._state = wire.StateChanged("starting")
        self._stock: wire.Announce | None = None
        self._watched: dict[str, Callable[[], None]] = {}
        self._hand_in: Callable[[bytes], None] | None = None
        self._requests: dict[int, wire.FetchFile | wire.DropFiles] = {}
        self._answers: dict[int, Answer] = {}
        self._request_ids = itertools.count(1)
        self._pipe: wire.Pipe | None = None
        self._sending = False
        self._stopping = False
        self.status: wire.LinkStatus | None = None
        self._threads = [
            threading.Thread(target=run, name=name, daemon=True)
            for name, run in (("link-accept", self._accept_loop), ("link-send", self._send_loop))
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Say what is still to be said, and close; what link has not stored is lost (see `wait_stored`)."""
        with self._changed:
            self._changed.wait_for(lambda: self._pipe is None or not (self._outgoing or self._sending), FLUSH_S)
            self._stopping = True
            self._drop_pipe()
            self._changed.notify_all()
        for thread in self._threads:
            thread.join(timeout=5)

    def open_deployment(self, deployment: str, room_receipt_key_hex: str) -> None:
        """Tell link whose receipts end this deployment's rows."""
        with self._changed:
            self._deployment = wire.OpenDeployment(deployment, room_receipt_key_hex)
            self._queue(self._deployment)

    def set_state(self, state: str) -> None:
        with self._changed:
            self._state = wire.StateChanged(state)
            self._queue(self._state)

    def publish(self, message: wire.Publish) -> None:
        """Hand a document to the outbox.

        Raises: OutboxFull when link has stored nothing for very long; WireError when it is no message.
        """
        wire.encode(message)  # here, not in the sender's thread: it would be sent again for ever
        with self._changed:
            if len(self._pending) >= PENDING_MAX:
                raise OutboxFull(f"{PENDING_MAX} documents wait for the link half; is it running?")
            self._pending[message.event_id] = message
            self._queue(message)

    def beat(self, message: wire.Health) -> None:
        """Send a heartbeat, if link is there; of those that it has not taken yet, the oldest goes."""
        with self._changed:
            waiting = [each for each in self._outgoing if isinstance(each, wire.Health)]
            if len(waiting) >= BEATS_MAX:
                self._outgoing.remove(waiting[0])
            self._queue(message)

    def announce(self, payload: bytes) -> None:
        """Have the newest stock of keys published, now and on every connection. Raises: WireError when it is none."""
        message = wire.Announce(payload)
        wire.encode(message)
        with self._changed:
            self._stock = message
            self._outgoing = deque(each for each in self._outgoing if not isinstance(each, wire.Announce))
            self._queue(message)

    def watch(self, name: str, on_change: Callable[[], None]) -> None:
        """Hear of every change of a file; on_change runs in the reader's thread and must not wait.

        Raises: TopicInvalid for a name out of form.
        """
        message = wire.WatchFile(name)
        repo_topic("f", name)
        with self._changed:
            self._watched[name] = on_change
            self._queue(message)

    def hear_commands(self, hand_in: Callable[[bytes], None]) -> None:
        """Hear of every command; hand_in runs in the reader's thread and must not wait. To be called before `start`."""
        self._hand_in = hand_in

    def fetch(self, name: str, timeout_s: float, stop: threading.Event | None = None, fresh: bool = True) -> bytes:
        """A file of the fleet's repository, through link; `stop` ends the wait.

        fresh: from the broker, or a standing subscription, and not from what link has kept on disk.
        Raises: RepositoryFileMissing.
        """
        answer = self._ask(wire.FetchFile(next(self._request_ids), name, fresh), timeout_s, stop)
        if isinstance(answer, wire.FileContent):
            return answer.payload
        why = answer.why if isinstance(answer, wire.FileAbsent) else "no answer from the link half in time"
        raise RepositoryFileMissing(f"repository file {name}: {why}")

    def drop_files(self, prefix: str, timeout_s: float) -> wire.FilesDropped | None:
        """Have link delete what it kept under these names; what it says of it, or None without an answer in time."""
        answer = self._ask(wire.DropFiles(next(self._request_ids), prefix), timeout_s, None)
        return answer if isinstance(answer, wire.FilesDropped) else None

    def _ask(
        self, request: wire.FetchFile | wire.DropFiles, timeout_s: float, stop: threading.Event | None
    ) -> Answer | None:
        with self._changed:
            self._requests[request.request_id] = request
            self._queue(request)
            left_s = timeout_s
            while left_s > 0 and not (stop is not None and stop.is_set()):
                if self._changed.wait_for(
                    lambda: request.request_id in self._answers or self._stopping, min(left_s, STOP_CHECK_S)
                ):
                    break
                left_s -= STOP_CHECK_S
            self._requests.pop(request.request_id, None)
            return self._answers.pop(request.request_id, None)

    def wait_stored(self, timeout_s: float) -> bool:
        """Wait until link has stored every document; whether it has."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._pending, timeout_s)

    def _queue(self, message: wire.Message) -> None:
        if self._pipe is not None:
            self._outgoing.append(message)
            self._changed.notify_all()

    def _accept_loop(self) -> None:
        while not self._stopping:
            ready, _, _ = select.select([self._listener], [], [], _ACCEPT_POLL_S)
            if not ready:
                continue
            try:
                pipe = wire.accept(self._listener, self._allowed_uids)
            except (WireError, OSError) as error:
                log.warning("pipe: connection refused: %s", error)
                continue
            self._greet(pipe)
            self._receive_all(pipe)

    def _greet(self, pipe: wire.Pipe) -> None:
        with self._changed:
            if self._stopping:
                pipe.close()
                return
            self._pipe = pipe
            self._outgoing.clear()
            if self._deployment is not None:
                self._outgoing.append(self._deployment)
            self._outgoing.append(self._state)
            if self._stock is not None:
                self._outgoing.append(self._stock)
            self._outgoing.extend(map(wire.WatchFile, self._watched))
            self._outgoing.extend(self._pending.values())
            self._outgoing.extend(self._requests.values())
            self._changed.notify_all()

    def _receive_all(self, pipe: wire.Pipe) -> None:
        try:
            while True:
                self._take(pipe.receive())
        except PeerGone as error:
            log.info("pipe: %s", error)
        except WireError as error:
            log.warning("pipe: link sent a bad message, dropping it: %s", error)
        with self._changed:
            if self._pipe is pipe:
                self._drop_pipe()

    def _take(self, message: wire.Message) -> None:
        committed, on_change = None, None
        with self._changed:
            if isinstance(message, wire.Committed):
                if self._pending.pop(message.event_id, None) is not None:
                    committed = message.event_id
            elif isinstance(message, Answer):
                request = self._requests.get(message.request_id)
                if request is not None and isinstance(message, _ANSWERS_TO[type(request)]):
                    self._answers.setdefault(message.request_id, message)
            elif isinstance(message, wire.FileChanged):
                on_change = self._watched.get(message.name)
            elif isinstance(message, wire.LinkStatus):
                self.status = message
            self._changed.notify_all()
        if committed is not None:
            self._on_committed(committed)
        if on_change is not None:
            on_change()
        if isinstance(message, wire.Commanded) and self._hand_in is not None:
            self._hand_in(message.payload)

    def _send_loop(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._stopping or (self._pipe is not None and self._outgoing))
                if self._stopping:
                    return
                pipe, message = self._pipe, self._outgoing.popleft()
                self._sending = True
            assert pipe is not None
            gone = False
            try:
                pipe.send(message)
            except PeerGone as error:
                log.info("pipe: %s", error)
                gone = True
            except WireError as error:
                log.error("pipe: not sent: %s", error)
            with self._changed:
                self._sending = False
                if gone and self._pipe is pipe:
                    self._drop_pipe()
                self._changed.notify_all()

    def _drop_pipe(self) -> None:
        if self._pipe is not None:
            self._pipe.close()
            self._pipe = None
        self._outgoing.clear()
        self.status = None
        self._changed.notify_all()
