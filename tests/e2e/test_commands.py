"""A suspension from the command that orders it to the camera that closes, and back: real broker, real halves.

`lfr-fleet` and `lfr-room` are run as people type them; only camera and networks are made.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
import yaml
from hwsim.broker import Broker, Roles

from control_room import cli as room_cli
from edge import wire
from edge.clock import SystemClock
from edge.devices import Model
from edge.drivers.file_secrets import FileSecrets
from edge.formats.topics import HEALTH, device_topic
from edge.trust.keys import write_private
from edge.trust.packs import read_manifest
from edge.vision import app as app_module
from edge.vision import overseer, pipeline
from edge.vision.app import Devices, VisionApp
from provisioning.authority import Authority
from tests.link.peers import Peer
from tests.link.rig import PATIENCE_S, LinkRun, Site
from tests.provisioning.fleet_rig import DIMENSION, FLEET, PACK, FleetRig, RigVan
from tests.vision.made import SeeingEmbedder, picture
from tests.vision.made_van import AppRun, MadeRuntime, MadeVan, PassersBy, made_pack

DEPLOYMENT, VAN, ROOM, ADMIN = "station-1", "van-1", "room-1", "admin-1"


class WideRuntime(MadeRuntime):
    """With templates as wide as the list's; nobody is seen here, so nobody is compared."""

    def load(self, content: bytes, label: str) -> Model:
        return SeeingEmbedder(dimension=DIMENSION) if content == b"embedder" else super().load(content, label)


@dataclass
class Stage:
    """One van on a broker; the fleet's commands at one machine, the room's at another."""

    rig: FleetRig
    site: Site
    room_yaml: Path
    beats: Peer
    camera: PassersBy
    runs: list[AppRun | LinkRun] = field(default_factory=list)

    def fleet(self, *words: str) -> int:
        return self.rig.at(*words)

    def room(self, *words: str) -> int:
        return room_cli.main(["suspend", *words, "--config", str(self.room_yaml)])

    def wait_state(self, state: str, after: int = 0) -> int:
        """Until so many heartbeats later one says so; how many there were."""

        def said(items: list[object]) -> bool:
            return any(_state(each) == state for each in items[after:])

        self.beats.heard.wait(said, f"state {state}")
        return len(self.beats.heard.all())

    def beat(self) -> dict[str, object]:
        signed: dict[str, object] = json.loads(self.beats.heard.all()[-1].payload)["data"]["signed"]
        return signed


def _state(heard: object) -> str:
    return str(json.loads(heard.payload)["data"]["signed"]["state"])  # type: ignore[attr-defined]


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    for module, name, value in (
        (app_module, "RETRY_WAIT_S", 0.05),
        (app_module, "POLL_S", 0.02),
        (pipeline, "POLL_S", 0.02),
        (overseer, "REFRESH_LEAST_S", 0.05),
    ):
        monkeypatch.setattr(module, name, value)
    authority = Authority.create(tmp_path / "ca", FLEET)
    roles = Roles(FLEET, devices=(VAN,), rooms=(ROOM,), fleet_admins=(ADMIN, "admin-2"))
    broker = Broker(tmp_path / "broker", authority.issue_server(), roles)
    broker.start()
    site = Site(tmp_path, authority, broker, None, None)  # type: ignore[arg-type]
    rig = FleetRig(tmp_path / "fleet").found()
    van = _enrol(rig, tmp_path / "van")
    _name_broker(rig.authority / "fleet.yaml", site, ADMIN)
    _order(rig)
    beats = Peer(site, site.certificate("admin-2"), None, device_topic(FLEET, VAN, HEALTH))
    stage = Stage(rig, site, _room_yaml(rig, site, van), beats, PassersBy([picture()], then="again"))
    listener = wire.listen(tmp_path / "van" / "pipe.sock")
    try:
        _start(stage, van, tmp_path / "van", listener)
        stage.wait_state("watching")
        yield stage
    finally:
        for run in stage.runs:
            run.stop()
        listener.close()
        beats.close()
        broker.kill()


def _enrol(rig: FleetRig, folder: Path) -> RigVan:
    root = rig.authority / "repo" / "metadata" / "1.root.json"
    state = folder / "state" / "vision"
    state.mkdir(parents=True)
    van = RigVan(state, VAN, rig.messages, root.read_bytes())
    rig.vans[VAN] = van
    assert rig.at("van", "add", VAN, "--signing-key", van.signing_key_hex) == 0
    (folder / "stock").write_bytes(van.stock())
    assert rig.at("van", "stock", str(folder / "stock")) == 0
    write_private(folder / "signing.key", van.signing_key)
    (folder / "root.json").write_bytes(van.root)
    return van


def _name_broker(path: Path, site: Site, identity: str) -> None:
    certificate = site.certificate(identity)
    files = {name: str(getattr(certificate, name)) for name in ("ca_file", "cert_file", "key_file")}
    section = {"host": site.broker.host, "port": site.broker.port, "reconnect_max_s": 1.0, **files}
    path.write_text(yaml.safe_dump({**yaml.safe_load(path.read_text()), "broker": section}))


def _order(rig: FleetRig) -> None:
    draft = rig.draft(DEPLOYMENT, "--backend", "made/int8", "--threshold", "0.9")
    rig.sign(draft, "officer", "custodian")
    assert rig.at("order", "publish", str(draft)) == 0


def _room_yaml(rig: FleetRig, site: Site, van: RigVan) -> Path:
    path = rig.folder / "room" / "room.yaml"
    settings = {
        "fleet": FLEET,
        "state_dir": "state",
        "bundle_dir": "bundles",
        "receipt_key_file": "receipt.key",
        "seal_key_file": "seal.key",
        "devices": {VAN: van.signing_key_hex},
    }
    path.write_text(yaml.safe_dump(settings))
    _name_broker(path, site, ROOM)
    return path


def _start(stage: Stage, van: RigVan, folder: Path, listener: object) -> None:
    clock = SystemClock()
    broker = yaml.safe_load(stage.room_yaml.read_text())["broker"]
    certificate = stage.site.certificate(VAN)
    files = {name: str(getattr(certificate, name)) for name in ("ca_file", "cert_file", "key_file")}
    settings = MadeVan.settings(
        type("Here", (), {"folder": folder})(),  # type: ignore[arg-type]
        broker={**broker, **files},
        outbox={"drain_s": 0},
        repository={"start_jitter_s": 0},
        health={"interval_s": 1},
    )
    pack = made_pack()
    embedder = pack.manifest.embedder.model_copy(update={"dimension": DIMENSION})
    manifest = pack.manifest.model_copy(update={"embedder": embedder})
    pack = replace(pack, manifest=manifest, sha256=read_manifest(PACK)[1])
    secrets = FileSecrets(folder / "state" / "vision" / "secrets")
    devices = Devices(stage.camera, WideRuntime(), clock, secrets, listener, (os.getuid(),))  # type: ignore[arg-type]
    stage.runs.append(AppRun(VisionApp(settings, pack, van.root, devices)))
    stage.runs.append(LinkRun(settings))


def test_fleet_suspends_two_resume_and_the_room_suspends(stage: Stage, capsys: pytest.CaptureFixture[str]):
    assert stage.camera.seen_round.wait(PATIENCE_S)
    assert stage.fleet("order", "suspend", DEPLOYMENT, "--reason", "the crowd is too dense") == 0
    assert "van-1: obeyed; by command of the fleet: the crowd is too dense" in capsys.readouterr().out
    assert not stage.camera.running
    mark = stage.wait_state("suspended")

    resume = ("order", "resume", DEPLOYMENT, "--reason", "the crowd has gone")
    assert stage.fleet(*resume, "--key", stage.rig.key("officer")) == 2
    assert "need 2" in capsys.readouterr().err
    sheet = str(stage.rig.folder / "resume.json")
    assert stage.fleet(*resume, "--key", stage.rig.key("officer"), "--out", sheet) == 0
    assert stage.rig.run("order", "countersign", sheet, "--key", stage.rig.key("custodian"), "--yes") == 0
    assert stage.fleet("order", "send", sheet) == 0
    assert "van-1: obeyed; watching" in capsys.readouterr().out
    mark = stage.wait_state("watching", mark)

    assert stage.room(DEPLOYMENT, "--reason", "two false alerts") == 0
    mark = stage.wait_state("suspended", mark)
    assert stage.beat()["suspended_because"] == "by command of the room: two false alerts"
    assert not stage.camera.running
    stage.camera.seen_round.clear()
    assert stage.fleet(*resume, "--key", stage.rig.key("officer"), "--key", stage.rig.key("custodian")) == 0
    stage.wait_state("watching", mark)
    assert stage.camera.seen_round.wait(PATIENCE_S)
