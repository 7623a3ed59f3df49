"""Power cuts and rubbish: the same command again finishes what was cut, and no input does more than be refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge.errors import LfrError
from edge.formats.topics import HEALTH, KEYS, RECORDS, STATE, device_topic
from provisioning import durable, tuf_files
from provisioning.cli import main
from provisioning.draft_folder import open_draft
from provisioning.ending import tidy
from provisioning.heard import Heard
from provisioning.order_terms import read_room_keys
from provisioning.signers import read_public
from tests.provisioning.fleet_rig import FLEET, FleetRig


class Cut(BaseException):
    """The power went."""


def cut_at(monkeypatch: pytest.MonkeyPatch, number: int) -> list[int]:
    """Every write of the authority counts; the one of that number does not happen any more."""
    count = [0]
    write = durable.write_durably

    def counting(path: Path, data: bytes) -> None:
        if count[0] == number:
            raise Cut
        count[0] += 1
        write(path, data)

    monkeypatch.setattr(durable, "write_durably", counting)
    monkeypatch.setattr(tuf_files, "write_durably", counting)
    return count


def cut_everywhere(rig: FleetRig, folder: Path, *words: str, again: bool = True) -> list[FleetRig]:
    """A copy of the fleet for each write of a command, cut there and then given the same command again."""
    cut = []
    for number in range(200):
        copy = rig.copied_to(folder / str(number))
        mine = [word.replace(str(rig.folder), str(copy.folder)) for word in words]
        with pytest.MonkeyPatch.context() as patch:
            cut_at(patch, number)
            try:
                assert main(mine) == 0
                return cut
            except Cut:
                pass
        if again:
            assert main(mine) == 0, number
        cut.append(copy)
    raise AssertionError("endless")


def test_publication_that_was_cut_anywhere_is_finished_by_the_same_command(rig: FleetRig, tmp_path_factory):
    draft = rig.draft()
    rig.sign(draft, "officer", "custodian")
    words = ("order", "publish", str(draft), "--no-push", "--authority", str(rig.authority))
    copies = cut_everywhere(rig, tmp_path_factory.mktemp("cuts"), *words)
    assert len(copies) > 10
    for copy in copies[:: max(1, len(copies) // 6)]:
        copy.write_stick()
        assert len(copy.vans["van-1"].open().holder.gallery.entry_ids()) == 6


def test_publication_that_was_cut_shows_a_van_nothing_or_all(rig: FleetRig, tmp_path_factory):
    draft = rig.draft()
    rig.sign(draft, "officer", "custodian")
    words = ("order", "publish", str(draft), "--no-push", "--authority", str(rig.authority))
    shown = []
    for copy in cut_everywhere(rig, tmp_path_factory.mktemp("cuts"), *words, again=False):
        copy.write_stick()
        found = copy.vans["van-1"].find()
        shown.append(found is not None)
        if found is not None:
            assert len(copy.vans["van-1"].open().holder.gallery.entry_ids()) == 6
    assert shown == sorted(shown)


def test_close_that_was_cut_anywhere_is_finished_by_serve(rig: FleetRig, tmp_path_factory):
    rig.publish()
    secret = rig.fleet().ledger("station-1").secret(1).content_key.hex().encode()
    words = ("order", "close", "station-1", "--reason", "over", "--key", rig.key("officer"), "--no-push")
    mine = (*words, "--authority", str(rig.authority))
    copies = cut_everywhere(rig, tmp_path_factory.mktemp("cuts"), *mine, again=False)
    closed = [copy for copy in copies if copy.fleet().repository().close("station-1") is not None]
    assert closed
    for copy in closed:
        tidy(copy.fleet(), {})
        assert copy.fleet().ledger("station-1").read().state == "closed"
        assert not [path for path in copy.authority.rglob("*") if path.is_file() and secret in path.read_bytes()]


def test_compaction_that_was_cut_anywhere_is_done_by_the_same_command(rig: FleetRig, tmp_path_factory):
    rig.publish()
    keys = ("--key", rig.key("officer"), "--key", rig.key("custodian"), "--no-push")
    words = ("watchlist", "compact", "station-1", *keys, "--authority", str(rig.authority))
    copies = cut_everywhere(rig, tmp_path_factory.mktemp("cuts"), *words)
    for copy in copies[:: max(1, len(copies) // 6)]:
        copy.write_stick()
        assert len(copy.vans["van-2"].open().holder.gallery.entry_ids()) == 6
        names = copy.fleet().repository().names()
        assert len({name.split("/")[2] for name in names if "/chunk-" in name}) == 1


def test_one_deployment_that_cannot_be_read_keeps_no_other_alive(rig: FleetRig):
    rig.publish()
    rig.publish("market-2")
    (rig.authority / "deployments" / "market-2" / "deployment.json").write_bytes(b"{]")
    rig.at("order", "close", "station-1", "--reason", "over", "--key", rig.key("officer"), "--no-push")
    lines = tidy(rig.fleet(), {"station-1": {"van-1", "van-2"}})
    assert any("market-2: cannot be seen to" in line for line in lines)
    assert rig.fleet().ledger("station-1").read().cleared


FUZZ = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


@FUZZ
@given(data=st.binary(max_size=300) | st.recursive(st.text(), st.lists).map(repr).map(str.encode))
def test_no_bytes_do_more_than_be_refused(rig: FleetRig, data: bytes):
    heard = Heard(rig.fleet())
    for channel in (STATE, HEALTH, KEYS, RECORDS):
        assert heard.take(device_topic(FLEET, "van-1", channel), data) is None
    path = rig.folder / "fuzz"
    path.mkdir(exist_ok=True)
    for name in ("draft.json", "manifest.json", "policy.json"):
        (path / name).write_bytes(data)
    for read in (
        open_draft,
        lambda folder: read_room_keys(folder / "draft.json"),
        lambda folder: read_public(f"{folder}/draft.json"),
    ):
        with pytest.raises(LfrError):
            read(path)
    assert main(["watchlist", "sign", str(path / "draft.json"), "--yes", "--key", rig.key("officer")]) == 2


@FUZZ
@given(at=st.integers(0, 10_000), change=st.integers(1, 255))
def test_flipped_byte_in_a_draft_is_refused_or_changes_nothing_that_is_signed(drafted: Path, at: int, change: int):
    path = drafted / "draft.json"
    whole = path.read_bytes()
    before = open_draft(drafted)
    place = at % len(whole)
    try:
        path.write_bytes(whole[:place] + bytes([whole[place] ^ change]) + whole[place + 1 :])
        opened = open_draft(drafted)
    except LfrError:
        return
    finally:
        path.write_bytes(whole)
    assert opened.order_bytes == before.order_bytes


@pytest.fixture(scope="module")
def drafted(founded: FleetRig, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return founded.copied_to(tmp_path_factory.mktemp("drafted")).draft()
