"""The room's bundles: folded by deployment, forgotten and deleted at their end; what an operator is shown of them."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from control_room.bundle import BundleFolder
from control_room.bundle_file import BundleFile
from control_room.errors import BundleEnded
from edge.formats.bundle import BundlePerson
from edge.trust.keys import seal_public_hex
from tests.control_room.van import DEPLOYMENT, ENTRY_IDS, FLEET, NOON, Bench, SetClock, bundled, write_room_bundle

KEY = X25519PrivateKey.from_private_bytes(b"\x06" * 32)
KEY_HEX = seal_public_hex(KEY)
UNTIL_END_S = timedelta(days=2).total_seconds()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "bundle" / "a.bundle"
    write_room_bundle(path, KEY_HEX)
    return path


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def folder(path: Path, clock: SetClock) -> BundleFolder:
    folder = BundleFolder(path.parent, FLEET, KEY, clock)
    folder.refresh()
    return folder


def reference_of(folder: BundleFolder, entry: int, deployment: str = DEPLOYMENT) -> str | None:
    known = folder.find(deployment, ENTRY_IDS[entry])
    return None if known is None else known.person.reference


def test_a_delta_s_additions_are_folded_and_the_higher_part_counts(folder: BundleFolder, path: Path):
    added = [bundled(0, reference="again"), bundled(1, entry_id="9" * 32, reference="new")]
    write_room_bundle(path.parent / "d.bundle", KEY_HEX, added, part=4)
    assert "added by delta 4" in folder.refresh()[0]
    assert reference_of(folder, 0) == "again"
    assert reference_of(folder, 1) == "entry 2"
    known = folder.find(DEPLOYMENT, "9" * 32)
    assert known is not None
    assert known.person.reference == "new"
    assert known.photograph() == added[1][1]


def test_two_files_of_one_part_are_said_and_the_newer_counts(folder: BundleFolder, path: Path):
    other = path.parent / "b.bundle"
    write_room_bundle(other, KEY_HEX, [bundled(0, reference="newer")])
    os.utime(other, ns=(2**62, 2**62))
    assert "claims the same part" in folder.refresh()[0]
    assert reference_of(folder, 0) == "newer"


def test_each_deployment_has_its_own_people(folder: BundleFolder, path: Path):
    write_room_bundle(path.parent / "b.bundle", KEY_HEX, [bundled(0, reference="other's")], deployment="other")
    folder.refresh()
    assert reference_of(folder, 0) == "entry 1"
    assert reference_of(folder, 0, "other") == "other's"
    assert reference_of(folder, 1, "other") is None


def test_a_bundle_is_forgotten_and_deleted_at_its_end(folder: BundleFolder, path: Path, clock: SetClock):
    clock.advance(UNTIL_END_S - 1)
    assert folder.refresh() == []
    assert reference_of(folder, 0) == "entry 1"
    clock.advance(1)
    assert reference_of(folder, 0) is None
    assert "has ended: forgotten, and its file deleted" in folder.refresh()[0]
    assert not path.exists()
    assert folder.refresh() == []


def test_a_bundle_past_its_end_is_deleted_unread(tmp_path: Path, clock: SetClock):
    path = tmp_path / "a.bundle"
    write_room_bundle(path, KEY_HEX, not_after=NOON)
    with pytest.raises(BundleEnded):
        BundleFile(path, FLEET, KEY, NOON)
    said = BundleFolder(tmp_path, FLEET, KEY, clock).refresh()
    assert "its file deleted" in said[0]
    assert not path.exists()


def test_an_end_that_cannot_delete_its_file_is_said(folder: BundleFolder, clock: SetClock, monkeypatch):
    def refuse(path: Path, missing_ok: bool = False) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "unlink", refuse)
    clock.advance(UNTIL_END_S)
    assert "CANNOT BE DELETED" in folder.refresh()[0]
    assert reference_of(folder, 0) is None
    assert folder.refresh() == []


def test_a_bad_file_in_place_of_a_good_one_leaves_the_good_one_in_force(folder: BundleFolder, path: Path):
    fresh = path.with_name("fresh")
    fresh.write_bytes(b"bad")
    os.replace(fresh, path)
    assert "the one before stays in force" in folder.refresh()[0]
    known = folder.find(DEPLOYMENT, ENTRY_IDS[0])
    assert known is not None
    assert known.photograph() == bundled(0)[1]


def test_a_file_taken_away_is_forgotten_and_said(folder: BundleFolder, path: Path):
    path.unlink()
    assert "taken away" in folder.refresh()[0]
    assert reference_of(folder, 0) is None


def test_a_room_without_a_bundle_says_so_once(tmp_path: Path, clock: SetClock):
    folder = BundleFolder(tmp_path / "none", FLEET, KEY, clock)
    assert "every entry will be unknown" in folder.refresh()[0]
    assert folder.refresh() == []


def test_a_file_is_read_once_and_not_at_every_look(folder: BundleFolder, path: Path):
    assert folder.refresh() == []
    write_room_bundle(path, KEY_HEX)
    assert len(folder.refresh()) == 1


# In the room


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_the_room_shows_who_why_and_the_photograph(bench: Bench):
    bench.take(bench.van.alert(category="wanted", response="amber"))
    bench.show()
    ((alert, _),) = bench.screen.alerts
    assert isinstance(alert.person, BundlePerson)
    assert (alert.reference, alert.person.reason) == ("entry 1", "failed to appear")
    assert alert.photograph is not None
    assert alert.photograph.size == (200, 240)
    assert not alert.faults
    assert not alert.remarks


def test_a_category_or_response_other_than_the_van_says_is_noted(bench: Bench):
    bench.take(bench.van.alert(category="suspect", response="red"))
    bench.show()
    remarks = bench.screen.alerts[0][0].remarks
    assert any("category is another" in each for each in remarks)
    assert any("planned response is another: AMBER" in each for each in remarks)


def test_after_its_end_the_room_knows_nobody_and_says_why(bench: Bench):
    bench.clock.advance(UNTIL_END_S)
    bench.room.tick(connected=True)
    assert "has ended" in bench.screen.of("bundle")[-1]
    assert not bench.bundle.exists()
    bench.take(bench.van.alert())
    bench.show()
    assert bench.screen.alerts[0][0].reference is None


def test_an_entry_of_another_deployment_s_bundle_is_unknown(bench: Bench):
    write_room_bundle(bench.bundle, bench.van.room_seal_hex, deployment="deployment-9")
    bench.room.tick(connected=True)
    bench.take(bench.van.alert())
    bench.show()
    assert bench.screen.alerts[0][0].reference is None


def test_a_photograph_that_does_not_open_leaves_the_alert_shown_without_it(bench: Bench):
    data = bytearray(bench.bundle.read_bytes())
    data[-20] ^= 0xFF
    bench.bundle.write_bytes(data)
    bench.room.tick(connected=True)
    bench.take(bench.van.alert(entry_id=ENTRY_IDS[2]))
    bench.show()
    ((alert, _),) = bench.screen.alerts
    assert alert.reference == "entry 3"
    assert alert.photograph is None
    assert "does not open" in alert.faults[0]
