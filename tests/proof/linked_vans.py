"""Several vans in one process: for each a real link half in threads, and a van without eyes at the pipe's other end.

The process is told what to do over a connection: `go`, `figures`, `stop`. It tells, as it happens, who has which list;
asked for figures, those of each van and its own processor time in seconds; before all that, this time when it is ready.
"""

from __future__ import annotations

import logging
import multiprocessing
import multiprocessing.connection
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from edge.clock import SystemClock
from edge.config import load_settings
from edge.formats.names import TIMESTAMP
from edge.link.app import LinkApp
from tests.proof.stand import PATIENCE_S, open_files_enough
from tests.proof.trust_van import CameInForce, TrustVan

SWITCH_INTERVAL_S = 0.02
"""Each of hundreds of threads that wait for the interpreter wakes so often: a van has ten, and no other van in it."""
_TCPI_BYTES_RECEIVED = 128
"""Offset in struct tcp_info (linux/tcp.h), u64: all that came over the connection, TLS and MQTT included."""


@dataclass(frozen=True)
class Figures:
    """A van's counts so far. received: bytes of its present connection; files: of the repository."""

    device: str
    session: int
    received: int
    files: int
    timestamps_heard: int
    hints_heard: int
    dropped: int
    error: str


class LinkedVan:
    """Both halves of a van, without its camera."""

    def __init__(self, config: Path, pack: Path, tell: Callable[[CameInForce], None]) -> None:
        self._settings = load_settings(config)
        self._trust = TrustVan(self._settings, pack, tell)
        self._link: LinkApp | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        self._trust.start()
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join()
        self._trust.stop()

    def figures(self) -> Figures:
        link = self._link
        assert link is not None
        assert link._told is not None  # its report of a moment ago; a new one may be asked for in its own thread alone
        counts, heard = link._courier._mirror.counts, self._trust.heard
        return Figures(
            device=self._trust.device,
            session=link._told.session_seq,
            received=_received(link),
            files=counts.files_fetched,
            timestamps_heard=heard[TIMESTAMP],
            hints_heard=sum(heard.values()) - heard[TIMESTAMP],
            dropped=link._told.messages_dropped,
            error=self._trust.error or link._told.last_error,
        )

    def _run(self) -> None:
        self._link = LinkApp(self._settings, SystemClock())  # here: its outbox belongs to one thread
        self._link.run(self._stopping)


def _received(link: LinkApp) -> int:
    client = link._connection._client
    connection = client.socket() if client is not None else None
    if connection is None:
        return 0
    facts = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
    (count,) = struct.unpack_from("Q", facts, _TCPI_BYTES_RECEIVED)
    return int(count)


class VanProcess:
    """A process with some vans, as the proof holds it."""

    def __init__(self, configs: list[Path], pack: Path) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self._process = context.Process(target=_main, args=(configs, pack, theirs), daemon=True)
        self._process.start()
        theirs.close()

    def say(self, word: str) -> None:
        self.connection.send(word)

    def end(self) -> None:
        """After `stop` was said."""
        self._process.join(PATIENCE_S)


def _main(configs: list[Path], pack: Path, words: multiprocessing.connection.Connection) -> None:
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    open_files_enough()
    logging.disable(logging.ERROR)
    lock = threading.Lock()

    def tell(value: object) -> None:
        with lock:
            words.send(value)

    vans = [LinkedVan(config, pack, tell) for config in configs]
    tell(time.process_time())
    while True:
        word = words.recv()
        if word == "go":
            for van in vans:
                van.start()
        elif word == "figures":
            tell(([van.figures() for van in vans], time.process_time()))
        elif word == "stop":
            stopping = [threading.Thread(target=van.stop) for van in vans]
            for thread in stopping:
                thread.start()
            for thread in stopping:
                thread.join()
            return
