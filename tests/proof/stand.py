"""What a proof stands on: a mosquitto with mutual TLS, an authority made by lfr-fleet's commands, `serve`, vans' files.

Every step of the fleet's is the command that an admin types.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import yaml
from hwsim.broker import Broker, Roles

from edge.clock import SystemClock
from provisioning.authority import Authority
from provisioning.cli import main
from provisioning.fleet_folder import FleetFolder
from tests.provisioning.fleet_rig import FLEET, made_build, minute

ROOT = Path(__file__).resolve().parents[2]
ADMIN = "admin-1"
CLOCK = SystemClock()
PATIENCE_S = 300.0


class Stand:
    """A fleet in a folder; use it as a context manager."""

    def __init__(
        self, folder: Path, devices: Sequence[str], pack: str, staleness_s: int, log_file: Path | None = None
    ) -> None:
        """pack: its name. log_file: where the broker writes down every packet."""
        self.folder, self.devices, self.pack = folder, tuple(devices), ROOT / "models" / "packs" / pack
        self.authority = folder / "authority"
        self._ca = Authority.create(folder / "ca", FLEET)
        roles = Roles(FLEET, devices=self.devices, fleet_admins=(ADMIN,))
        self.broker = Broker(folder / "broker", self._ca.issue_server(), roles, log_file)
        self.broker.start()
        admin = self._ca.issue_client(ADMIN)
        files = {name: str(getattr(admin, name)) for name in ("ca_file", "cert_file", "key_file")}
        (folder / "broker.yaml").write_text(yaml.safe_dump({"host": "localhost", "port": self.broker.port, **files}))
        words = ("--fleet", FLEET, "--broker", str(folder / "broker.yaml"), "--staleness-s", str(staleness_s))
        self._type("init", str(self.authority), *words, "--development")
        self._type("key", "room", "--out", str(folder / "room"))
        for device in self.devices:
            self.at("van", "add", device, "--signing-key", self._ca.device_keys(device).signing_key_hex)
        self._serve: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Stand:
        """Let `serve` run from here on."""
        words = [sys.executable, "-m", "provisioning.cli", "serve", "--authority", str(self.authority)]
        words = ["setpriv", "--pdeathsig", "TERM", *words]  # it ends with us, however we end
        self._serve = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.DEVNULL)
        return self

    def __exit__(self, *_: object) -> None:
        assert self._serve is not None
        self._serve.terminate()
        self._serve.wait()
        self.broker.kill()

    def van_config(self, device: str, port: int | None = None, **repository: Any) -> Path:
        """lfr-edge.yaml of a van: all as it is by default, but for what is given. port: of a wire to the broker."""
        folder = self.folder / device
        (folder / "run").mkdir(parents=True, exist_ok=True)
        certificate = self._ca.issue_client(device)
        config = {
            "device": {"id": device, "fleet": FLEET, "state_dir": "state", "runtime_dir": "run"},
            "camera": {"kind": "file", "path": "none"},
            "inference": {"pack_dir": str(self.pack)},
            "broker": {
                "host": "localhost",
                "port": port or self.broker.port,
                "ca_file": str(certificate.ca_file),
                "cert_file": str(certificate.cert_file),
                "key_file": str(certificate.key_file),
            },
            "keys": {
                "signing_key_file": str(self._ca.device_keys(device).signing_key_file),
                "root_file": str(self.authority / "repo" / "metadata" / "1.root.json"),
            },
            "repository": repository,
        }
        path = folder / "lfr-edge.yaml"
        path.write_text(yaml.safe_dump(config))
        return path

    def wait_enrolled(self, *devices: str) -> None:
        """Until `serve` has the key stock of each."""
        fleet = FleetFolder(self.authority, CLOCK)
        until(lambda: all(fleet.vans.get(device).unused for device in devices), "the key stocks of all vans")

    def order(self, deployment: str, entries: int, vans: Sequence[str], **changes: int) -> float:
        """Built, drafted, signed by two, published through `serve`; the moment (monotonic) it was in the repository."""
        build, draft = self.folder / f"{deployment}-build", self.folder / f"{deployment}-draft"
        made_build(build, [f"{deployment}-{number}" for number in range(entries)], seed=1, pack=self.pack)
        begin, end = (CLOCK.now_utc() + timedelta(hours=hours) for hours in (-1, 3))
        words = (
            *("order", "draft", deployment, "--build", str(build), "--pack", str(self.pack), "--threshold", "0.6"),
            *("--officer", "officer", "--custodian", "custodian", "--vans", ",".join(vans), "--place", "a bench"),
            *("--use-case", "proof", "--legal-basis", "none: made templates", "--from", minute(begin)),
            *("--to", minute(end), "--room", str(self.folder / "room" / "room-keys.json"), "--out", str(draft)),
        )
        self.at(*words)
        for name in ("officer", "custodian"):
            self._type("order", "sign", str(draft), "--key", self.key(name), "--yes")
        self.at("order", "publish", str(draft))
        return CLOCK.monotonic_s()

    def add(self, deployment: str, entries: int) -> float:
        """A delta that puts made entries on, signed by two; the moment it was in the repository."""
        build = self.folder / f"{deployment}-more"
        made_build(build, [f"more-{number}" for number in range(entries)], seed=2, pack=self.pack)
        keys = ("--key", self.key("officer"), "--key", self.key("custodian"))
        self.at("watchlist", "add", deployment, str(build), *keys)
        return CLOCK.monotonic_s()

    def remove(self, deployment: str, entries: int) -> float:
        """A delta that takes some off; the moment it was in the repository."""
        names = [f"{deployment}-{number}" for number in range(entries)]
        self.at("watchlist", "remove", deployment, *names, "--key", self.key("officer"))
        return CLOCK.monotonic_s()

    def status(self) -> dict[str, Any]:
        """What `lfr-fleet status` says."""
        return json.loads(self.at("status", "--json"))

    def sealed_bytes(self, deployment: str) -> int:
        """Of the list: manifest, hashes, chunks, without wrapped keys."""
        base = self.authority / "repo" / "deployments" / deployment / "1"
        return sum(path.stat().st_size for path in base.iterdir() if not path.name.startswith("key-"))

    def key(self, name: str) -> str:
        return str(self.authority / "people" / f"{name}.key")

    def at(self, *words: str) -> str:
        return self._type(*words, "--authority", str(self.authority))

    def _type(self, *words: str) -> str:
        """Run lfr-fleet; what it says."""
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            code = main(words)
        if code != 0:
            raise SystemExit(f"lfr-fleet {' '.join(words[:3])} … ended with {code}:\n{said.getvalue()}")
        return said.getvalue()


def until(holds: Callable[[], bool], what: str) -> None:
    """Wait for it, with a bound."""
    end_s = time.monotonic() + PATIENCE_S
    while not holds():
        if time.monotonic() > end_s:
            raise SystemExit(f"{what}: not in {PATIENCE_S:.0f} s")
        threading.Event().wait(0.05)


@contextlib.contextmanager
def quick_folder() -> Iterator[Path]:
    """A folder in memory where there is one: two hundred vans have a disk each, and this machine has one."""
    shared = Path("/dev/shm")
    place = shared if os.access(shared, os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="proof-", dir=place, ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def open_files_enough() -> None:
    """A van holds a dozen descriptors."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 20_000)), hard))
