"""docs/watchlist.md does what it says: its commands run as they stand there, on a real broker, to the receipt."""

from __future__ import annotations

import argparse
import builtins
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from hwsim.broker import Broker, Roles

from edge.clock import SystemClock
from edge.formats.topics import KEYS, RECORDS, device_topic
from provisioning import build_command, serve
from provisioning.authority import Authority
from provisioning.cli import main
from provisioning.commands.common import FOLDER_VARIABLE
from provisioning.fleet_folder import FleetFolder
from provisioning.serve import Server
from provisioning.signers import PASSPHRASE_VARIABLE
from tests.link.peers import Peer
from tests.link.rig import PATIENCE_S, Site
from tests.provisioning.fleet_rig import FLEET, PACK, RigVan, made_build

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "watchlist.md"
DATE = re.compile(r"\$\((date [^)]*)\)")


def commands() -> list[str]:
    """Every line of the guide's shell blocks."""
    blocks = re.findall(r"^```sh\n(.*?)^```", GUIDE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.splitlines()]


class Walk:
    """Whoever types the commands, and the van that answers."""

    def __init__(self, folder: Path, site: Site) -> None:
        self.folder = folder
        self.site = site
        self.van: RigVan | None = None
        self.entries: dict[str, str] = {}

    def type(self, line: str) -> None:
        expanded = DATE.sub(lambda found: subprocess.check_output(shlex.split(found[1]), text=True).strip(), line)
        program, *words = shlex.split(expanded)
        if program == "export":
            return
        assert program == "lfr-fleet", line
        if words[:2] == ["watchlist", "build"]:
            self._build(words)
        elif words == ["serve"]:
            self._hear(KEYS, self._van().stock(), lambda fleet: fleet.vans.get("van-1").unused)
        else:
            if words[:2] == ["van", "add"]:
                (self.folder / "van-1.pub").write_text(self._van().signing_key_hex + "\n")
            assert main(words) == 0, line

    def _build(self, words: list[str]) -> None:
        """In the place of faces and networks, which test_build.py has: the options are read, the outcome is made."""
        options = build_command_options(words[1:])
        names = {"built": ["warrant-0417", "warrant-0502", "missing-7"], "more": ["warrant-0611"]}
        made = made_build(options.out, names[options.out.name], seed=len(options.out.name))
        self.entries |= dict(zip(names[options.out.name], made, strict=True))

    def _van(self) -> RigVan:
        if self.van is None:
            root = (self.folder / "authority" / "repo" / "metadata" / "1.root.json").read_bytes()
            self.van = RigVan(self.folder / "van", "van-1", self.folder / "stick", root)
        return self.van

    def _hear(self, channel: str, event: bytes, heard: object) -> None:
        """`serve`, until it has heard what the van says."""
        fleet = FleetFolder(self.folder / "authority", SystemClock())
        server = Server(fleet, lambda line: None)
        server.connection.start()
        peer = Peer(self.site, self.site.certificate("van-1"))
        deadline_s = fleet.clock.monotonic_s() + PATIENCE_S
        try:
            server.settle(PATIENCE_S)
            peer.publish(device_topic(FLEET, "van-1", channel), event, retain=channel == KEYS)
            while not heard(fleet):  # type: ignore[operator]
                assert fleet.clock.monotonic_s() < deadline_s
                server.step(0.05)
            server.settle(PATIENCE_S)
        finally:
            peer.close()
            server.connection.stop()


def build_command_options(words: list[str]) -> argparse.Namespace:
    """The command line of a build, read by the command's own parser."""
    parser = argparse.ArgumentParser()
    build_command.add_parser(parser.add_subparsers(required=True))
    return parser.parse_args(words)


@pytest.fixture
def walk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Walk]:
    monkeypatch.setattr(serve, "AUDIT_QUIET_S", 0.1)
    monkeypatch.setattr(serve, "LOOK_EVERY_S", 0.05)
    monkeypatch.setattr(serve, "TIDY_EVERY_S", 0.05)
    monkeypatch.setenv(PASSPHRASE_VARIABLE, "correct horse")
    monkeypatch.setenv(FOLDER_VARIABLE, "authority")
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    monkeypatch.setattr(builtins, "input", lambda prompt: "yes")
    monkeypatch.chdir(tmp_path)
    authority = Authority.create(tmp_path / "ca", FLEET)
    roles = Roles(FLEET, devices=("van-1",), rooms=(), fleet_admins=("admin-1",))
    broker = Broker(tmp_path / "broker", authority.issue_server(), roles)
    broker.start()
    certificate = authority.issue_client("admin-1")
    files = {name: str(getattr(certificate, name)) for name in ("ca_file", "cert_file", "key_file")}
    section = {"host": broker.host, "port": broker.port, **files}
    (tmp_path / "broker.yaml").write_text(yaml.safe_dump(section))
    (tmp_path / "pack").symlink_to(PACK)
    try:
        yield Walk(tmp_path, Site(tmp_path, authority, broker, None, None))  # type: ignore[arg-type]
    finally:
        broker.kill()


def test_every_command_of_the_guide_works_from_photograph_to_receipt(walk: Walk, capsys: pytest.CaptureFixture[str]):
    lines = commands()
    closing = next(number for number, line in enumerate(lines) if line.startswith("lfr-fleet order close"))
    for line in lines[:closing]:
        walk.type(line)
    main(["stick", "write", "stick"])
    van = walk.van
    assert van is not None
    watching = van.open()
    assert set(watching.holder.gallery.entry_ids()) == {
        walk.entries[each] for each in ("warrant-0417", "missing-7", "warrant-0611")
    }
    walk.type(lines[closing])
    main(["stick", "write", "stick"])
    assert van.is_closed(watching)
    receipt = van.receipt("station-1", watching.opened.recipient)
    walk._hear(RECORDS, receipt, lambda fleet: fleet.ledger("station-1").read().cleared)
    for line in lines[closing + 1 :]:
        walk.type(line)
    assert "1 of 1" in capsys.readouterr().out
