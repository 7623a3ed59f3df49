"""A van's link half between a vision end, a room and a real mosquitto; everything waits on events with a bound."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import yaml
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hwsim.broker import Broker, Roles

from edge import wire
from edge.clock import Clock, SystemClock, utc_text
from edge.config import Settings, load_settings
from edge.errors import PeerGone
from edge.formats.documents import AlertDocument, ReceiptDocument
from edge.formats.topics import ALERTS
from edge.link.app import LinkApp
from edge.trust.documents import public_hex, sign
from edge.trust.envelope import wrap
from edge.trust.keys import read_signing_key
from provisioning.authority import Authority, Certificate

FLEET, DEVICE, OTHER_DEVICE, ROOM, ADMIN = "fleet-1", "van-1", "van-2", "room-1", "admin-1"
DEPLOYMENT = "deployment-1"
PATIENCE_S = 20.0


@dataclass
class Site:
    """What stands before a van comes: authority, broker, keys."""

    folder: Path
    authority: Authority
    broker: Broker
    room_key: Ed25519PrivateKey
    device_key: Ed25519PrivateKey

    def certificate(self, identity: str, valid_for: timedelta = timedelta(days=1)) -> Certificate:
        return self.authority.issue_client(identity, valid_for)


def build_site(folder: Path) -> Site:
    """A site whose broker is not started yet."""
    authority = Authority.create(folder / "authority", FLEET)
    roles = Roles(FLEET, devices=(DEVICE, OTHER_DEVICE), rooms=(ROOM,), fleet_admins=(ADMIN,))
    return Site(
        folder=folder,
        authority=authority,
        broker=Broker(folder / "broker", authority.issue_server(), roles),
        room_key=read_signing_key(authority.room_keys(ROOM).signing_key_file),
        device_key=read_signing_key(authority.device_keys(DEVICE).signing_key_file),
    )


def new_event_id() -> str:
    """A UUIDv7 of now."""
    value = (time.time_ns() // 1_000_000) << 80 | random.getrandbits(80)
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    text = f"{value:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def new_alert(site: Site, sequence: int, kept_for: timedelta = timedelta(hours=1)) -> wire.Publish:
    """A signed alert for the outbox."""
    now = SystemClock().now_utc()
    event_id = new_event_id()
    document = AlertDocument(
        type="alert",
        event_id=event_id,
        fleet=FLEET,
        device=DEVICE,
        deployment=DEPLOYMENT,
        sequence=sequence,
        decided_at_utc=utc_text(now),
        sealed="AAAA" * 64,
    )
    signed = sign(document, [site.device_key])
    payload = wrap(signed, event_id, f"/lfr/v1/{FLEET}/{DEVICE}", "alert", utc_text(now))
    return wire.Publish(ALERTS, DEPLOYMENT, event_id, sequence, utc_text(now + kept_for), payload)


def new_receipt(key: Ed25519PrivateKey, received: list[str], device: str = DEVICE, fleet: str = FLEET) -> bytes:
    """A receipt as the room publishes it."""
    now = utc_text(SystemClock().now_utc())
    document = ReceiptDocument(type="receipt", fleet=fleet, device=device, received=received, made_at_utc=now)
    return wrap(sign(document, [key]), new_event_id(), f"/lfr/v1/{FLEET}/room", "receipt", now)


def write_config(site: Site, folder: Path, certificate: Certificate, **outbox: Any) -> Path:
    """lfr-edge.yaml of a van at this site."""
    folder.mkdir(parents=True, exist_ok=True)
    config = {
        "device": {"id": DEVICE, "fleet": FLEET, "state_dir": "state", "runtime_dir": "run"},
        "camera": {"kind": "file", "path": "clip.mp4"},
        "inference": {"pack_dir": "pack"},
        "broker": {
            "host": "localhost",
            "port": site.broker.port or 1,
            "ca_file": str(certificate.ca_file),
            "cert_file": str(certificate.cert_file),
            "key_file": str(certificate.key_file),
            "keepalive_s": 5,
            "reconnect_max_s": 0.5,
        },
        "keys": {
            "signing_key_file": "absent",
            "root_file": "absent",
        },
        "repository": {"start_jitter_s": 0},
        "outbox": {"resend_s": 0.5, "drain_s": 10, **outbox},
    }
    (folder / "run").mkdir(exist_ok=True)
    path = folder / "lfr-edge.yaml"
    path.write_text(yaml.safe_dump(config))
    return path


class Log:
    """What arrived, with a bounded wait for what is to arrive."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._items: list[Any] = []

    def add(self, item: Any) -> None:
        with self._changed:
            self._items.append(item)
            self._changed.notify_all()

    def all(self) -> list[Any]:
        with self._changed:
            return list(self._items)

    def wait(self, wanted: Callable[[list[Any]], Any], what: str = "") -> list[Any]:
        """Everything so far, once `wanted` holds of it; fails the test after PATIENCE_S."""
        with self._changed:
            assert self._changed.wait_for(lambda: wanted(self._items), PATIENCE_S), (what, self._items[-5:])
            return list(self._items)


class VisionEnd:
    """The other end of the pipe, as vision holds it."""

    def __init__(self, config: Path) -> None:
        self.messages = Log()
        self._listener = wire.listen(config.parent / "run" / "pipe.sock")
        self._pipe: wire.Pipe | None = None
        self._attached = threading.Condition()
        self.attachments = Log()
        threading.Thread(target=self._accept, daemon=True).start()

    def send(self, *messages: wire.Message) -> None:
        with self._attached:
            assert self._attached.wait_for(lambda: self._pipe is not None, PATIENCE_S), "link never attached"
            assert self._pipe is not None
            for message in messages:
                self._pipe.send(message)

    def open_deployment(self, site: Site) -> None:
        self.send(wire.OpenDeployment(DEPLOYMENT, public_hex(site.room_key)))

    def wait_committed(self, *event_ids: str) -> None:
        wanted = {wire.Committed(each) for each in event_ids}
        self.messages.wait(
            lambda items: wanted <= {each for each in items if isinstance(each, wire.Committed)}, "committed"
        )

    def wait_status(self, wanted: Callable[[wire.LinkStatus], Any]) -> wire.LinkStatus:
        items = self.messages.wait(
            lambda items: any(isinstance(each, wire.LinkStatus) and wanted(each) for each in items[-20:]), "status"
        )
        return next(each for each in reversed(items) if isinstance(each, wire.LinkStatus) and wanted(each))

    def fetch(self, request_id: int, name: str, fresh: bool = True) -> wire.FileContent | wire.FileAbsent:
        self.send(wire.FetchFile(request_id, name, fresh))
        kinds = (wire.FileContent, wire.FileAbsent)
        items = self.messages.wait(
            lambda items: any(isinstance(each, kinds) and each.request_id == request_id for each in items), name
        )
        return next(each for each in items if isinstance(each, kinds) and each.request_id == request_id)

    def close(self) -> None:
        self._listener.close()
        self.drop()

    def drop(self) -> None:
        """Close the connection, as a vision half that ends."""
        with self._attached:
            if self._pipe is not None:
                self._pipe.close()
                self._pipe = None

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # the listener was closed
            while True:
                pipe = wire.accept(self._listener, (os.getuid(),))
                with self._attached:
                    self._pipe = pipe
                    self._attached.notify_all()
                self.attachments.add(pipe)
                with contextlib.suppress(PeerGone):
                    while True:
                        self.messages.add(pipe.receive())
                with self._attached:
                    if self._pipe is pipe:
                        self._pipe = None


@dataclass
class LinkRun:
    """The link half in a thread of the test."""

    settings: Settings
    clock: Clock = field(default_factory=SystemClock)
    exit_code: int | None = None

    def __post_init__(self) -> None:
        self.stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        self.exit_code = LinkApp(self.settings, self.clock).run(self.stopping)

    def stop(self) -> int | None:
        """End it as SIGTERM does; its exit code."""
        self.stopping.set()
        self._thread.join(PATIENCE_S)
        assert not self._thread.is_alive(), "link did not end"
        return self.exit_code


@contextlib.contextmanager
def running_link(config: Path, clock: Clock | None = None) -> Iterator[LinkRun]:
    run = LinkRun(load_settings(config), clock or SystemClock())
    try:
        yield run
    finally:
        run.stop()


class LinkProcess:
    """The link half as `python -m edge.link_main`."""

    def __init__(self, config: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "edge.link_main", "--config", str(config)],
            cwd=Path(__file__).resolve().parents[2],
            stderr=subprocess.PIPE,
            text=True,
        )

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate(timeout=PATIENCE_S)

    def terminate(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        self.process.communicate(timeout=PATIENCE_S)
        return self.process.returncode


class FakeClock:
    """A clock that moves when told to."""

    def __init__(self) -> None:
        self.now_s = 1000.0
        self.utc = SystemClock().now_utc()

    def monotonic_s(self) -> float:
        return self.now_s

    def now_utc(self) -> datetime:
        return self.utc

    def advance(self, seconds: float) -> None:
        self.now_s += seconds
        self.utc += timedelta(seconds=seconds)
