"""The reader of the repository: what it asks for, what it keeps, and that a cut leaves old or new."""

from __future__ import annotations

from pathlib import Path

import pytest
from securesystemslib.signer import CryptoSigner

from edge.errors import OrderRollback, RepositoryFileMissing, RepositoryRefused, RepositoryUnavailable
from edge.trust import floor as floor_module
from edge.trust import repository as repository_module
from edge.trust.documents import canonical
from edge.trust.floor import Floor, FloorFile, Position
from edge.trust.repository import Repository
from provisioning.tuf_repository import OnlineSigners
from tests.fake_clock import FakeClock
from tests.made_repository import DEVICE, MadeFleet, made_signer
from tests.repository_van import STATION, Van


@pytest.fixture
def fleet(tmp_path: Path) -> MadeFleet:
    made = MadeFleet(tmp_path / "repo", FakeClock())
    made.publish_order()
    return made


@pytest.fixture
def van(tmp_path: Path, fleet: MadeFleet) -> Van:
    return Van(tmp_path / "van", fleet)


def test_unchanged_refresh_asks_for_index_and_timestamp_alone(van: Van):
    view = van.repository.refresh()
    view.order(STATION)
    view.log(STATION, 0)
    van.courier.names_asked()
    given_before = van.courier.bytes_given
    view = van.repository.refresh()
    view.order(STATION)
    view.log(STATION, 0)
    assert van.courier.names_asked() == ["index.json", "metadata/timestamp.json"]
    assert van.courier.bytes_given - given_before < 1000


def test_log_item_costs_timestamp_snapshot_role_and_itself(fleet: MadeFleet, van: Van):
    van.act()
    van.courier.names_asked()
    fleet.repository.add_log_item(STATION, 1, b"{}", fleet.online)
    assert [item.data for item in van.repository.refresh().log(STATION, 0)] == [b"{}"]
    asked = van.courier.names_asked()
    assert len(asked) == 5
    assert asked[-1].endswith(".000001.json")


def test_only_names_whose_content_may_change_are_asked_for_afresh(fleet: MadeFleet, van: Van):
    van.act()
    assert {name for name, fresh in van.courier.asked if fresh} == {"index.json", "metadata/timestamp.json"}


def test_log_begins_after_what_is_known_or_at_the_first_item_kept(fleet: MadeFleet, van: Van):
    for sequence in range(1, 6):
        fleet.repository.add_log_item(STATION, sequence, b"{%d}" % sequence, fleet.online)
    view = van.repository.refresh()
    assert [item.sequence for item in view.log(STATION, 0)] == [1, 2, 3, 4, 5]
    assert [item.sequence for item in view.log(STATION, 3)] == [4, 5]
    assert view.log(STATION, 5) == ()
    fleet.repository.compact_log(STATION, 4, fleet.online)
    view = van.repository.refresh()
    assert [item.sequence for item in view.log(STATION, 0)] == [4, 5]
    assert [item.sequence for item in view.log(STATION, 2)] == [4, 5]


def test_items_compacted_away_leave_the_disk(fleet: MadeFleet, van: Van):
    for sequence in range(1, 4):
        fleet.repository.add_log_item(STATION, sequence, b"{%d}" % sequence, fleet.online)
    van.act()
    fleet.repository.compact_log(STATION, 3, fleet.online)
    van.act()
    assert len(list((van.folder / "files" / STATION).iterdir())) == 2


def test_close_is_found_once_it_is_published(fleet: MadeFleet, van: Van):
    assert van.repository.refresh().close(STATION) is None
    fleet.repository.add_close(STATION, fleet.close_bytes(), fleet.online)
    assert van.repository.refresh().close(STATION) == fleet.close_bytes()


def test_policy_profile_is_read_and_an_older_one_leaves_the_disk(fleet: MadeFleet, van: Van):
    data = fleet.publish_policy()
    stale = van.folder / "files" / "policies" / ("0" * 64)
    stale.parent.mkdir(parents=True)
    stale.write_bytes(b"{}")
    assert van.repository.refresh().policy("uk", 1) == data
    assert not stale.exists()
    with pytest.raises(RepositoryFileMissing):
        van.repository.refresh().policy("uk", 2)


def test_long_order_comes_in_parts(fleet: MadeFleet, van: Van):
    vans = {DEVICE: "ab" * 16} | {f"van-{index:04d}-{'x' * 38}": f"{index:032x}" for index in range(2, 900)}
    order = fleet.publish_order(fleet.order_bytes(version=2, vans=vans))
    assert len(order) > 61_440
    assert van.repository.refresh().order(STATION).data == order
    assert any(name.endswith(".p001") for name in van.courier.names_asked())


def test_order_that_was_never_published_is_missing(van: Van):
    with pytest.raises(RepositoryFileMissing, match="names no"):
        van.repository.refresh().order("station-77")
    with pytest.raises(RepositoryRefused):
        van.repository.refresh().order("../station")


def test_without_a_link_what_was_kept_is_verified_again(fleet: MadeFleet, van: Van):
    van.act()
    order = fleet.order_bytes()
    van.restart()
    van.courier.gone = True
    fleet.clock.advance(5000)
    with pytest.raises(RepositoryUnavailable, match="cannot be reached"):
        van.repository.refresh()
    view = van.repository.kept()
    assert view.order(STATION).data == order
    assert view.log(STATION, 0) == ()


def test_nothing_kept_is_said(van: Van):
    with pytest.raises(RepositoryUnavailable, match="never read here"):
        van.repository.kept()
    with pytest.raises(RepositoryUnavailable):
        van.repository.acted_on(STATION, 1, 0)


def test_kept_metadata_ends_with_the_role_it_is_of(fleet: MadeFleet, van: Van):
    van.act()
    fleet.clock.advance(3 * 24 * 3600)
    with pytest.raises(RepositoryRefused, match="has expired"):
        van.repository.kept().order(STATION)


def test_forgetting_deletes_every_kept_byte_of_a_deployment_but_its_floor(fleet: MadeFleet, van: Van):
    fleet.repository.add_log_item(STATION, 1, b'{"secret":"item"}', fleet.online)
    van.act()
    assert van.repository.forget(STATION) == 4
    left = [path for path in van.folder.rglob("*") if path.is_file() and b"secret" in path.read_bytes()]
    assert not left
    assert not (van.folder / "files" / STATION).exists()
    van.repository.refresh().order(STATION)
    assert not (van.folder / "files" / STATION).exists()
    van.restart()
    assert van.repository.floor(STATION) == Floor(1, 1)


def test_acting_on_less_than_before_is_refused(fleet: MadeFleet, van: Van):
    van.repository.refresh()
    van.repository.acted_on(STATION, 2, 5)
    for order_version, sequence in ((1, 5), (2, 4)):
        with pytest.raises(OrderRollback):
            van.repository.acted_on(STATION, order_version, sequence)
    assert van.repository.floor(STATION) == Floor(2, 5)


def test_what_was_in_force_is_remembered_and_never_less(van: Van):
    van.repository.refresh()
    van.repository.acted_on(STATION, 1, 5, in_force=4)
    van.repository.acted_on(STATION, 1, 6)
    van.restart()
    assert van.repository.floor(STATION) == Floor(1, 6, in_force=4)


def test_floor_of_before_what_was_in_force_was_kept_is_still_a_floor(tmp_path: Path):
    (tmp_path / "floor.json").write_bytes(
        canonical({"root": 1, "online_root": 1, "snapshot": 3, "deployments": [["d-1", 2, 5, ""]]})
    )
    assert FloorFile(tmp_path / "floor.json").of("d-1") == Floor(2, 5)


def test_another_order_of_the_version_acted_on_is_refused(van: Van):
    van.repository.refresh()
    van.repository.acted_on(STATION, 2, 0, "a" * 64)
    van.repository.acted_on(STATION, 2, 1)
    van.restart()
    van.repository.refresh()
    with pytest.raises(OrderRollback, match="higher version"):
        van.repository.acted_on(STATION, 2, 1, "b" * 64)
    van.repository.acted_on(STATION, 3, 1, "b" * 64)
    assert van.repository.floor(STATION) == Floor(3, 1, "b" * 64)


def test_floor_outside_the_disk_only_rises_and_is_written_only_then(fleet: MadeFleet, van: Van):
    van.act()
    number = van.outside
    assert number == Position(1, 2).number
    van.outside = number + 7
    van.restart()
    with pytest.raises(OrderRollback):
        van.repository.refresh()
    assert van.outside == number + 7


def test_floor_keeps_a_bounded_number_of_deployments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(floor_module, "DEPLOYMENTS_MAX", 3)
    kept = FloorFile(tmp_path / "floor.json")
    for index in range(5):
        kept.raise_to(1, Position(1, index), f"d-{index}", Floor(1, 1))
    again = FloorFile(tmp_path / "floor.json")
    assert [again.of(f"d-{index}").order_version for index in range(5)] == [0, 0, 1, 1, 1]


class _Cut(BaseException):
    """The power goes."""


def test_power_cut_at_any_write_leaves_the_old_state_or_the_new(
    fleet: MadeFleet, van: Van, monkeypatch: pytest.MonkeyPatch
):
    van.act()
    old = fleet.order_bytes()
    real_write, real_bytes = repository_module.write_durably, Path.write_bytes
    left = 0

    def budget() -> None:
        nonlocal left
        if left == 0:
            raise _Cut
        left -= 1

    def write(path: Path, data: bytes) -> None:
        budget()
        real_write(path, data)

    def write_bytes(path: Path, data: bytes) -> int:
        budget()
        return real_bytes(path, data)

    finished = False
    for sequence in range(1, 30):
        fleet.repository.add_log_item(STATION, sequence, b"{%d}" % sequence, fleet.online)
        floor = van.repository.floor(STATION)
        van.restart()
        left = sequence - 1
        with monkeypatch.context() as patch:
            for module in ("repository", "floor", "target_files"):
                patch.setattr(f"edge.trust.{module}.write_durably", write)
            patch.setattr(Path, "write_bytes", write_bytes)
            try:
                van.act()
                finished = True
            except _Cut:
                pass
        van.restart()
        van.courier.gone = True
        view = van.repository.kept()
        assert view.order(STATION).data == old
        assert van.repository.floor(STATION).sequence in (floor.sequence, sequence)
        van.courier.gone = False
        assert len(van.repository.refresh().log(STATION, 0)) == sequence
        if finished:
            break
    assert finished


def test_online_keys_of_a_token_serve_as_well(fleet: MadeFleet, van: Van):
    """ECDSA P-256, as hardware modules make it, with the id that securesystemslib gives it."""
    token = CryptoSigner.generate_ecdsa()
    draft = fleet.repository.draft_rotation("timestamp", [token.public_key])
    for name in ("root-1", "root-2"):
        draft.sign(fleet.roots[name])
    fleet.online = OnlineSigners(fleet.online.snapshot, token, fleet.online.log)
    fleet.repository.publish(draft, fleet.online)
    assert van.repository.refresh().root_version == 2


def test_enrolled_root_that_is_none_is_refused(fleet: MadeFleet, tmp_path: Path):
    for wrong in (b"", b"{}", fleet.repository.files()["metadata/timestamp.json"]):
        with pytest.raises(RepositoryRefused):
            Repository(tmp_path / "other", wrong, lambda name, fresh: b"", fleet.clock)


def test_root_whose_key_is_no_key_is_refused(fleet: MadeFleet, tmp_path: Path):
    key = made_signer("snapshot").public_key.keyid.encode()
    for wrong in (b"0" * 64, b"01" + b"0" * 62):
        with pytest.raises(RepositoryRefused):
            Repository(tmp_path / "x", fleet.first_root.replace(key, wrong), lambda name, fresh: b"", fleet.clock)
