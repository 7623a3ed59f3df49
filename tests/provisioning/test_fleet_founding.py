"""Founding an authority in steps, and changing its keys: no private key of a person ever lies in its folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioning.cli import main
from provisioning.signers import write_key
from tests.provisioning.fleet_rig import FleetRig

NAMES = ("root-1", "root-2", "root-3", "officer", "custodian")


@pytest.fixture
def people(tmp_path: Path) -> Path:
    for name in NAMES:
        write_key(tmp_path / name, None)
    return tmp_path


def started(people: Path, *more: str) -> FleetRig:
    rig = FleetRig(people / "rig")
    words = [word for name in NAMES for word in (f"--{name.partition('-')[0]}", f"{name}={people / name}.pub")]
    assert rig.run("init", str(rig.authority), "--fleet", "fleet-1", *words, *more) == 0
    return rig


def sign(rig: FleetRig, people: Path, draft: Path, *names: str) -> None:
    for name in names:
        assert rig.run("repo", "sign", str(draft), "--key", str(people / name), "--yes") == 0


def test_authority_is_founded_by_two_of_roots_holders_and_two_people(people: Path):
    rig = started(people)
    founding = rig.authority / "founding.draft"
    sign(rig, people, founding, "root-1", "root-3", "officer")
    assert rig.at("repo", "publish", str(founding), "--no-push") == 2
    assert rig.at("status") == 2
    sign(rig, people, founding, "custodian")
    assert rig.at("repo", "publish", str(founding), "--no-push") == 0
    assert rig.at("status") == 0


def test_no_persons_private_key_is_in_the_folder(people: Path):
    rig = started(people)
    private = [path for path in rig.authority.rglob("*") if path.is_file() and b"PRIVATE KEY" in path.read_bytes()]
    assert sorted(path.name for path in private) == ["snapshot.key", "timestamp.key"]
    assert all(path.stat().st_mode & 0o077 == 0 for path in private)
    assert rig.authority.stat().st_mode & 0o077 == 0


def test_two_roots_holders_are_not_enough_to_begin(people: Path, capsys: pytest.CaptureFixture[str]):
    words = [word for name in NAMES[:2] for word in ("--root", f"{name}={people / name}.pub")]
    who = ("--officer", f"o={people / 'officer'}.pub", "--custodian", f"c={people / 'custodian'}.pub")
    assert main(["init", str(people / "a"), "--fleet", "fleet-1", *words, *who]) == 2
    assert "root has 2 keys, need at least 3" in capsys.readouterr().err


def test_authority_is_not_made_over_another(rig: FleetRig, capsys: pytest.CaptureFixture[str]):
    assert rig.run("init", str(rig.authority), "--fleet", "fleet-2", "--development") == 2
    assert "never written over" in capsys.readouterr().err


@pytest.mark.parametrize("role", ["snapshot", "timestamp"])
def test_stolen_online_key_is_put_out_of_use(rig: FleetRig, role: str):
    before = rig.fleet().online_key(role).keyid
    draft = rig.folder / "rotate.draft"
    assert rig.at("repo", "rotate", role, "--out", str(draft)) == 0
    for name in ("root-1", "root-2"):
        assert rig.run("repo", "sign", str(draft), "--key", rig.key(name), "--yes") == 0
    assert rig.at("repo", "publish", str(draft), "--no-push") == 0
    assert rig.fleet().online_key(role).keyid != before
    rig.publish()
    assert rig.vans["van-1"].open()


def test_officer_who_leaves_signs_nothing_any_more(rig: FleetRig, capsys: pytest.CaptureFixture[str]):
    write_key(rig.authority / "people" / "successor.key", None)
    draft = rig.folder / "rotate.draft"
    to = (
        "--to",
        f"officer:successor={rig.key('successor')}.pub",
        "--to",
        f"custodian:custodian={rig.key('custodian')}.pub",
    )
    assert rig.at("repo", "rotate", "targets", *to, "--out", str(draft)) == 0
    for name in ("root-1", "root-2", "successor", "custodian"):
        assert rig.run("repo", "sign", str(draft), "--key", rig.key(name), "--yes") == 0
    assert rig.at("repo", "publish", str(draft), "--no-push") == 0
    with pytest.raises(AssertionError):
        rig.draft()
    assert "officer 'officer': 0 fit" in capsys.readouterr().err
    drafted = rig.draft("market-1", "--officer", "successor", build=str(rig.folder / "build-station-1"))
    rig.sign(drafted, "successor", "custodian")
    assert rig.at("order", "publish", str(drafted), "--no-push") == 0
    rig.write_stick()
    assert rig.vans["van-1"].open().opened.order.authorising_officer.name == "successor"


def test_policy_and_renewal_are_signed_by_two(rig: FleetRig):
    for number, words in enumerate((("policy", "eu"), ("renew",))):
        draft = rig.folder / f"{number}.draft"
        assert rig.at("repo", *words, "--out", str(draft)) == 0
        assert rig.run("repo", "sign", str(draft), "--key", rig.key("officer"), "--yes") == 0
        assert rig.at("repo", "publish", str(draft), "--no-push") == 2
        assert rig.run("repo", "sign", str(draft), "--key", rig.key("custodian"), "--yes") == 0
        assert rig.at("repo", "publish", str(draft), "--no-push") == 0
    assert [name for name in rig.fleet().repository().names() if name.endswith("eu-1.json")]


def test_draft_that_is_none_is_refused(rig: FleetRig, capsys: pytest.CaptureFixture[str]):
    path = rig.folder / "x.draft"
    for data in (b"", b"{}", b"\0" * 100, b'{"type":"repository_draft"}'):
        path.write_bytes(data)
        assert rig.run("repo", "show", str(path)) == 2
    assert rig.run("repo", "show", str(rig.folder / "absent")) == 2
    assert "lfr-fleet:" in capsys.readouterr().err


def test_stolen_log_key_is_put_out_of_use_by_the_same_two(rig: FleetRig):
    rig.publish()
    van = rig.vans["van-1"]
    watching = van.open()
    before = rig.fleet().ledger("station-1").log_key().keyid
    draft = rig.folder / "log-draft"
    assert rig.at("order", "new-log-key", "station-1", "--out", str(draft)) == 0
    rig.sign(draft, "officer")
    assert rig.at("order", "publish", str(draft), "--no-push") == 2
    rig.sign(draft, "custodian")
    assert rig.at("order", "publish", str(draft), "--no-push") == 0
    assert rig.fleet().ledger("station-1").log_key().keyid != before
    assert rig.at("watchlist", "remove", "station-1", "ref-0", "--key", rig.key("officer"), "--no-push") == 0
    rig.write_stick()
    assert len(van.refreshed(watching).holder.gallery.entry_ids()) == 5
