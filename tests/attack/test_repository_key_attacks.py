"""Attacks on the fleet's repository by thieves of its keys, and by one of two who must sign."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from securesystemslib.signer import SSlibKey
from tuf.api.metadata import DelegatedRole, Delegations, Root, TargetFile, Targets

from edge.errors import (
    OrderInvalid,
    OrderRollback,
    RepositoryRefused,
    RepositoryUnavailable,
)  # fmt: skip
from edge.trust.documents import canonical
from edge.trust.orders import RoleSigners, check_signers, read_order
from tests.fake_clock import FakeClock
from tests.made_repository import MadeFleet, made_signer
from tests.repository_van import STATION, Van, changed, forge_online, newest


@pytest.fixture(autouse=True)
def no_fsync(monkeypatch: pytest.MonkeyPatch) -> None:
    """These tests are about what is believed; that it is on disk is another's promise."""
    monkeypatch.setattr(os, "fsync", lambda _: None)


@pytest.fixture
def fleet(tmp_path: Path) -> MadeFleet:
    made = MadeFleet(tmp_path / "repo", FakeClock())
    made.publish_order()
    return made


@pytest.fixture
def van(tmp_path: Path, fleet: MadeFleet) -> Van:
    return Van(tmp_path / "van", fleet)


def test_fast_forward_by_stolen_online_keys_ends_with_a_new_root(fleet: MadeFleet, van: Van):
    van.courier.lies = forge_online(fleet, {}, jump=2**31)
    assert van.repository.refresh().snapshot_version > 2**31
    van.act()
    van.courier.lies = {}
    with pytest.raises((RepositoryRefused, OrderRollback)):
        van.repository.refresh()
    fleet.rotate("snapshot", ("snapshot-2",))
    fleet.rotate("timestamp", ("timestamp-2",))
    for _ in range(2):
        view = van.repository.refresh()
        assert view.snapshot_version < 100
        van.act()
        van.restart()
    assert van.repository.kept().order(STATION).data == fleet.order_bytes()


def test_stolen_online_keys_make_no_order(fleet: MadeFleet, van: Van):
    van.act()
    _, data = newest(fleet, f"deployment.{STATION}")
    forged = fleet.order_bytes(place="Elsewhere", version=9)

    def put(role: Targets) -> None:
        role.version = 2
        target = TargetFile.from_data(f"deployments/{STATION}/order.json", forged, ["sha256"])
        role.targets[target.path] = target

    role = changed(data, put, "snapshot", "timestamp", "log")
    van.courier.lies = forge_online(fleet, {f"metadata/2.deployment.{STATION}.json": role})
    view = van.repository.refresh()
    with pytest.raises(RepositoryRefused):
        view.order(STATION)


def test_stolen_online_keys_are_out_of_use_though_the_new_root_is_followed_by_silence(fleet: MadeFleet, van: Van):
    van.act()
    stolen = forge_online(fleet, {}, jump=5)
    first_index = fleet.repository.files()["index.json"]
    fleet.rotate("snapshot", ("snapshot-2",))
    fleet.rotate("timestamp", ("timestamp-2",))
    van.courier.lies = {"metadata/timestamp.json": None}
    with pytest.raises(RepositoryUnavailable):
        van.repository.refresh()
    van.restart()
    van.courier.lies = {**stolen, "index.json": first_index}
    with pytest.raises(RepositoryRefused):
        van.repository.refresh()
    with pytest.raises(RepositoryRefused):
        van.repository.kept()


def test_stolen_log_key_is_out_of_use_once_both_sign_another(fleet: MadeFleet, van: Van):
    van.act()
    fleet.online = type(fleet.online)(fleet.online.snapshot, fleet.online.timestamp, made_signer("log-2"))
    fleet.publish_order(fleet.order_bytes(version=2))
    fleet.repository.add_log_item(STATION, 1, b"{}", fleet.online)
    name, data = newest(fleet, f"log.{STATION}")
    version = int(name.split("/")[1].split(".")[0]) + 1

    def count_up(role: Targets) -> None:
        role.version = version

    assert van.repository.refresh().log(STATION, 0)[0].data == b"{}"
    van.courier.lies = forge_online(
        fleet, {f"metadata/{version}.log.{STATION}.json": changed(data, count_up, "log")}, jump=2
    )
    with pytest.raises(RepositoryRefused):
        van.repository.refresh().log(STATION, 0)


@pytest.mark.parametrize("signers", [("officer",), ("officer", "officer"), ("officer", "deputy"), ("officer", "log")])
def test_order_with_one_of_its_two_signatures_is_refused(fleet: MadeFleet, van: Van, signers: tuple[str, ...]):
    name, data = newest(fleet, f"deployment.{STATION}")
    van.courier.lies = {name: changed(data, lambda role: None, *signers)}
    with pytest.raises(RepositoryRefused):
        van.repository.refresh().order(STATION)


def test_targets_key_alone_cannot_name_itself_officer_and_custodian(fleet: MadeFleet, van: Van):
    """With the online keys stolen too: targets needs two, so one signature makes no delegation at all."""
    name, data = newest(fleet, "targets")

    def delegate(targets: Targets) -> None:
        targets.version += 1
        role = next(iter(targets.delegations.roles.values()))
        role.keyids = [made_signer("officer").public_key.keyid]
        role.threshold = 1

    version = int(name.split("/")[1].split(".")[0]) + 1
    forged = changed(data, delegate, "officer")
    van.courier.lies = forge_online(fleet, {f"metadata/{version}.targets.json": forged})
    with pytest.raises(RepositoryRefused):
        van.repository.refresh()


def test_two_who_sign_a_delegation_to_one_of_them_are_refused(fleet: MadeFleet, van: Van):
    name, data = newest(fleet, "targets")

    def delegate(targets: Targets) -> None:
        targets.version += 1
        role = next(iter(targets.delegations.roles.values()))
        role.keyids, role.threshold = [made_signer("officer").public_key.keyid], 1

    version = int(name.split("/")[1].split(".")[0]) + 1
    forged = changed(data, delegate, "officer", "custodian")
    van.courier.lies = forge_online(fleet, {f"metadata/{version}.targets.json": forged})
    with pytest.raises(RepositoryRefused, match="need 2 of 2"):
        van.repository.refresh()


def test_one_key_under_two_ids_is_no_second_person(fleet: MadeFleet, van: Van):
    """TUF counts ids. A key that goes by another id would sign as officer and as custodian."""
    name, data = newest(fleet, "targets")
    public = made_signer("officer").public_key.keyval

    def delegate(targets: Targets) -> None:
        targets.version += 1
        role = next(iter(targets.delegations.roles.values()))
        targets.delegations.keys["f" * 64] = SSlibKey("f" * 64, "ed25519", "ed25519", public)
        role.keyids = [made_signer("officer").public_key.keyid, "f" * 64]

    version = int(name.split("/")[1].split(".")[0]) + 1
    forged = changed(data, delegate, "officer", "custodian")
    van.courier.lies = forge_online(fleet, {f"metadata/{version}.targets.json": forged})
    with pytest.raises(RepositoryRefused, match="one key could sign as two"):
        van.repository.refresh()


def test_order_signed_by_two_others_than_it_names_is_refused(fleet: MadeFleet, van: Van):
    signed = van.repository.refresh().order(STATION)
    named = read_order(fleet.order_bytes(authorising_officer={"name": "Other", "key_id": "a" * 64}))
    with pytest.raises(OrderInvalid, match="its role asks for"):
        check_signers(named, RoleSigners(signed.key_ids, signed.threshold))


def test_targets_that_list_an_order_themselves_are_refused(fleet: MadeFleet, van: Van):
    """Any two of targets' keys would otherwise stand in for the two whom the order names."""
    name, data = newest(fleet, "targets")
    forged_order = fleet.order_bytes(version=7)

    def put(targets: Targets) -> None:
        targets.version += 1
        target = TargetFile.from_data(f"deployments/{STATION}/order.json", forged_order, ["sha256"])
        targets.targets[target.path] = target

    version = int(name.split("/")[1].split(".")[0]) + 1
    forged = changed(data, put, "officer", "deputy")
    van.courier.lies = forge_online(fleet, {f"metadata/{version}.targets.json": forged})
    with pytest.raises(RepositoryRefused, match="policy profiles only"):
        van.repository.refresh()


@pytest.mark.parametrize(
    "wrong",
    [
        DelegatedRole("log.station-9", ["a" * 64, "b" * 64], 2, True, ["deployments/station-9/*"]),
        DelegatedRole("anything", ["a" * 64, "b" * 64], 2, True, ["*"]),
        DelegatedRole("deployment.station-8", ["a" * 64, "b" * 64], 2, True, ["deployments/*/*"]),
        DelegatedRole("deployment.station-8", ["a" * 64, "b" * 64], 2, False, ["deployments/station-8/*"]),
    ],
)
def test_delegation_beyond_a_deployment_is_refused(fleet: MadeFleet, van: Van, wrong: DelegatedRole):
    name, data = newest(fleet, "targets")

    def delegate(targets: Targets) -> None:
        targets.version += 1
        keys = [made_signer(each).public_key for each in ("officer", "custodian")]
        wrong.keyids = [key.keyid for key in keys]
        targets.delegations.roles[wrong.name] = wrong

    version = int(name.split("/")[1].split(".")[0]) + 1
    forged = changed(data, delegate, "officer", "custodian")
    van.courier.lies = forge_online(fleet, {f"metadata/{version}.targets.json": forged})
    with pytest.raises(RepositoryRefused):
        van.repository.refresh()


def test_log_that_delegates_or_lists_more_than_its_items_is_refused(fleet: MadeFleet, van: Van):
    name, data = newest(fleet, f"log.{STATION}")

    def list_order(role: Targets) -> None:
        target = TargetFile.from_data(f"deployments/{STATION}/order.json", b"{}", ["sha256"])
        role.targets[target.path] = target

    def delegate(role: Targets) -> None:
        role.delegations = Delegations({}, {})

    for change in (list_order, delegate):
        van.courier.lies = {name: changed(data, change, "log")}
        with pytest.raises(RepositoryRefused):
            van.repository.refresh().log(STATION, 0)


@pytest.mark.parametrize("role", ["root", "targets", "snapshot", "timestamp"])
def test_root_signed_by_one_rotates_nothing(fleet: MadeFleet, van: Van, role: str):
    _, data = newest(fleet, "root")

    def rotate(root: Root) -> None:
        root.version += 1
        thief = made_signer("thief").public_key
        root.add_key(thief, role)

    van.courier.lies = {
        "metadata/2.root.json": changed(data, rotate, "root-1", "thief"),
        "index.json": canonical({"root": 2}),
    }
    with pytest.raises(RepositoryRefused):
        van.repository.refresh()
    van.courier.lies = {}
    assert van.repository.refresh().root_version == 1


@pytest.mark.parametrize(
    ("role", "names"),
    [
        ("root", ("root-a", "root-b", "root-c")),
        ("targets", ("officer", "custodian", "deputy-2")),
        ("snapshot", ("snapshot-2",)),
        ("timestamp", ("timestamp-2",)),
    ],
)
def test_rotation_of_every_role_is_followed_by_vans_old_and_new(
    fleet: MadeFleet, van: Van, tmp_path: Path, role: str, names: tuple[str, ...]
):
    van.act()
    fleet.rotate(role, names)
    fleet.repository.add_log_item(STATION, 1, b"{}", fleet.online)
    newcomer = Van(tmp_path / "newcomer", fleet)
    for each in (van, newcomer):
        view = each.repository.refresh()
        assert view.root_version == 2
        assert view.log(STATION, 0)[0].data == b"{}"
        each.act()
        each.restart()
        assert each.repository.kept().root_version == 2
