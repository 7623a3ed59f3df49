"""Link's end of the pipe: connects to vision, and again whenever vision comes back."""

from __future__ import annotations

import logging
import threading
from pathlib import Path

from edge import wire
from edge.errors import PeerGone, WireError
from edge.link.inbox import FromVision, Inbox, VisionAttached, VisionGone

RECONNECT_FIRST_S = 0.1
RECONNECT_MAX_S = 2.0

log = logging.getLogger("lfr.link.pipe")


class VisionPipe:
    """One thread that reads what vision sends; the main loop writes to the pipe it is given."""

    def __init__(self, path: Path, inbox: Inbox) -> None:
        self._path = path
        self._inbox = inbox
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="vision-pipe", daemon=True)

    def start(self) -> None:
        """Begin to connect; vision need not be there yet."""
        self._thread.start()

    def stop(self) -> None:
        """No further connections; the one that stands is closed by its holder."""
        self._stopping.set()

    def _run(self) -> None:
        wait_s = RECONNECT_FIRST_S
        while not self._stopping.wait(wait_s):
            try:
                pipe = wire.connect(self._path)
            except PeerGone:
                wait_s = min(2 * wait_s, RECONNECT_MAX_S)
                continue
            wait_s = RECONNECT_FIRST_S
            self._inbox.put(VisionAttached(pipe))
            self._inbox.put(VisionGone(self._read(pipe)))
            pipe.close()

    def _read(self, pipe: wire.Pipe) -> str:
        """Pass on messages until there are no more; why it ended."""
        try:
            while True:
                self._inbox.put_or_wait(FromVision(pipe.receive()))
        except PeerGone as error:
            return str(error)
        except WireError as error:
            log.error("vision sent a message outside the protocol, dropping the connection: %s", error)
            return str(error)
