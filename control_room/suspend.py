"""`lfr-room suspend`: signed here, published by whoever holds the room's connection."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence

from control_room.broker import BrokerConnection, identity_of
from control_room.config import RoomSettings
from control_room.errors import AlreadyWatching
from control_room.outgoing import Outgoing
from control_room.watch import hold
from edge.clock import Clock, SystemClock
from edge.errors import ConfigInvalid
from edge.formats.commands import Command
from edge.trust.keys import read_signing_key

BROKER_WAIT_S = 15.0
POLL_S = 0.1
SENT, WAITS = 0, 1


def suspend(settings: RoomSettings, deployment: str, vans: str, reason: str, say: Callable[[str], None]) -> int:
    """Have these vans (names with commas; none: all of the room) stop; the exit code.

    Raises: ConfigInvalid for a van that is not the room's, KeyFileInvalid, DocumentInvalid, StoreUnusable.
    """
    clock = SystemClock()
    wanted = [each.strip() for each in vans.split(",") if each.strip()] or sorted(settings.devices)
    strangers = sorted(set(wanted) - set(settings.devices))
    if strangers:
        raise ConfigInvalid(f"--vans: {', '.join(strangers)}: no van of room.yaml; need {', '.join(settings.devices)}")
    key = read_signing_key(settings.receipt_key_file)
    settings.state_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    outgoing = Outgoing(settings.state_dir, settings.fleet, clock, say)
    commands = outgoing.suspend(deployment, wanted, reason, key)
    try:
        lock = hold(settings.state_dir)
    except AlreadyWatching:
        say("the running lfr-room watch publishes it")
        _wait(outgoing, commands, clock, threading.Event().wait)
    else:
        try:
            _publish(settings, outgoing, commands, clock, say)
        finally:
            os.close(lock)
    left = outgoing.waiting(commands)
    if left:
        say(f"not with the broker after {BROKER_WAIT_S:.0f} s: {', '.join(left)}; the next lfr-room watch publishes it")
        return WAITS
    say(f"{deployment}: the broker has the suspension of {', '.join(wanted)}; watch shows when it is in force")
    return SENT


def _publish(
    settings: RoomSettings, outgoing: Outgoing, commands: Sequence[Command], clock: Clock, say: Callable[[str], None]
) -> None:
    name, _ = identity_of(settings.broker.cert_file)

    def on_change(connected: bool, why: str) -> None:
        if not connected:
            say(f"broker: {why}")

    broker = BrokerConnection(settings.broker, name, (), lambda topic, payload: None, on_change, clock)

    def step(timeout_s: float) -> None:
        outgoing.step(broker)
        broker.poll(timeout_s)

    try:
        _wait(outgoing, commands, clock, step)
    finally:
        broker.close()


def _wait(outgoing: Outgoing, commands: Sequence[Command], clock: Clock, pause: Callable[[float], object]) -> None:
    until_s = clock.monotonic_s() + BROKER_WAIT_S
    while outgoing.waiting(commands) and clock.monotonic_s() < until_s:
        pause(POLL_S)
