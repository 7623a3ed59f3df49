"""A van of made people: its keys, orders and watchlists are real; camera, runtime and link half do as they are told."""

from __future__ import annotations

import contextlib
import hashlib
import os
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from numpy.typing import NDArray

from edge import wire
from edge.config import Settings
from edge.devices import CameraGeometry, Capture, Model
from edge.drivers.file_secrets import FileSecrets
from edge.errors import CameraError, ModelRejected, PeerGone
from edge.exits import Exit
from edge.formats.names import TIMESTAMP
from edge.formats.orders import Order
from edge.formats.pack import PackManifest
from edge.trust.documents import public_hex
from edge.trust.keys import seal_public_hex, write_private
from edge.trust.packs import VerifiedPack
from edge.trust.vault import KeyVault
from edge.trust.watchlist_writer import WatchlistEntry
from edge.vision.app import Devices, VisionApp
from provisioning.order_terms import RoomKeys
from tests.fake_clock import FakeClock
from tests.key_stocks import stock_event
from tests.link.rig import PATIENCE_S, Log
from tests.made_packs import WEIGHTS, manifest_of
from tests.vision.made import (
    ALIGNED_PX,
    DIMENSION,
    HEIGHT_PX,
    POINTS,
    WIDTH_PX,
    SeeingDetector,
    SeeingEmbedder,
    entry_of,
    template_of,
)
from tests.vision.made_fleet import MadeFleet, Terms

FLEET, DEVICE, DEPLOYMENT = "fleet-1", "van-1", "market-square"
BACKEND = "made/int8"
FRAMES_PER_S = 10.0


def made_pack() -> VerifiedPack:
    """A pack whose networks are the seeing ones."""
    manifest = manifest_of(WEIGHTS)
    manifest["detector"]["sizes"][0]["input"] |= {"width_px": WIDTH_PX, "height_px": HEIGHT_PX}
    manifest["embedder"] |= {"dimension": DIMENSION, "alignment": POINTS.round(3).tolist()}
    manifest["embedder"]["input"] |= {"width_px": ALIGNED_PX, "height_px": ALIGNED_PX}
    sha256 = hashlib.sha256(b"the made pack").hexdigest()
    return VerifiedPack(PackManifest.model_validate(manifest), sha256, "int8", b"detector", b"embedder")


class MadeRuntime:
    """Implements Runtime; keeps the networks it loaded."""

    name, version, backend = "made", "1", "made"

    def __init__(self) -> None:
        self.detectors: list[SeeingDetector] = []
        self.embedders: list[SeeingEmbedder] = []

    def load(self, content: bytes, label: str) -> Model:
        if content == b"detector":
            self.detectors.append(SeeingDetector())
            return self.detectors[-1]
        if content == b"embedder":
            self.embedders.append(SeeingEmbedder())
            return self.embedders[-1]
        raise ModelRejected(f"{label}: no made network")


class PassersBy:
    """Implements Camera: gives pictures, then ends, fails with an error, or begins again for ever."""

    name = "passers-by"

    def __init__(self, pictures: Iterable[NDArray[np.uint8]], then: CameraError | str = "end") -> None:
        """then: an error to raise, "end" or "again"."""
        self._pictures = list(pictures)
        self._then = then
        self.opened = self.given = self.released = 0
        self.running = False
        self.seen_round = threading.Event()

    def open(self) -> CameraGeometry:
        self.opened += 1
        self.running = True
        return CameraGeometry(WIDTH_PX, HEIGHT_PX, 0, 0, FRAMES_PER_S)

    def read(self, timeout_s: float) -> Capture | None:
        if self.given >= len(self._pictures):
            self.seen_round.set()
            if isinstance(self._then, CameraError):
                raise self._then
            if self._then == "end":
                return None
        picture = self._pictures[self.given % len(self._pictures)].copy()
        taken_s = self.given / FRAMES_PER_S
        self.given += 1
        return Capture(picture, None, taken_s, self._release)

    def close(self) -> None:
        self.running = False

    def _release(self) -> None:
        self.released += 1


class ScriptedLink:
    """The link half by hand: answers fetches from `files`, says that documents are stored, keeps what it heard."""

    def __init__(self, path: Path, files: dict[str, bytes]) -> None:
        self.files = files
        self.stores = True
        self.deletes = True
        self.heard = Log()
        self._pipe = wire.connect(path)
        threading.Thread(target=self._run, daemon=True).start()

    def close(self) -> None:
        self._pipe.close()

    def of(self, kind: type[wire.Message]) -> list[Any]:
        """What was heard of one kind."""
        return [message for message in self.heard.all() if isinstance(message, kind)]

    def wait_fetched(self, name: str, times: int = 1) -> None:
        def often(items: list[Any]) -> bool:
            return sum(isinstance(each, wire.FetchFile) and each.name == name for each in items) >= times

        self.heard.wait(often, f"{name} fetched {times} times")

    def say_changed(self, files: dict[str, bytes]) -> None:
        """The fleet has published something new."""
        self.files = files
        self._pipe.send(wire.FileChanged(TIMESTAMP))

    def command(self, event: bytes) -> None:
        """Hand a command on, as it came."""
        self._pipe.send(wire.Commanded(event))

    def wait_state(self, state: str) -> None:
        self.heard.wait(lambda items: wire.StateChanged(state) in items, f"state {state}")

    def _run(self) -> None:
        with contextlib.suppress(PeerGone):
            while True:
                message = self._pipe.receive()
                self.heard.add(message)
                if isinstance(message, wire.FetchFile):
                    self._answer(message)
                elif isinstance(message, wire.Publish) and self.stores:
                    self._pipe.send(wire.Committed(message.event_id))
                elif isinstance(message, wire.DropFiles) and self.deletes:
                    gone = [name for name in self.files if name.startswith(message.prefix)]
                    size = sum(len(self.files[name]) for name in gone)
                    self._pipe.send(wire.FilesDropped(message.request_id, len(gone), size))

    def _answer(self, message: wire.FetchFile) -> None:
        content = self.files.get(message.name)
        if content is None:
            self._pipe.send(wire.FileAbsent(message.request_id, "not there"))
        else:
            self._pipe.send(wire.FileContent(message.request_id, content))


class AppRun:
    """The app in a thread of the test."""

    def __init__(self, app: VisionApp) -> None:
        self.app = app
        self._exit: Exit | None = None
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    @property
    def running(self) -> bool:
        return self._thread.is_alive()

    def ended(self) -> Exit:
        """How it ended, once it has; raises what it raised."""
        self._thread.join(PATIENCE_S)
        assert not self._thread.is_alive(), "vision did not end"
        if self._error is not None:
            raise self._error
        assert self._exit is not None
        return self._exit

    def stop(self) -> Exit:
        self.app.request_stop()
        return self.ended()

    def _run(self) -> None:
        try:
            self._exit = self.app.run()
        except Exception as error:  # noqa: BLE001 (raised again in the test's thread)
            self._error = error


class MadeVan:
    """Keys, files and configuration of one van, what to start it with, and the fleet that it belongs to."""

    def __init__(self, folder: Path, clock: FakeClock | None = None) -> None:
        self.folder = folder
        self.clock = clock or FakeClock()
        self.runtime = MadeRuntime()
        self.pack = made_pack()
        self.fleet = MadeFleet(folder / "fleet", FLEET, self.clock)
        self.room_key, self.room_receipt_key = X25519PrivateKey.generate(), Ed25519PrivateKey.generate()
        self.signing_key = Ed25519PrivateKey.generate()
        write_private(folder / "signing.key", self.signing_key)
        (folder / "root.json").write_bytes(self.fleet.root_bytes)
        self.secrets = FileSecrets(folder / "state" / "vision" / "secrets")
        self.socket_path = folder / "pipe.sock"
        self.listener = wire.listen(self.socket_path)
        self._links: list[ScriptedLink] = []
        self._runs: list[AppRun] = []

    def vault(self) -> KeyVault:
        """The van's vault, for as long as the van does not run."""
        vault = KeyVault(self.folder / "state" / "vision" / "vault", self.secrets)
        vault.refill(8)
        return vault

    def order(
        self,
        people: Iterable[int] = (1, 2, 3),
        device: str = DEVICE,
        deployment: str = DEPLOYMENT,
        **changes: Any,
    ) -> Order:
        """Have the fleet hear the van's keys and order a deployment of made people; changes: of `Terms`."""
        terms = Terms(
            **{
                "deployment": deployment,
                "pack_sha256": self.pack.sha256,
                "similarity_threshold": 0.5,
                "threshold_backend": BACKEND,
                "room": RoomKeys(
                    room_receipt_key_hex=public_hex(self.room_receipt_key),
                    room_seal_key_hex=seal_public_hex(self.room_key),
                ),
                **changes,
            }
        )
        stock = stock_event(self.vault(), FLEET, device, self.signing_key, self.clock)
        self.fleet.hear_stock(device, public_hex(self.signing_key), stock)
        return self.fleet.order(terms, [entry_for(k) for k in people], device)

    def files(self, people: Iterable[int] = (1, 2, 3), **changes: Any) -> dict[str, bytes]:
        """The fleet's files, with a deployment of made people among them."""
        self.order(people, **changes)
        return self.fleet.files()

    def settings(self, **sections: dict[str, Any]) -> Settings:
        values: dict[str, Any] = {
            "device": {"id": DEVICE, "fleet": FLEET, "state_dir": self.folder / "state", "runtime_dir": self.folder},
            "camera": {"kind": "picamera2", "pace": "fast", "retries_max": 0, "retry_wait_s": 0.05},
            "inference": {"pack_dir": self.folder},
            "broker": {"host": "none", "ca_file": "none", "cert_file": "none", "key_file": "none"},
            "keys": {
                "signing_key_file": self.folder / "signing.key",
                "root_file": self.folder / "root.json",
            },
            "health": {"interval_s": 300},
        }
        for name, section in sections.items():
            values[name] = values.get(name, {}) | section
        return Settings.model_validate(values)

    def link(self, files: dict[str, bytes]) -> ScriptedLink:
        self._links.append(ScriptedLink(self.socket_path, files))
        return self._links[-1]

    def start(self, camera: Any, **sections: dict[str, Any]) -> AppRun:
        devices = Devices(camera, self.runtime, self.clock, self.secrets, self.listener, (os.getuid(),))
        app = VisionApp(self.settings(**sections), self.pack, self.fleet.root_bytes, devices)
        self._runs.append(AppRun(app))
        return self._runs[-1]

    def close(self) -> None:
        for run in self._runs:
            run.app.request_stop()
        for link in self._links:
            link.close()
        for run in self._runs:
            with contextlib.suppress(Exception):
                run.ended()
        self.listener.close()


def entry_for(k: int) -> WatchlistEntry:
    """A made person on a list."""
    return WatchlistEntry(entry_of(k), "wanted", "amber", template_of(k))


def keep_in(collected: list[Any], make: Callable[..., Any]) -> Callable[..., Any]:
    """A maker that also keeps what it makes."""

    def making(*arguments: Any) -> Any:
        collected.append(make(*arguments))
        return collected[-1]

    return making
