"""The units' command lines run a deployment: descriptor 3, two processes, one pipe that outlives both."""

from __future__ import annotations

import json
import pwd
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from hwsim.deploy.parts import read_lines, start_room
from hwsim.deploy.site import DEPLOYMENT, DEVICE, FLEET, Site, running_site, work_folder
from hwsim.deploy.threshold import threshold_for
from hwsim.deploy.wanted import Wanted

from edge.cli import main as lfr_edge
from edge.clock import SystemClock
from edge.drivers.file_secrets import FileSecrets
from edge.errors import ConfigInvalid
from edge.exits import Exit
from edge.trust.keys import read_signing_key
from edge.trust.vault import KeyVault
from edge.vision_main import find_uid, inherit_listener
from tests.clips import write_clip
from tests.key_stocks import stock_event
from tests.provisioning.fleet_rig import made_build
from tests.systemd.halves import OWN_USER, Systemd

STRANGER = "nobody"


@pytest.fixture
def site(tmp_path: Path, street_pack_dir: Path) -> Iterator[Site]:
    """A broker, a signed order, a sealed watchlist of nobody real, and a clip without a face."""
    wanted = Wanted(
        camera=write_clip(tmp_path / "clip.avi", 24),
        street=None,
        watchlist_dir=tmp_path,
        filler_dir=None,
        filler_count=None,
        pack_dir=street_pack_dir,
        precision="int8",
        threshold=0.55,
        subjects="synthetic",
        truth=None,
        out=tmp_path / "out",
        pace="realtime",
        pictures=False,
        faults=(),
        keep=False,
        alerted_share_min=0.0,
        false_alerts_max=0,
    )
    made_build(tmp_path / "built", ["nobody 1", "nobody 2", "nobody 3"], pack=street_pack_dir)
    threshold = threshold_for(street_pack_dir, "litert/int8", 100, wanted.threshold)
    with work_folder(wanted.out, keep=False) as work, running_site(work, wanted) as site:
        site.fleet.authority.vans.take_stock(first_stock(site))
        site.fleet.order(DEPLOYMENT, DEVICE, tmp_path / "built", site.room_public, threshold, work / "draft")
        yield site


def first_stock(site: Site) -> bytes:
    """The van's stock of keys, made before it starts."""
    folder = site.work / "van" / "state" / "vision"
    folder.mkdir(mode=0o700, parents=True)
    vault = KeyVault(folder / "vault", FileSecrets(folder / "secrets"))
    vault.refill(8)
    key = read_signing_key(site.device_keys.signing_key_file)
    return stock_event(vault, FLEET, DEVICE, key, SystemClock())


@pytest.fixture
def systemd(site: Site) -> Iterator[Systemd]:
    systemd = Systemd(site.van_config, site.runtime)
    yield systemd
    systemd.close()


@pytest.mark.real
def test_the_units_commands_carry_a_deployment_to_its_end(
    site: Site, systemd: Systemd, capsys: pytest.CaptureFixture[str]
) -> None:
    room = start_room(site, pictures=False)
    try:
        link = systemd.start_link()
        vision = systemd.start_vision()
        vision.wait_logged("state: watching")
        assert lfr_edge(["status", "--config", str(site.van_config)]) == 0
        assert "watchlist  3 entries" in capsys.readouterr().out
        assert vision.wait() == Exit.ENDED
        assert link.stop() == Exit.ENDED, "nothing is left in the outbox: the room has receipted it"
        record, receipt = read_lines(site.room_saved / "records.jsonl")
        assert (receipt["kind"], receipt["vision"]["entries_overwritten"]) == ("deletion_receipt", 3)
        assert record["statistics"]["frames_read"] == 24
    finally:
        room.ask_to_stop()
        room.wait(30)


@pytest.mark.real
def test_a_half_that_restarts_finds_the_socket_where_it_was(systemd: Systemd) -> None:
    link = systemd.start_link()
    systemd.start_vision().kill()
    again = systemd.start_vision()
    again.wait_logged("state: watching")
    link.kill()
    again.wait_logged("the other half closed the pipe")
    systemd.start_link()
    assert again.wait() == Exit.ENDED


@pytest.mark.real
@pytest.mark.skipif(OWN_USER == STRANGER, reason="runs as the very user that is to be a stranger")
def test_a_link_of_another_user_than_named_is_refused(systemd: Systemd) -> None:
    vision = systemd.start_vision(link_user=STRANGER)
    systemd.start_link()
    vision.wait_logged(f"only ({pwd.getpwnam(STRANGER).pw_uid},) may")
    assert vision.stop() == Exit.ENDED


@pytest.mark.real
def test_state_of_each_half_is_its_owners_alone(site: Site, systemd: Systemd) -> None:
    link, vision = systemd.start_link(), systemd.start_vision()
    vision.wait_logged("state: watching")
    link.stop()
    state_dir = site.work / "van" / "state"
    assert {(state_dir / half).stat().st_mode & 0o777 for half in ("vision", "link")} == {0o700}
    assert json.loads((state_dir / "vision" / "status.json").read_text())["half"] == "vision"


def test_unknown_link_user_is_a_configuration_mistake() -> None:
    with pytest.raises(ConfigInvalid, match="--link-user nosuchuser: this system has no such user"):
        find_uid("nosuchuser")


def test_without_a_link_user_it_is_the_own() -> None:
    assert find_uid(None) == find_uid(OWN_USER)


@pytest.mark.parametrize(
    ("kind", "listens"), [(socket.SOCK_STREAM, True), (socket.SOCK_DGRAM, False), (socket.SOCK_SEQPACKET, False)]
)
def test_another_kind_of_socket_is_refused(tmp_path: Path, kind: socket.SocketKind, listens: bool) -> None:
    with socket.socket(socket.AF_UNIX, kind) as other:
        other.bind(str(tmp_path / "s"))
        if listens:
            other.listen(1)
        with pytest.raises(ConfigInvalid, match="another kind of socket"):
            inherit_listener(other.fileno())
        assert other.fileno() >= 0


@pytest.mark.parametrize("descriptor", [-1, 99_999])
def test_a_missing_socket_is_a_configuration_mistake(descriptor: int) -> None:
    with pytest.raises(ConfigInvalid, match=rf"--listen-fd {descriptor}: no socket"):
        inherit_listener(descriptor)
