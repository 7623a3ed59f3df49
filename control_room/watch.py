"""`lfr-room watch`: wires store, screen, room and broker together, and drives them until a signal."""

from __future__ import annotations

import fcntl
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Literal

from rich.console import Console

from control_room.broker import BrokerConnection, identity_of
from control_room.config import RoomSettings
from control_room.errors import AlreadyWatching, StoreUnusable
from control_room.graphics import Graphics, PictureMaker, choose_graphics
from control_room.outgoing import Outgoing
from control_room.present import JsonScreen, Screen, TerminalScreen
from control_room.room import Room
from control_room.saved import SavedFolder
from control_room.store import Store
from edge.clock import Clock, SystemClock, utc_text
from edge.formats.topics import ALERTS, HEALTH, RECORDS, STATE, all_devices_topic
from edge.trust.keys import read_seal_key, read_signing_key

STORE_NAME = "room.sqlite"
POLL_S = 0.25
GATHER_S = 0.02
"""Events that come within this time share one fsync and one receipt."""

SHOW_AT_ONCE = 4
"""Cards drawn between two looks at the broker, so that a backlog does not cost the connection."""


def watch(settings: RoomSettings, save: Path | None, graphics: Literal["auto"] | Graphics, as_json: bool) -> None:
    """Watch until SIGTERM, SIGINT or SIGHUP.

    Raises: ConfigInvalid, KeyFileInvalid, AlreadyWatching, StoreUnusable; BrokenPipeError when nobody reads
    the output any more.
    """
    clock = SystemClock()
    receipt_key = read_signing_key(settings.receipt_key_file)
    seal_key = read_seal_key(settings.seal_key_file)
    name, valid_until = identity_of(settings.broker.cert_file)
    stopping = _Stopping()
    lock = hold(settings.state_dir)
    try:
        screen = _screen(graphics, as_json)
        store = Store(settings.state_dir / STORE_NAME)
        saved = None if save is None else SavedFolder(save)
        room = Room(settings, receipt_key, seal_key, store, screen, saved, clock)
        screen.notice("room", f"{name} of fleet {settings.fleet}, {len(settings.devices)} vans")
        if valid_until <= clock.now_utc():
            screen.notice("broker", f"this room's own certificate ended {utc_text(valid_until)}")

        def on_change(connected: bool, why: str) -> None:
            screen.notice("broker", f"connected to {why}" if connected else f"no connection: {why}; trying again")
            if connected:
                room.listen_again()

        broker = BrokerConnection(settings.broker, name, _filters(settings.fleet), room.take, on_change, clock)
        outgoing = Outgoing(settings.state_dir, settings.fleet, clock, lambda text: screen.notice("command", text))
        try:
            drive(room, broker, outgoing, clock, stopping)
        finally:
            store.close()
        screen.notice("room", f"stopped: {room.tally()}")
    finally:
        os.close(lock)


def drive(room: Room, broker: BrokerConnection, outgoing: Outgoing, clock: Clock, stopped: Callable[[], bool]) -> None:
    """The room's loop; on the way out it settles what it has taken. Raises: StoreUnusable."""
    gathering_since_s: float | None = None
    while not stopped():
        room.tick(broker.connected)
        waiting = room.show_waiting(SHOW_AT_ONCE)
        outgoing.step(broker)
        broker.poll(0.0 if waiting else GATHER_S if gathering_since_s is not None else POLL_S)
        now_s = clock.monotonic_s()
        if gathering_since_s is None and room.owes_receipts:
            gathering_since_s = now_s
        if gathering_since_s is None or now_s - gathering_since_s >= GATHER_S:
            _settle(room, broker)
            gathering_since_s = None
    _settle(room, broker)
    room.show_waiting(SHOW_AT_ONCE)
    room.tick(broker.connected)
    broker.close()


def _settle(room: Room, broker: BrokerConnection) -> None:
    for topic, payload in room.settle():
        broker.publish(topic, payload)


class _Stopping:
    """True once a signal asked us to stop."""

    def __init__(self) -> None:
        self._asked = False
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._ask)

    def __call__(self) -> bool:
        return self._asked

    def _ask(self, number: int, frame: FrameType | None) -> None:
        self._asked = True


def _filters(fleet: str) -> list[str]:
    return [all_devices_topic(fleet, channel) for channel in (STATE, ALERTS, RECORDS, HEALTH)]


def _screen(graphics: Literal["auto"] | Graphics, as_json: bool) -> Screen:
    if as_json:
        return JsonScreen(sys.stdout)
    return TerminalScreen(Console(highlight=False), PictureMaker(choose_graphics(graphics, os.environ)))


def hold(state_dir: Path) -> int:
    """The lock of a state folder, kept by its open descriptor. Raises: AlreadyWatching, StoreUnusable."""
    try:
        state_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = os.open(state_dir / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StoreUnusable(f"state_dir: {state_dir}: {error.strerror}") from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        raise AlreadyWatching(f"{state_dir}: another lfr-room holds it; stop that one first") from None
    return lock
