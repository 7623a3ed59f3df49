"""A deployment made ready: what the van opens is what was enrolled, and the room's bundle holds what it shows."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import cv2
import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from edge.clock import parse_utc
from edge.errors import DocumentTooLarge, PhotographUnreadable, SealInvalid, WatchlistInvalid
from edge.formats.documents import Order
from edge.formats.topics import order_name, repo_topic, watchlist_part_name
from edge.trust import watchlist
from edge.trust.documents import public_hex, verify
from edge.trust.keys import seal_public_hex
from provisioning.deployment import (
    BUNDLE_PHOTOGRAPH_SIDE_PX,
    OrderTerms,
    RoomKeys,
    prepare_files,
    write_room_bundle,
)
from provisioning.enrolment import Entry
from tests.fake_clock import FakeClock

DIMENSION = 256
AUTHORITY = Ed25519PrivateKey.generate()
VANS = {name: X25519PrivateKey.generate() for name in ("van-2", "van-1")}
ROOM = RoomKeys(public_hex(Ed25519PrivateKey.generate()), seal_public_hex(X25519PrivateKey.generate()))
TERMS = OrderTerms(
    deployment="market",
    fleet="fleet-1",
    authorising_officer="officer 7",
    use_case="missing people",
    place="market square",
    similarity_threshold=0.58,
    threshold_backend="litert/int8",
    valid_for=timedelta(hours=6),
    alert_retention_h=24.0,
    pack_sha256="ab" * 32,
)


def entries_of(count: int, seed: int = 1) -> list[Entry]:
    vectors = np.random.default_rng(seed).normal(0, 1, (count, DIMENSION)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return [Entry(f"{i:032x}", f"Person Nr {i}", Path("none"), 1, vector) for i, vector in enumerate(vectors)]


def prepare(entries: list[Entry], vans: dict[str, X25519PrivateKey] = VANS) -> dict[str, bytes]:
    keys = {van: seal_public_hex(key) for van, key in vans.items()}
    return prepare_files(TERMS, entries, keys, ROOM, AUTHORITY, FakeClock())


def order_of(files: dict[str, bytes], van: str = "van-1") -> Order:
    return verify(files[order_name(van)], Order, [public_hex(AUTHORITY)])


def opened(files: dict[str, bytes], van: str, key: X25519PrivateKey) -> tuple[tuple[str, ...], np.ndarray]:
    order = order_of(files, van)
    name = order.watchlist.id
    header = watchlist.open_header(files[watchlist_part_name(name, 0)], order, [public_hex(AUTHORITY)])
    cipher = watchlist.unwrap_key(header, van, key)
    plain = np.empty(watchlist.plaintext_bytes(header), np.uint8)
    templates = np.empty((header.entries, header.dimension), np.float32)
    parts = [files[watchlist_part_name(name, 1 + index)] for index in range(order.watchlist.parts)]
    return watchlist.open_parts(header, cipher, parts, plain, templates), templates


@pytest.mark.parametrize("count", [1, 3, 112, 113, 300])
def test_each_van_opens_what_was_enrolled(count: int):
    entries = entries_of(count)
    files = prepare(entries)
    for van, key in VANS.items():
        ids, templates = opened(files, van, key)
        assert list(ids) == [entry.entry_id for entry in entries]
        alike = [float(entry.vector @ row) for entry, row in zip(entries, templates, strict=True)]
        assert min(alike) > 0.9999


def test_another_van_s_key_opens_nothing():
    files = prepare(entries_of(3))
    with pytest.raises(SealInvalid):
        opened(files, "van-1", VANS["van-2"])


def test_the_order_says_what_the_officer_decided():
    order = order_of(prepare(entries_of(3)))
    assert (order.deployment, order.fleet, order.devices) == ("market", "fleet-1", ["van-1", "van-2"])
    assert (order.authorising_officer, order.use_case, order.place) == ("officer 7", "missing people", "market square")
    assert (order.similarity_threshold, order.alert_retention_h) == (0.58, 24.0)
    assert (order.room_receipt_key_hex, order.room_seal_key_hex) == (ROOM.receipt_hex, ROOM.seal_hex)
    assert order.watchlist.entries == 3


def test_the_order_lasts_as_long_as_was_decided_and_holds_at_once():
    order, now = order_of(prepare(entries_of(1))), FakeClock().now_utc()
    begin, end = parse_utc(order.not_before_utc), parse_utc(order.not_after_utc)
    assert begin < now
    assert end - now == timedelta(hours=6)


def test_each_van_finds_the_same_order_and_no_file_can_be_refused_by_name():
    files = prepare(entries_of(3))
    assert files[order_name("van-1")] == files[order_name("van-2")]
    assert all(repo_topic("fleet-1", name) for name in files)


def test_no_name_of_a_person_and_no_template_is_in_what_is_published():
    entries = entries_of(40)
    published = b"".join(prepare(entries).values())
    for entry in entries:
        for secret in (
            entry.reference.encode(),
            bytes.fromhex(entry.entry_id),
            entry.vector.tobytes(),
            np.round(entry.vector * 32767).astype("<i2").tobytes()[:16],
        ):
            assert secret not in published


def test_the_same_list_never_has_the_same_ciphertext():
    entries = entries_of(5)
    part = watchlist_part_name("market-list", 1)
    assert prepare(entries)[part] != prepare(entries)[part]


def test_every_file_fits_a_message():
    files = prepare(entries_of(300))
    assert max(len(data) for data in files.values()) <= 60 * 1024


def test_a_list_of_nobody_is_refused():
    with pytest.raises(WatchlistInvalid, match="no entries"):
        prepare([])


def test_more_vans_than_a_header_can_carry_are_refused():
    key = X25519PrivateKey.generate()
    with pytest.raises(DocumentTooLarge):
        prepare(entries_of(1), {f"van-{number}": key for number in range(400)})


# The room's bundle


@pytest.fixture
def enrolled(tmp_path: Path) -> list[Entry]:
    made = []
    for index, (width, height) in enumerate([(60, 80), (2000, 1000), (900, 5)]):
        photograph = tmp_path / f"person {index}.png"
        cv2.imwrite(str(photograph), np.full((height, width, 3), (10, 200, 90), np.uint8))
        made.append(Entry(f"{index:032x}", f"№ {index}/ä", photograph, 1, np.ones(4, np.float32)))
    return made


def test_the_bundle_has_reference_and_photograph_of_each_entry(tmp_path: Path, enrolled: list[Entry]):
    write_room_bundle(tmp_path / "bundle", "market", enrolled)
    bundle = json.loads((tmp_path / "bundle" / "bundle.json").read_text(encoding="utf-8"))
    assert (bundle["deployment"], bundle["watchlist"]) == ("market", "market-list")
    assert [each["reference"] for each in bundle["entries"]] == [entry.reference for entry in enrolled]
    for each, entry in zip(bundle["entries"], enrolled, strict=True):
        assert each["entry_id"] == entry.entry_id
        image = cv2.imread(str(tmp_path / "bundle" / each["photograph"]))
        assert np.abs(image.astype(int) - (10, 200, 90)).max() < 12


def test_photographs_are_shrunk_in_proportion_and_never_enlarged(tmp_path: Path, enrolled: list[Entry]):
    write_room_bundle(tmp_path / "bundle", "market", enrolled)
    sizes = [cv2.imread(str(tmp_path / "bundle" / "photos" / f"{entry.entry_id}.jpg")).shape[:2] for entry in enrolled]
    assert sizes == [(80, 60), (BUNDLE_PHOTOGRAPH_SIDE_PX // 2, BUNDLE_PHOTOGRAPH_SIDE_PX), (2, 320)]


def test_a_photograph_that_has_vanished_is_said(tmp_path: Path, enrolled: list[Entry]):
    enrolled[0].photograph.unlink()
    with pytest.raises(PhotographUnreadable):
        write_room_bundle(tmp_path / "bundle", "market", enrolled)


def test_a_photograph_s_name_cannot_leave_the_bundle(tmp_path: Path, enrolled: list[Entry]):
    write_room_bundle(tmp_path / "bundle", "market", enrolled)
    written = {path.relative_to(tmp_path / "bundle").parts[0] for path in (tmp_path / "bundle").rglob("*")}
    assert written == {"photos", "bundle.json"}
