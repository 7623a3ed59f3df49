"""`lfr-fleet watchlist bundle`: what the room opens is what the build says, until the order's end."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from control_room.bundle_file import BundleFile
from control_room.errors import BundleEnded
from edge.clock import parse_utc
from edge.formats.bundle import BundlePerson
from edge.trust.keys import read_seal_key
from provisioning.list_now import list_now
from tests.provisioning.fleet_rig import CLOCK, FLEET, FleetRig


def sealed(rig: FleetRig, build: str, out: Path) -> None:
    assert rig.at("watchlist", "bundle", "station-1", build, "--out", str(out)) == 0


def opened(rig: FleetRig, path: Path, end: bool = False) -> BundleFile:
    key = read_seal_key(rig.folder / "room" / "seal.key")
    fleet = rig.fleet()
    with fleet.changing():
        not_after = list_now(fleet.repository(), fleet.ledger("station-1")).order.not_after_utc
    return BundleFile(path, FLEET, key, parse_utc(not_after) if end else CLOCK.now_utc())


def named(file: BundleFile, rig: FleetRig, reference: str) -> BundlePerson | None:
    return file.person(rig.entries[reference])


def test_room_opens_who_the_entries_are_until_the_order_s_end(rig: FleetRig, tmp_path: Path, capsys):
    rig.publish()
    capsys.readouterr()
    sealed(rig, str(rig.folder / "build-station-1"), tmp_path / "a.bundle")
    said = capsys.readouterr().out
    file = opened(rig, tmp_path / "a.bundle")
    assert file.fingerprint in said
    assert "remove" in said
    assert (file.deployment, file.head.part, file.entries) == ("station-1", 0, 6)
    person = named(file, rig, "ref-3")
    assert person is not None
    assert person.reference == "ref-3"
    assert file.photograph(rig.entries["ref-3"]) == b"jpeg"
    with pytest.raises(BundleEnded):
        opened(rig, tmp_path / "a.bundle", end=True)


def test_bundle_of_what_was_added_is_a_part_of_its_own(rig: FleetRig, tmp_path: Path, monkeypatch):
    rig.publish()
    keys = ("--key", rig.key("officer"), "--key", rig.key("custodian"), "--no-push")
    assert rig.at("watchlist", "remove", "station-1", "ref-0", *keys[:2], "--no-push") == 0
    more = rig.build("more", ["new-1"], seed=1)
    assert rig.at("watchlist", "add", "station-1", more, *keys) == 0
    monkeypatch.chdir(tmp_path)
    for build in (more, str(rig.folder / "build-station-1")):
        assert rig.at("watchlist", "bundle", "station-1", build) == 0
    added, first = (opened(rig, tmp_path / name) for name in ("station-1-000002.bundle", "station-1.bundle"))
    assert (added.head.part, added.entries) == (2, 1)
    assert named(added, rig, "new-1") is not None
    assert (first.head.part, first.entries) == (0, 6)  # ref-0 stays: an alert decided before may still be judged


def test_after_a_new_base_the_bundle_still_finds_its_part(rig: FleetRig, tmp_path: Path):
    rig.publish()
    keys = ("--key", rig.key("officer"), "--key", rig.key("custodian"), "--no-push")
    assert rig.at("watchlist", "compact", "station-1", *keys) == 0
    sealed(rig, str(rig.folder / "build-station-1"), tmp_path / "a.bundle")
    assert opened(rig, tmp_path / "a.bundle").head.part == 1


def test_build_of_which_nobody_is_on_the_list_is_not_sealed(rig: FleetRig, tmp_path: Path, capsys):
    rig.publish()
    other = rig.build("other", ["new-1"], seed=1)
    assert rig.at("watchlist", "bundle", "station-1", other, "--out", str(tmp_path / "a.bundle")) == 2
    assert "none of its entries is on the list" in capsys.readouterr().err
    assert not list(tmp_path.glob("*.bundle*"))


def test_build_whose_other_half_is_gone_is_not_sealed(rig: FleetRig, tmp_path: Path, capsys):
    rig.publish()
    build = rig.folder / "build-station-1"
    (build / "people.jsonl").unlink()
    assert rig.at("watchlist", "bundle", "station-1", str(build), "--out", str(tmp_path / "a.bundle")) == 2
    assert "people.jsonl" in capsys.readouterr().err


def test_after_the_close_nothing_is_sealed_any_more(rig: FleetRig, tmp_path: Path, capsys):
    rig.publish()
    words = ("order", "close", "station-1", "--reason", "over", "--key", rig.key("officer"), "--no-push")
    assert rig.at(*words) == 0
    build = str(rig.folder / "build-station-1")
    assert rig.at("watchlist", "bundle", "station-1", build, "--out", str(tmp_path / "a.bundle")) == 2
    assert capsys.readouterr().err
    assert not list(tmp_path.glob("*.bundle*"))


def test_no_name_is_in_the_repository_or_on_a_stick(rig: FleetRig, tmp_path: Path):
    rig.publish()
    sealed(rig, str(rig.folder / "build-station-1"), tmp_path / "a.bundle")
    shutil.rmtree(rig.folder / "build-station-1")
    rig.write_stick()
    for path in (each for root in (rig.authority / "repo", rig.messages) for each in root.rglob("*") if each.is_file()):
        data = path.read_bytes()
        assert b"ref-3" not in data, path
        assert rig.entries["ref-3"].encode() not in data, path
    assert json.loads((rig.folder / "room" / "room-keys.json").read_bytes())
