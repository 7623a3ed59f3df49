"""Attacks on the fleet's repository: by the broker, by link, by thieves of keys, and on the van's own disk."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from tuf.api.metadata import TargetFile, Targets

from edge.errors import (
    OrderRollback,
    RepositoryRefused,
    RepositoryUnavailable,
    StateFileInvalid,
)  # fmt: skip
from edge.formats.parts import split
from edge.trust.documents import canonical
from edge.trust.orders import read_order
from tests.fake_clock import FakeClock
from tests.made_repository import MadeFleet
from tests.repository_van import STATION, Van, changed, fails, forge_online, newest


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


# Bringing back, holding back, mixing


def test_rollback_to_an_older_repository_is_refused(fleet: MadeFleet, van: Van):
    van.courier.freeze()
    old = van.courier.frozen
    van.courier.frozen = None
    fleet.publish_order(fleet.order_bytes(version=2))
    van.act()
    van.courier.frozen = old
    with pytest.raises(RepositoryRefused, match="version"):
        van.repository.refresh()
    assert read_order(van.repository.kept().order(STATION).data).version == 2


def test_rollback_with_tufs_state_deleted_meets_the_floor(fleet: MadeFleet, van: Van):
    van.courier.freeze()
    old = van.courier.frozen
    van.courier.frozen = None
    fleet.publish_order(fleet.order_bytes(version=2))
    van.act()
    van.lose("kept.json")
    van.courier.frozen = old
    with pytest.raises(OrderRollback, match="it is older"):
        van.repository.refresh()


def test_rollback_with_all_state_deleted_meets_the_floor_outside_the_disk(fleet: MadeFleet, van: Van):
    van.courier.freeze()
    old = van.courier.frozen
    van.courier.frozen = None
    fleet.publish_order(fleet.order_bytes(version=2))
    van.act()
    van.lose("kept.json", "floor.json")
    van.courier.frozen = old
    with pytest.raises(OrderRollback, match="it is older"):
        van.repository.refresh()


def test_log_rolled_back_by_the_thief_of_its_key_and_the_online_keys_meets_the_floor(fleet: MadeFleet, van: Van):
    fleet.repository.add_log_item(STATION, 1, b"{}", fleet.online)
    van.act()
    name, data = newest(fleet, f"log.{STATION}")
    version = int(name.split("/")[1].split(".")[0]) + 1

    def empty(role: Targets) -> None:
        role.version, role.targets = version, {}

    van.courier.lies = forge_online(fleet, {f"metadata/{version}.log.{STATION}.json": changed(data, empty, "log")})
    with pytest.raises(OrderRollback, match="its log ends at 0"):
        van.repository.refresh().log(STATION, 0)


def test_damaged_floor_is_not_taken_for_none(fleet: MadeFleet, van: Van):
    van.act()
    (van.folder / "floor.json").write_bytes(b"{}")
    with pytest.raises(StateFileInvalid, match="enrol the van anew"):
        van.restart()


def test_freeze_ends_with_the_timestamp(fleet: MadeFleet, van: Van):
    van.courier.freeze()
    made_at = van.repository.refresh().made_at_utc
    fleet.clock.advance(901)
    fleet.repository.refresh_timestamp(fleet.online)
    with pytest.raises(RepositoryUnavailable, match="nothing in date"):
        van.repository.refresh()
    assert van.repository.kept().made_at_utc == made_at


def test_mix_and_match_of_two_snapshots_is_refused(fleet: MadeFleet, van: Van):
    files = fleet.repository.files()
    name, _ = newest(fleet, "snapshot")
    fleet.publish_order(fleet.order_bytes(version=2))
    late, _ = newest(fleet, "snapshot")
    van.courier.lies = {late: files[name]}
    with pytest.raises(RepositoryRefused):
        van.repository.refresh()


def test_swapped_metadata_of_two_deployments_is_refused(fleet: MadeFleet, van: Van):
    other = fleet.order_bytes("station-10")
    fleet.publish_order(other)
    files = fleet.repository.files()
    van.courier.lies = {f"metadata/1.deployment.{STATION}.json": files["metadata/1.deployment.station-10.json"]}
    with pytest.raises(RepositoryRefused):
        van.repository.refresh().order(STATION)


def test_swapped_target_is_refused(fleet: MadeFleet, van: Van):
    name = next(name for name in fleet.repository.files() if name.endswith(".order.json"))
    van.courier.lies = {name: fleet.order_bytes(place="Elsewhere")}
    with pytest.raises(RepositoryRefused, match="order"):
        van.repository.refresh().order(STATION)


# Sizes and lengths


def test_oversized_everything_is_refused_before_it_is_read_whole(fleet: MadeFleet, van: Van):
    huge = split("x", b"y" * 2**20)
    for name in list(fleet.repository.files()):
        lie: dict[str, bytes | None] = {name: huge["x"]}
        lie |= {f"{name}{part.removeprefix('x')}": data for part, data in huge.items() if part != "x"}
        fresh = Van(van.folder / name.replace("/", "_"), fleet)
        fresh.courier.lies = lie
        assert fails(fresh) or name not in fresh.courier.names_asked()
        assert fresh.courier.bytes_given < 300 * 1024, name


def test_target_announced_larger_than_its_kind_may_be_is_not_fetched(fleet: MadeFleet, van: Van):
    name, data = newest(fleet, f"log.{STATION}")

    def put(role: Targets) -> None:
        target = TargetFile.from_data(f"deployments/{STATION}/log/000001.json", b"{}", ["sha256"])
        target.length = 2**40
        role.targets[target.path] = target

    van.courier.lies = {name: changed(data, put, "log")}
    view = van.repository.refresh()
    with pytest.raises(RepositoryRefused, match="at most"):
        view.log(STATION, 0)


def test_target_hash_that_is_a_path_is_refused(fleet: MadeFleet, van: Van):
    name, data = newest(fleet, f"log.{STATION}")

    def put(role: Targets) -> None:
        target = TargetFile.from_data(f"deployments/{STATION}/log/000001.json", b"{}", ["sha256"])
        target.hashes["sha256"] = "../../../../escaped"
        role.targets[target.path] = target

    van.courier.lies = {name: changed(data, put, "log")}
    with pytest.raises(RepositoryRefused, match="SHA-256"):
        van.repository.refresh().log(STATION, 0)


def test_endless_chain_of_roots_is_not_followed(fleet: MadeFleet, van: Van):
    van.courier.lies = {"index.json": canonical({"root": 2**31})}
    with pytest.raises(RepositoryRefused, match="at most 33"):
        van.repository.refresh()
    assert van.courier.names_asked() == ["index.json", "index.json"]


def test_more_roots_than_may_be_ahead_at_once_are_followed_one_rotation_after_the_other(fleet: MadeFleet, van: Van):
    for round_ in range(40):
        draft = fleet.repository.draft_rotation(None)
        for name in ("root-1", "root-2"):
            draft.sign(fleet.roots[name])
        fleet.repository.publish(draft, fleet.online)
        if round_ % 20 == 0:
            van.repository.refresh()
    assert van.repository.refresh().root_version == 41


# The index, and a link that lies


def test_lying_index_that_hides_a_root_is_a_freeze(fleet: MadeFleet, van: Van):
    before = fleet.repository.files()["index.json"]
    fleet.rotate("timestamp", ("timestamp-2",))
    van.courier.lies = {"index.json": before}
    with pytest.raises(RepositoryRefused):
        van.repository.refresh()
    van.courier.lies = {}
    assert van.repository.refresh().root_version == 2


@pytest.mark.parametrize(
    "index", [b"", b"{}", b"[]", b'{"root":0}', b'{"root":true}', b'{"root":"1"}', b'{"root":1,"x":2}', b'{"root": 1}']
)
def test_index_that_is_none_is_refused(van: Van, index: bytes):
    van.courier.lies = {"index.json": index}
    with pytest.raises(RepositoryRefused):
        van.repository.refresh()


def test_index_that_announces_a_root_that_is_not_there_fails_the_refresh_alone(fleet: MadeFleet, van: Van):
    van.act()
    van.courier.lies = {"index.json": canonical({"root": 2})}
    with pytest.raises(RepositoryUnavailable):
        van.repository.refresh()
    assert van.repository.kept().order(STATION).data == fleet.order_bytes()


def test_link_that_suppresses_any_one_file_leaves_the_last_state_in_force(fleet: MadeFleet, van: Van):
    van.act()
    fleet.publish_order(fleet.order_bytes(version=2))
    for name in ("index.json", "metadata/timestamp.json", newest(fleet, "snapshot")[0], newest(fleet, "targets")[0]):
        van.courier.lies = {name: None}
        with pytest.raises(RepositoryUnavailable):
            van.repository.refresh()
        van.restart()
        assert van.repository.kept().order(STATION).data == fleet.order_bytes()


def test_link_that_hands_out_any_file_for_any_other_is_refused(fleet: MadeFleet, van: Van):
    files = fleet.repository.files()
    asked = [name for name in files if name != "metadata/1.root.json" and ".policy" not in name]
    for name in asked:
        for other, data in files.items():
            if other == name:
                continue
            fresh = Van(van.folder / f"{asked.index(name)}-{list(files).index(other)}", fleet)
            fresh.courier.lies = {name: data}
            assert fails(fresh) or name not in fresh.courier.names_asked()


def test_links_mirror_with_old_bytes_under_a_name_counted_anew_is_asked_past(fleet: MadeFleet, van: Van):
    """After a fast-forward and new keys, versions come again: what link kept under their names is another file."""
    view = van.repository.refresh()
    assert view.order(STATION).data == fleet.order_bytes()
    fleet.repository.add_log_item(STATION, 1, b"{}", fleet.online)
    name, _ = newest(fleet, "snapshot")
    true_fetch = van.courier.fetch

    def mirror(asked: str, fresh: bool) -> bytes:
        return b'{"stale":1}' if asked == name and not fresh else true_fetch(asked, fresh)

    van.courier.fetch = mirror  # type: ignore[method-assign]
    van.restart()
    assert van.repository.refresh().log(STATION, 0)[0].data == b"{}"


def test_kept_metadata_changed_on_disk_is_never_believed(fleet: MadeFleet, van: Van):
    van.act()
    kept = json.loads((van.folder / "kept.json").read_bytes())
    forged = dict(kept, targets=kept["targets"].replace('"threshold":2', '"threshold":1'))
    assert forged != kept
    (van.folder / "kept.json").write_bytes(canonical(forged))
    van.restart()
    with pytest.raises(RepositoryRefused):
        van.repository.kept()
    assert van.repository.refresh().order(STATION).data == fleet.order_bytes()


def test_kept_target_changed_on_disk_is_fetched_again(fleet: MadeFleet, van: Van):
    van.act()
    (path,) = (van.folder / "files" / STATION).iterdir()
    path.write_bytes(fleet.order_bytes(place="Elsewhere"))
    van.courier.names_asked()
    assert van.repository.kept().order(STATION).data == fleet.order_bytes()
    assert len(van.courier.names_asked()) == 1


def test_whatever_is_refused_is_refused_as_ours(fleet: MadeFleet, van: Van):
    """Nothing but an LfrError: a fault of the parser below would end the half that sees."""
    hostile = [b"", b"\xff\xfe", b"null", b"[]", b"{}", b'{"signed":{}}', b'{"signed":[],"signatures":{}}', b"[" * 5000]
    hostile += [b'{"signed":{"_type":"timestamp"},"signatures":[]}', b'{"signed":{"_type":1e999},"signatures":[]}']
    for data in hostile:
        for name in list(fleet.repository.files()):
            van.courier.lies = {name: data}
            van.courier.names_asked()
            assert fails(van) or name not in van.courier.names_asked()
