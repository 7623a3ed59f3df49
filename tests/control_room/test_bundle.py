"""One file of the room's bundle: opened whole or refused whole, and written so that no reader refuses it."""

from __future__ import annotations

import hashlib
import os
import stat
import struct
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from control_room.bundle_file import BundleFile
from control_room.errors import BundleInvalid
from edge.errors import DocumentInvalid, SealInvalid
from edge.formats.bundle import KEY_BOX_BYTES, MAGIC
from edge.trust.keys import seal_public_hex
from provisioning.errors import BuiltListInvalid
from provisioning.room_bundle import bundle_head, bundle_name
from tests.control_room.van import DEPLOYMENT, ENTRY_IDS, FLEET, NOON, bundled, write_room_bundle

KEY = X25519PrivateKey.from_private_bytes(b"\x06" * 32)
KEY_HEX = seal_public_hex(KEY)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "bundle" / "a.bundle"
    write_room_bundle(path, KEY_HEX)
    return path


def opened(path: Path, key: X25519PrivateKey = KEY, fleet: str = FLEET) -> BundleFile:
    return BundleFile(path, fleet, key, NOON)


def read_all(path: Path) -> list[bytes]:
    file = opened(path)
    try:
        return [file.photograph(entry_id) for entry_id in ENTRY_IDS]
    finally:
        file.close()


def test_what_was_sealed_is_what_the_room_opens(path: Path):
    file = opened(path)
    for number, entry_id in enumerate(ENTRY_IDS):
        person, jpeg = bundled(number)
        assert file.person(entry_id) == person
        assert file.photograph(entry_id) == jpeg
    assert file.person("f" * 32) is None


@pytest.mark.parametrize("count", [1, 63, 64, 65, 129])
def test_every_size_of_bundle_opens(tmp_path: Path, count: int):
    entries = [
        (bundled(0, entry_id=f"{i:032x}", photograph_bytes=i % 7 + 1)[0], b"j" * (i % 7 + 1)) for i in range(count)
    ]
    write_room_bundle(tmp_path / "b.bundle", KEY_HEX, entries)
    file = opened(tmp_path / "b.bundle")
    assert file.entries == count
    assert all(file.photograph(person.entry_id) == jpeg for person, jpeg in entries)


def test_nothing_of_anybody_is_in_the_file_in_the_clear(path: Path):
    data = path.read_bytes()
    for number, entry_id in enumerate(ENTRY_IDS):
        person, jpeg = bundled(number)
        for secret in (person.reference, entry_id, person.reason, person.lawful_basis, "wanted"):
            assert secret.encode() not in data
        assert bytes.fromhex(entry_id) not in data
        assert jpeg[:16] not in data


def test_the_same_people_never_have_the_same_ciphertext(tmp_path: Path):
    for name in ("a", "b"):
        write_room_bundle(tmp_path / name, KEY_HEX)
    one, other = ((tmp_path / name).read_bytes()[400:] for name in ("a", "b"))
    assert not {one[i : i + 16] for i in range(len(one) - 16)} & {
        other[i : i + 16] for i in range(0, len(other) - 16, 16)
    }


def test_every_flipped_bit_before_the_photographs_refuses_the_whole(path: Path):
    good = path.read_bytes()
    photographs = sum(person.photograph_bytes + 16 for person, _ in map(bundled, range(3)))
    for place in range(len(good) - photographs):
        path.write_bytes(good[:place] + bytes([good[place] ^ 1]) + good[place + 1 :])
        with pytest.raises(BundleInvalid):
            opened(path)


def test_a_flipped_bit_in_a_photograph_refuses_that_one_alone(path: Path):
    data = bytearray(path.read_bytes())
    data[-20] ^= 1
    path.write_bytes(data)
    file = opened(path)
    assert file.photograph(ENTRY_IDS[0])
    with pytest.raises(BundleInvalid, match=ENTRY_IDS[2]):
        file.photograph(ENTRY_IDS[2])


def test_swapped_photographs_do_not_open(tmp_path: Path):
    entries = [(bundled(i, photograph_bytes=40)[0], bytes([i]) * 40) for i in range(2)]
    path = tmp_path / "b.bundle"
    write_room_bundle(path, KEY_HEX, entries)
    data = path.read_bytes()
    path.write_bytes(data[:-112] + data[-56:] + data[-112:-56])
    file = opened(path)
    for entry_id in ENTRY_IDS[:2]:
        with pytest.raises(BundleInvalid):
            file.photograph(entry_id)


def test_truncation_anywhere_and_trailing_bytes_refuse_the_whole(path: Path):
    good = path.read_bytes()
    for length in [*range(600), *range(600, len(good), 131), len(good) - 1]:
        path.write_bytes(good[:length])
        with pytest.raises(BundleInvalid):
            opened(path)
    path.write_bytes(good + b"\0")
    with pytest.raises(BundleInvalid, match="added to"):
        opened(path)


def test_another_room_s_key_opens_nothing(path: Path):
    with pytest.raises(BundleInvalid, match="this room's key"):
        opened(path, X25519PrivateKey.generate())


def test_an_end_put_off_in_the_head_opens_nothing(path: Path):
    data = path.read_bytes()
    path.write_bytes(data.replace(b"2026-03-03T12", b"2036-03-03T12"))
    with pytest.raises(BundleInvalid, match="head was altered"):
        opened(path)


def test_another_fleet_s_bundle_is_refused(path: Path):
    with pytest.raises(BundleInvalid, match="another-fleet"):
        opened(path, fleet="another-fleet")


def test_the_writer_says_the_fingerprint_that_the_room_shows(path: Path):
    fingerprint = write_room_bundle(path, KEY_HEX)
    assert opened(path).fingerprint == fingerprint
    data = path.read_bytes()
    (length,) = struct.unpack_from(">I", data, len(MAGIC))
    assert hashlib.sha256(data[: len(MAGIC) + 4 + length + KEY_BOX_BYTES]).hexdigest()[:16] == fingerprint


@pytest.mark.parametrize("kind", ["link", "folder", "fifo"])
def test_what_is_no_regular_file_is_not_read(path: Path, kind: str):
    other = path.parent / "b.bundle"
    {"link": lambda: other.symlink_to(path), "folder": other.mkdir, "fifo": lambda: os.mkfifo(other)}[kind]()
    with pytest.raises(BundleInvalid):
        opened(other)


@settings(max_examples=100)
@given(st.binary(max_size=300), st.integers(0, 700))
def test_any_bytes_are_a_bundle_or_refused(tmp_path_factory: pytest.TempPathFactory, body: bytes, kept: int):
    path = tmp_path_factory.mktemp("fuzz") / "a.bundle"
    write_room_bundle(path, KEY_HEX)
    good = path.read_bytes()
    for data in (body, MAGIC + body, good[:kept] + body, good[:kept] + body + good[kept + len(body) :]):
        path.write_bytes(data)
        if data != good:
            with pytest.raises(BundleInvalid):
                read_all(path)


# The writer


def test_only_its_owner_may_read_a_bundle(path: Path):
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize(
    "changes",
    [
        {"fleet": "No Fleet"},
        {"part": -1},
        {"part": 1_000_000},
        {"entries": 0},
        {"entries": 200_001},
        {"not_after_utc": "2026-02-30T12:00:00.000Z"},
    ],
)
def test_a_head_that_no_reader_takes_is_not_written(changes: dict):
    fields = {"fleet": FLEET, "deployment": DEPLOYMENT, "part": 0, "entries": 3}
    with pytest.raises(DocumentInvalid):
        bundle_head(**{**fields, "not_after_utc": "2026-03-03T12:00:00.000Z", **changes})


def test_a_writer_that_fails_leaves_no_half_of_a_file(tmp_path: Path):
    person, _ = bundled(0)
    with pytest.raises(BuiltListInvalid):
        write_room_bundle(tmp_path / "a.bundle", KEY_HEX, [(person, b"of another length")])
    with pytest.raises(SealInvalid):
        write_room_bundle(tmp_path / "a.bundle", "00" * 32)
    assert not list(tmp_path.iterdir())


def test_names_of_files_say_deployment_and_part():
    assert (bundle_name("market"), bundle_name("market", 7)) == ("market.bundle", "market-000007.bundle")


@pytest.mark.parametrize("text", ["a\x1b[2J", "a\u202eb", "a\nb", " a", "", "x" * 101])
def test_a_reference_that_could_deceive_an_operator_is_not_of_the_format(text: str):
    with pytest.raises(ValueError, match="reference"):
        bundled(0, reference=text)


def test_under_18_goes_with_a_rationale():
    with pytest.raises(ValueError, match="rationale"):
        bundled(0, under_18=True)
    with pytest.raises(ValueError, match="rationale"):
        bundled(0, under_18_rationale="x")
