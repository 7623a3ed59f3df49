"""The place of a simulated deployment: its folders, identities, keys and configuration files."""

from __future__ import annotations

import json
import shutil
import tempfile
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import yaml

from edge.clock import SystemClock
from edge.formats.receipts import StockedKey
from edge.trust.watchlist_writer import WatchlistEntry
from hwsim.broker import Broker, Roles
from hwsim.deploy.room_side import CATEGORY, RESPONSE, write_simulated_bundle
from hwsim.deploy.wanted import DrawnWanted, Wanted
from hwsim.fleet import SimulatedFleet, Terms
from provisioning.authority import Authority, Certificate, SigningKeys
from provisioning.enrolment import Entry
from provisioning.publish import RepositoryPublisher

FLEET = "sim-fleet"
DEVICE = "van-7f3a"
ROOM = "room-1"
ADMIN = "fleet-1"
DEPLOYMENT = "sim-deployment"

ORDER_LASTS = timedelta(hours=2)
ALERT_RETENTION_H = 24.0
ENTRIES_MAX = 2_000
HEARTBEAT_S = 1.0
RESEND_S = 2.0
DRAIN_S = 40.0
RECONNECT_MAX_S = 2.0

PRIVATE_FOLDERS = ("authority", "fleet", "van", "room", "broker", "saved")
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
    admin: Certificate
    van_config: Path
    room_config: Path
    room_saved: Path
    street_spec: Path
    truth_file: Path
    fleet: SimulatedFleet
    published: dict[str, bytes]

    @property
    def van_status(self) -> Path:
        """Where the van's vision half says how it is."""
        return self.work / "van" / "state" / "vision" / "status.json"

    def remove(self, keep: bool) -> None:
        """Take away all that was private to the deployment, unless it is to be looked at."""
        shutil.rmtree(self.runtime, ignore_errors=True)
        for name in () if keep else PRIVATE_FOLDERS:
            shutil.rmtree(self.work / name, ignore_errors=True)


def build_site(wanted: Wanted, pack_dir: Path) -> Site:
    """Make a development authority and all identities, start the broker, write the configurations.

    Raises: ToolMissing without mosquitto, BrokerUnreachable when it does not come up.
    """
    work = wanted.out.resolve() / "site"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    authority = Authority.create(work / "authority", FLEET)
    roles = Roles(FLEET, devices=(DEVICE,), rooms=(ROOM,), fleet_admins=(ADMIN,))
    broker = Broker(work / "broker", authority.issue_server(), roles)
    broker.start()
    site = Site(
        work=work,
        runtime=Path(tempfile.mkdtemp(prefix="lfr-")),
        authority=authority,
        broker=broker,
        device_keys=authority.device_keys(DEVICE),
        room_keys=authority.room_keys(ROOM),
        admin=authority.issue_client(ADMIN),
        van_config=work / "van" / "lfr-edge.yaml",
        room_config=work / "room" / "room.yaml",
        room_saved=work / "saved",
        street_spec=work / "van" / "street.json",
        truth_file=wanted.truth or wanted.out.resolve() / "truth.jsonl",
        fleet=SimulatedFleet(work / "fleet", FLEET, SystemClock()),
        published={},
    )
    _write_van_config(site, wanted, pack_dir)
    _write_room_config(site)
    if wanted.street is not None:
        _write_street_spec(site, wanted)
    return site


def order_deployment(
    site: Site,
    entries: tuple[Entry, ...],
    wanted: Wanted,
    pack_sha256: str,
    backend: str,
    key: StockedKey,
) -> int:
    """Have the watchlist sealed to a key of the van's stock and the order signed by two; publish; bytes published."""
    terms = Terms(
        deployment=DEPLOYMENT,
        pack_sha256=pack_sha256,
        similarity_threshold=wanted.settled_threshold,
        threshold_backend=backend,
        room_receipt_key_hex=site.room_keys.signing_key_hex,
        room_seal_key_hex=site.room_keys.seal_key_hex,
        lasts=ORDER_LASTS,
        alert_retention_h=ALERT_RETENTION_H,
        entries_max=max(ENTRIES_MAX, len(entries)),
    )
    listed = [WatchlistEntry(entry.entry_id, CATEGORY, RESPONSE, entry.vector) for entry in entries]
    order = site.fleet.order(terms, listed, {DEVICE: key}, wanted.subjects)
    write_simulated_bundle(site.work / "room" / "bundle", order, entries)
    return publish_changes(site)


def publish_changes(site: Site) -> int:
    """Whatever of the repository the broker does not have yet; bytes published."""
    files = site.fleet.files()
    changed = {name: data for name, data in files.items() if site.published.get(name) != data}
    with _publisher(site) as publisher:
        publisher.publish(changed, expiry_s=int(ORDER_LASTS.total_seconds()))
        publisher.clear(name for name in site.published if name not in files)
    site.published.clear()
    site.published.update(files)
    return sum(map(len, changed.values()))


def clear_deployment(site: Site) -> None:
    """Take the deployment's retained files off the broker, once the van has signed for its end."""
    gone = [name for name in site.published if name.startswith("deployments/") or "." + DEPLOYMENT in name]
    with _publisher(site) as publisher:
        publisher.clear(gone)
    for name in gone:
        del site.published[name]


def _publisher(site: Site) -> RepositoryPublisher:
    admin, broker = site.admin, site.broker
    return RepositoryPublisher(broker.host, broker.port, FLEET, admin.ca_file, admin.cert_file, admin.key_file)


def _broker_section(site: Site, certificate: Certificate) -> dict[str, Any]:
    return {
        "host": site.broker.host,
        "port": site.broker.port,
        "ca_file": str(certificate.ca_file),
        "cert_file": str(certificate.cert_file),
        "key_file": str(certificate.key_file),
        "keepalive_s": 5,
        "reconnect_max_s": RECONNECT_MAX_S,
    }


def _write_van_config(site: Site, wanted: Wanted, pack_dir: Path) -> None:
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
        "inference": {"pack_dir": str(pack_dir.resolve()), "precision": wanted.precision},
        "broker": _broker_section(site, site.authority.issue_client(DEVICE)),
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
        "bundle_dir": str(site.work / "room" / "bundle"),
        "receipt_key_file": str(site.room_keys.signing_key_file),
        "seal_key_file": str(site.room_keys.seal_key_file),
        "devices": {DEVICE: site.device_keys.signing_key_hex},
        "heartbeat_interval_s": HEARTBEAT_S,
        "broker": _broker_section(site, site.authority.issue_client(ROOM)),
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
