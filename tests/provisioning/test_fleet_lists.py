"""Lists changed by the commands of lfr-fleet: what a van has in force follows, and nothing that too few signed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from edge.errors import OrderRollback, RepositoryFileMissing, SealInvalid
from edge.formats.names import adds_name, hint_name, manifest_name
from edge.formats.watchlists import WatchlistDelta
from edge.trust import watchlist_writer
from provisioning.built_list import read_built, write_built
from provisioning.list_now import list_now
from provisioning.signers import signed_fields
from tests.provisioning.fleet_rig import FleetRig


@pytest.fixture
def running(rig: FleetRig) -> FleetRig:
    rig.publish()
    return rig


def in_force(rig: FleetRig, van: str = "van-1") -> set[str]:
    """What a van that starts now searches."""
    rig.write_stick()
    return set(rig.vans[van].open().holder.gallery.entry_ids())


def ids(rig: FleetRig, *references: str) -> set[str]:
    return {rig.entries[each] for each in references}


BASE = [f"ref-{number}" for number in range(6)]


def test_one_signature_takes_an_entry_off_by_its_reference(running: FleetRig):
    words = ("watchlist", "remove", "station-1", "ref-2", "ref-4", "--no-push")
    assert running.at(*words, "--key", running.key("custodian")) == 0
    assert in_force(running) == ids(running, "ref-0", "ref-1", "ref-3", "ref-5")


def test_van_that_is_watching_follows_additions_and_removals(running: FleetRig):
    van = running.vans["van-1"]
    watching = van.open()
    build = running.build("more", ["new-1", "new-2"], seed=1)
    keys = ("--key", running.key("officer"), "--key", running.key("custodian"))
    assert running.at("watchlist", "add", "station-1", build, *keys, "--no-push") == 0
    assert running.at("watchlist", "remove", "station-1", running.entries["ref-0"], *keys[:2], "--no-push") == 0
    running.write_stick()
    assert set(van.refreshed(watching).holder.gallery.entry_ids()) == ids(running, *BASE[1:], "new-1", "new-2")
    assert watching.log.sequence == 2


def test_van_that_starts_again_has_at_once_what_it_had_acted_on(running: FleetRig):
    van = running.vans["van-1"]
    watching = van.open()
    assert running.at("watchlist", "remove", "station-1", "ref-0", "--key", running.key("officer"), "--no-push") == 0
    running.write_stick()
    assert van.refreshed(watching).log.sequence == 1
    again = van.open()
    assert again.log.sequence == 1
    assert set(again.holder.gallery.entry_ids()) == ids(running, *BASE[1:])


def test_older_list_is_not_brought_back_by_withholding_additions_at_a_start(running: FleetRig):
    """Rollback by whoever carries the files: ref-0 was taken off, and is not searched again."""
    van = running.vans["van-1"]
    watching = van.open()
    build = running.build("more", ["new-1"], seed=1)
    keys = ("--key", running.key("officer"), "--key", running.key("custodian"))
    assert running.at("watchlist", "add", "station-1", build, *keys, "--no-push") == 0
    assert running.at("watchlist", "remove", "station-1", "ref-0", *keys[:2], "--no-push") == 0
    running.write_stick()
    assert van.refreshed(watching).log.sequence == 2
    adds = running.messages / adds_name("station-1", 1, 0)
    good = adds.read_bytes()
    for harm in (adds.unlink, lambda: adds.write_bytes(b"altered")):
        harm()
        with pytest.raises(OrderRollback, match="was in force with item 2 of its log, and only item 0"):
            van.open()
    adds.write_bytes(good)
    assert set(van.open().holder.gallery.entry_ids()) == ids(running, *BASE[1:], "new-1")


def test_additions_that_were_never_in_force_keep_no_van_from_starting(running: FleetRig):
    van = running.vans["van-1"]
    watching = van.open()
    build = running.build("more", ["new-1"], seed=1)
    keys = ("--key", running.key("officer"), "--key", running.key("custodian"))
    assert running.at("watchlist", "add", "station-1", build, *keys, "--no-push") == 0
    running.write_stick()
    (running.messages / adds_name("station-1", 1, 0)).unlink()
    with pytest.raises(RepositoryFileMissing):
        van.refreshed(watching)
    assert set(watching.holder.gallery.entry_ids()) == ids(running, *BASE)
    assert set(van.open().holder.gallery.entry_ids()) == ids(running, *BASE)


def test_entry_added_later_is_taken_off_by_its_reference(running: FleetRig):
    build = running.build("more", ["new-1", "new-2"], seed=1)
    keys = ("--key", running.key("officer"), "--key", running.key("custodian"))
    assert running.at("watchlist", "add", "station-1", build, *keys, "--no-push") == 0
    assert running.at("watchlist", "remove", "station-1", "new-1", *keys[:2], "--no-push") == 0
    assert in_force(running) == ids(running, *BASE, "new-2")


def test_addition_with_one_signature_is_not_published(running: FleetRig, capsys: pytest.CaptureFixture[str]):
    build = running.build("more", ["new-1"], seed=1)
    assert running.at("watchlist", "add", "station-1", build, "--key", running.key("officer"), "--no-push") == 2
    assert "need two" in capsys.readouterr().err
    assert in_force(running) == ids(running, *BASE)


def test_the_same_person_does_not_sign_an_addition_twice(running: FleetRig, capsys: pytest.CaptureFixture[str]):
    build = running.build("more", ["new-1"], seed=1)
    keys = ("--key", running.key("officer"), "--key", running.key("officer"))
    assert running.at("watchlist", "add", "station-1", build, *keys, "--no-push") == 2
    assert "the second signature is another person's" in capsys.readouterr().err


def test_addition_is_signed_by_two_at_two_machines(running: FleetRig):
    build = running.build("more", ["new-1"], seed=1)
    item = running.folder / "item.json"
    words = ("watchlist", "add", "station-1", build, "--out", str(item))
    assert running.at(*words, "--key", running.key("officer")) == 0
    assert in_force(running) == ids(running, *BASE)
    assert running.run("watchlist", "sign", str(item), "--key", running.key("custodian"), "--yes") == 0
    assert running.at("watchlist", "publish", str(item), "--no-push") == 0
    assert in_force(running) == ids(running, *BASE, "new-1")
    assert running.at("watchlist", "publish", str(item), "--no-push") == 0


def test_sequence_that_additions_were_sealed_under_is_never_sealed_under_again(
    running: FleetRig, capsys: pytest.CaptureFixture[str]
):
    build = running.build("more", ["new-1"], seed=1)
    words = ("watchlist", "add", "station-1", build, "--out", str(running.folder / "item.json"))
    assert running.at(*words, "--key", running.key("officer")) == 0
    assert running.at(*words, "--key", running.key("officer")) == 2
    assert "additions were sealed under this sequence before" in capsys.readouterr().err
    assert running.at("watchlist", "remove", "station-1", "ref-0", "--key", running.key("officer"), "--no-push") == 0
    assert running.at(*words, "--key", running.key("officer")) == 0


def test_key_that_the_order_does_not_name_changes_nothing(running: FleetRig, capsys: pytest.CaptureFixture[str]):
    assert running.at("watchlist", "remove", "station-1", "ref-0", "--key", running.key("root-1"), "--no-push") == 2
    assert "none of the 2 keys accepted here" in capsys.readouterr().err
    assert in_force(running) == ids(running, *BASE)


def test_unknown_reference_is_named(running: FleetRig, capsys: pytest.CaptureFixture[str]):
    words = ("watchlist", "remove", "station-1", "ref-0", "nobody", "--no-push")
    assert running.at(*words, "--key", running.key("officer")) == 2
    assert "not on the list now: nobody" in capsys.readouterr().err


def test_compaction_keeps_what_is_in_force_and_leaves_nothing_else(running: FleetRig):
    keys = ("--key", running.key("officer"), "--key", running.key("custodian"))
    watching = running.vans["van-2"].open()
    assert running.at("watchlist", "remove", "station-1", "ref-0", *keys[:2], "--no-push") == 0
    assert running.at("watchlist", "compact", "station-1", *keys, "--no-push") == 0
    assert in_force(running) == ids(running, *BASE[1:])
    names = running.fleet().repository().names()
    assert not [name for name in names if name.startswith("deployments/station-1/1/") or ".adds-" in name]
    assert not (running.authority / "deployments" / "station-1" / "epoch-1.key").exists()
    refreshed = running.vans["van-2"].refreshed(watching)
    assert set(refreshed.holder.gallery.entry_ids()) == ids(running, *BASE[1:])
    assert running.at("watchlist", "remove", "station-1", "ref-1", *keys[:2], "--no-push") == 0
    assert in_force(running) == ids(running, *BASE[2:])


def test_revoked_van_gets_no_content_key(running: FleetRig):
    keys = ("--key", running.key("officer"), "--key", running.key("custodian"))
    assert running.at("watchlist", "revoke-van", "station-1", "van-2", *keys, "--no-push") == 0
    assert in_force(running, "van-1") == ids(running, *BASE)
    names = running.fleet().repository().names()
    assert len([name for name in names if name.startswith("deployments/station-1/2/key-")]) == 1
    with pytest.raises((FileNotFoundError, SealInvalid)):
        running.vans["van-2"].open()
    assert running.fleet().ledger("station-1").read().revoked == ["van-2"]


def test_revoked_van_stays_out_when_the_list_is_compacted_again(running: FleetRig):
    keys = ("--key", running.key("officer"), "--key", running.key("custodian"))
    assert running.at("watchlist", "revoke-van", "station-1", "van-2", *keys, "--no-push") == 0
    assert running.at("watchlist", "compact", "station-1", *keys, "--no-push") == 0
    names = running.fleet().repository().names()
    assert len([name for name in names if name.startswith("deployments/station-1/3/key-")]) == 1


def test_every_content_key_is_another(running: FleetRig):
    first = running.fleet().ledger("station-1").secret(1).content_key
    keys = ("--key", running.key("officer"), "--key", running.key("custodian"))
    assert running.at("watchlist", "compact", "station-1", *keys, "--no-push") == 0
    assert running.fleet().ledger("station-1").secret(2).content_key != first


def test_full_deltas_ask_for_a_new_base_before_more_is_put_on_and_never_before_taking_off(
    running: FleetRig, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(watchlist_writer, "COMPACT_LEAST_BYTES", 0)
    keys = ("--key", running.key("officer"), "--key", running.key("custodian"))
    more = running.build("more", [f"new-{number}" for number in range(4)], seed=1)
    assert running.at("watchlist", "add", "station-1", more, *keys, "--no-push") == 0
    still = running.build("still", ["newer-1"], seed=2)
    assert running.at("watchlist", "add", "station-1", still, *keys, "--no-push") == 2
    assert "lfr-fleet watchlist compact station-1" in capsys.readouterr().err
    assert running.at("watchlist", "remove", "station-1", "ref-0", *keys[:2], "--no-push") == 0
    assert running.at("watchlist", "compact", "station-1", *keys, "--no-push") == 0
    assert running.at("watchlist", "add", "station-1", still, *keys, "--no-push") == 0
    assert len(in_force(running)) == 6 + 4 - 1 + 1


def test_list_built_with_another_pack_or_of_other_people_is_not_added(
    running: FleetRig, capsys: pytest.CaptureFixture[str]
):
    build = Path(running.build("more", ["new-1"], seed=1))
    keys = ("--key", running.key("officer"), "--key", running.key("custodian"))
    for change in ({"pack_sha256": "ab" * 32}, {"subjects": "real"}):
        write_built(build, replace(read_built(build), **change))
        assert running.at("watchlist", "add", "station-1", str(build), *keys, "--no-push") == 2
        assert "people; station-1 has" in capsys.readouterr().err


def test_authority_reads_its_own_list_from_what_it_published(running: FleetRig, capsys: pytest.CaptureFixture[str]):
    fleet = running.fleet()
    with fleet.changing():
        now = list_now(fleet.repository(), fleet.ledger("station-1"))
    assert set(now.entries) == ids(running, *BASE)
    assert running.at("watchlist", "list", "station-1") == 0
    text = capsys.readouterr().out
    assert all(f"{running.entries[each]}  wanted" in text and each in text for each in BASE)


def test_references_are_no_clear_text_in_the_authoritys_folder(running: FleetRig):
    kept = [path for path in running.authority.rglob("*") if path.is_file()]
    assert not [path for path in kept if b"ref-3" in path.read_bytes()]


def test_item_says_what_it_does_before_it_is_signed(running: FleetRig, capsys: pytest.CaptureFixture[str]):
    item = running.folder / "item.json"
    words = ("watchlist", "remove", "station-1", "ref-2", "--out", str(item))
    assert running.at(*words, "--key", running.key("officer")) == 0
    assert f"off  {running.entries['ref-2']}" in capsys.readouterr().out
    delta, signers = signed_fields(item.read_bytes(), WatchlistDelta)
    assert isinstance(delta, WatchlistDelta)
    assert (delta.removes, len(signers)) == ([running.entries["ref-2"]], 1)


def test_hints_tell_each_van_where_to_look(running: FleetRig):
    repository = running.fleet().repository()
    for device in running.vans:
        assert json.loads(repository.file(hint_name(device))) == {"deployments": ["station-1"]}
    assert repository.file(manifest_name("station-1", 1))
