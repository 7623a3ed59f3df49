"""The place of a simulated deployment: its folders, identities, keys and configuration files."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from edge.config_file import BrokerSettings
from hwsim.broker import Broker, Roles
from hwsim.deploy.fleet_side import FleetSide
from hwsim.deploy.wanted import DrawnWanted, Wanted
from provisioning.authority import Authority, Certificate, SigningKeys
from provisioning.order_terms import RoomKeys

FLEET = "sim-fleet"
DEVICE = "van-7f3a"
ROOM = "room-1"
ADMIN = "fleet-1"
DEPLOYMENT = "sim-deployment"

HEARTBEAT_S = 1.0
RESEND_S = 2.0
DRAIN_S = 40.0
RECONNECT_MAX_S = 2.0

PRIVATE_FOLDERS = ("authority", "fleet", "draft", "lists", "van", "room", "broker", "saved")
"""Removed at the end: keys, ciphertext, the room's photographs and crops do not outlive the deployment."""


@dataclass(frozen=True)
class Site:
    """Everything on disk that the parts need to find each other."""

    work: Path
    runtime: Path
    authority: Authority
    broker: Broker
    device_keys: SigningKeys
    room_keys: SigningKeys
    van_config: Path
    room_config: Path
    room_saved: Path
    street_spec: Path
    truth_file: Path
    fleet: FleetSide

    @property
    def van_status(self) -> Path:
        """Where the van's vision half says how it is."""
        return self.work / "van" / "state" / "vision" / "status.json"

    @property
    def bundle_dir(self) -> Path:
        """Where the room looks for who an entry is."""
        return self.work / "room" / "bundle"

    @property
    def room_public(self) -> RoomKeys:
        """The room's keys, as an order names them."""
        keys = self.room_keys
        return RoomKeys(room_receipt_key_hex=keys.signing_key_hex, room_seal_key_hex=keys.seal_key_hex)


@contextmanager
def work_folder(out: Path, keep: bool) -> Iterator[Path]:
    """A fresh folder to work in; all that was private to the deployment is taken away, unless it is to be kept."""
    work = out.resolve() / "site"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    try:
        yield work
    finally:
        for name in () if keep else PRIVATE_FOLDERS:
            shutil.rmtree(work / name, ignore_errors=True)


@contextmanager
def running_site(work: Path, wanted: Wanted) -> Iterator[Site]:
    """Identities, a broker and a fleet that serves it, configurations of van and room.

    Raises: ToolMissing without mosquitto, BrokerUnreachable when it does not come up.
    """
    site = _build_site(work, wanted)
    try:
        site.fleet.start()
        yield site
    finally:
        site.fleet.stop()
        site.broker.stop()
        shutil.rmtree(site.runtime, ignore_errors=True)


def _build_site(work: Path, wanted: Wanted) -> Site:
    authority = Authority.create(work / "authority", FLEET)
    roles = Roles(FLEET, devices=(DEVICE,), rooms=(ROOM,), fleet_admins=(ADMIN,))
    broker = Broker(work / "broker", authority.issue_server(), roles)
    broker.start()
    device_keys = authority.device_keys(DEVICE)
    settings = _broker_settings(broker, authority.issue_client(ADMIN))
    fleet = FleetSide(work / "fleet", FLEET, settings, work / "log" / "fleet.log")
    fleet.authority.vans.add(DEVICE, device_keys.signing_key_hex)
    site = Site(
        work=work,
        runtime=Path(tempfile.mkdtemp(prefix="lfr-")),
        authority=authority,
        broker=broker,
        device_keys=device_keys,
        room_keys=authority.room_keys(ROOM),
        van_config=work / "van" / "lfr-edge.yaml",
        room_config=work / "room" / "room.yaml",
        room_saved=work / "saved",
        street_spec=work / "van" / "street.json",
        truth_file=wanted.truth or wanted.out.resolve() / "truth.jsonl",
        fleet=fleet,
    )
    _write_van_config(site, wanted)
    _write_room_config(site)
    if wanted.street is not None:
        _write_street_spec(site, wanted)
    return site


def _broker_settings(broker: Broker, certificate: Certificate) -> BrokerSettings:
    return BrokerSettings(
        host=broker.host,
        port=broker.port,
        ca_file=certificate.ca_file,
        cert_file=certificate.cert_file,
        key_file=certificate.key_file,
        keepalive_s=5,
        reconnect_max_s=RECONNECT_MAX_S,
    )


def _write_van_config(site: Site, wanted: Wanted) -> None:
    # A simulated street is passed in by hwsim's own main; the section's path is then never opened.
    clip = wanted.camera.resolve() if wanted.camera is not None else site.street_spec
    settings = {
        "device": {
            "id": DEVICE,
            "fleet": FLEET,
            "state_dir": str(site.work / "van" / "state"),
            "runtime_dir": str(site.runtime),
        },
        "camera": {"kind": "file", "path": str(clip), "pace": wanted.pace, "retries_max": 2, "retry_wait_s": 0.2},
        "inference": {"pack_dir": str(wanted.pack_dir.resolve()), "precision": wanted.precision},
        "broker": _broker_settings(site.broker, site.authority.issue_client(DEVICE)).model_dump(mode="json"),
        "keys": {
            "signing_key_file": str(site.device_keys.signing_key_file),
            "root_file": str(site.work / "van" / "root.json"),
        },
        "health": {"interval_s": HEARTBEAT_S},
        "outbox": {"resend_s": RESEND_S, "drain_s": DRAIN_S},
        # One van does not stampede.
        "repository": {"start_jitter_s": 0},
    }
    _write_yaml(site.van_config, settings)
    (site.work / "van" / "root.json").write_bytes(site.fleet.root_bytes)


def _write_room_config(site: Site) -> None:
    settings = {
        "fleet": FLEET,
        "state_dir": str(site.work / "room" / "state"),
        "bundle_dir": str(site.bundle_dir),
        "receipt_key_file": str(site.room_keys.signing_key_file),
        "seal_key_file": str(site.room_keys.seal_key_file),
        "devices": {DEVICE: site.device_keys.signing_key_hex},
        "heartbeat_interval_s": HEARTBEAT_S,
        "broker": _broker_settings(site.broker, site.authority.issue_client(ROOM)).model_dump(mode="json"),
    }
    _write_yaml(site.room_config, settings)


def _write_street_spec(site: Site, wanted: Wanted) -> None:
    spec: dict[str, Any] = {"truth_file": str(site.truth_file)}
    if isinstance(wanted.street, DrawnWanted):
        spec |= {"scenario": wanted.street.scenario}
    elif wanted.street is not None:
        spec |= {
            "people_dir": str(wanted.street.people_dir.resolve()),
            "count": wanted.street.count,
            "seed": wanted.street.seed,
            "density": wanted.street.density,
        }
    site.street_spec.parent.mkdir(parents=True, exist_ok=True)
    site.street_spec.write_text(json.dumps(spec, indent=1), encoding="utf-8")


def _write_yaml(path: Path, settings: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(settings, sort_keys=False), encoding="utf-8")
