"""Parts of a watchlist are taken as they were sealed, all of them, or nothing of them is left in memory."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.errors import (
    RepositoryFileMissing,
    WatchlistInvalid,
)
from edge.trust import watchlist
from edge.trust.keys import seal_public_hex
from edge.trust.watchlist import PART_MAX_BYTES, entry_bytes
from tests.made_documents import (
    DEPLOYMENT,
    DEVICE,
    PACK_SHA256,
    VAN_SEAL,
    WATCHLIST,
)
from tests.trust.made_watchlist import DIMENSION, PER_PART, Opening, entries_of, made


def test_parts_in_another_order_are_refused(opening: Opening):
    opening.parts[0], opening.parts[1] = opening.parts[1], opening.parts[0]
    opening.refuses("part 0: altered, or not this list's")


def test_part_in_the_place_of_another_of_the_same_size_is_refused(opening: Opening):
    opening.parts[1] = opening.parts[0]
    opening.refuses("part 1: altered")


@pytest.mark.parametrize(
    "changes", [{}, {"watchlist": "list-2"}, {"deployment": "deployment-2"}, {"pack_sha256": "ef" * 32}], ids=repr
)
def test_part_of_another_list_is_refused(opening: Opening, changes):
    opening.parts[1] = made(**changes).parts[1]
    opening.refuses("part 1: altered, or not this list's")


@pytest.mark.parametrize(
    "changes",
    [{"id": "list-2"}, {"deployment": "d-2"}, {"pack_sha256": "ef" * 32}, {"entries": 2 * PER_PART + 2}],
    ids=repr,
)
def test_parts_under_another_header_with_the_same_key_are_refused(sealed: Opening, changes):
    cipher = watchlist.unwrap_key(sealed.header, DEVICE, VAN_SEAL)
    other = Opening(sealed.header.model_copy(update=changes), sealed.parts)
    with pytest.raises(WatchlistInvalid, match="part 0: altered"):
        other.open(cipher=cipher)
    other.is_wiped()


@pytest.mark.parametrize("part", [0, 1, 2])
@pytest.mark.parametrize("region", ["first id", "last id", "first template", "last template", "tag"])
def test_flipped_bit_in_any_region_of_any_part_is_refused(opening: Opening, part: int, region: str):
    count = 1 if part == 2 else PER_PART
    at = {
        "first id": 0,
        "last id": 16 * count - 1,
        "first template": 16 * count,
        "last template": entry_bytes(DIMENSION) * count - 1,
        "tag": -1,
    }[region]
    spoiled = bytearray(opening.parts[part])
    spoiled[at] ^= 0x01
    opening.parts[part] = bytes(spoiled)
    opening.refuses(f"part {part}: altered")


@settings(max_examples=40)
@given(part=st.integers(0, 2), at=st.integers(0, PART_MAX_BYTES), bit=st.integers(0, 7))
def test_any_flipped_bit_is_refused_and_leaves_nothing(sealed: Opening, part: int, at: int, bit: int):
    opening = Opening(sealed.header, list(sealed.parts))
    spoiled = bytearray(opening.parts[part])
    spoiled[at % len(spoiled)] ^= 1 << bit
    opening.parts[part] = bytes(spoiled)
    opening.refuses(f"part {part}: altered")


@pytest.mark.parametrize(
    "alter",
    [
        lambda part: part[:-1],
        lambda part: part[:100],
        lambda part: b"",
        lambda part: part + b"\0",
        lambda part: part * 2,
    ],
    ids=["one byte short", "100 bytes", "empty", "one byte more", "twice as long"],
)
@pytest.mark.parametrize("part", [0, 2])
def test_part_of_another_length_is_refused(opening: Opening, part: int, alter):
    opening.parts[part] = alter(opening.parts[part])
    opening.refuses(f"part {part}: .* bytes, need")


def test_missing_part_is_refused(opening: Opening):
    del opening.parts[2]
    opening.refuses("entries came")


def test_missing_part_in_the_middle_is_refused(opening: Opening):
    del opening.parts[1]
    opening.refuses("part 1")


def test_no_part_at_all_is_refused(opening: Opening):
    opening.refuses("0 entries came", iter(()))


def test_extra_part_is_refused(opening: Opening):
    opening.refuses("more parts than entries", iter([*opening.parts, opening.parts[2]]))


def test_endless_parts_are_not_all_taken(opening: Opening):
    taken = []

    def endless() -> Iterator[bytes]:
        while True:
            taken.append(1)
            yield opening.parts[min(len(taken), 3) - 1]

    opening.refuses("more parts than entries", endless())
    assert len(taken) == 4


def test_part_that_does_not_come_leaves_nothing_of_those_that_came(opening: Opening):
    def breaking_off() -> Iterator[bytes]:
        yield opening.parts[0]
        raise RepositoryFileMissing("watchlists/list-1/0002 did not come")

    opening.refuses("did not come", breaking_off(), RepositoryFileMissing)


# What the authority itself got wrong


def forged(entries: list[tuple[bytes, np.ndarray]]) -> Opening:
    """A list that its own builder would refuse, sealed as the format says. entries: id, int16 (16,)."""
    header, _ = watchlist.seal_watchlist(
        WATCHLIST, DEPLOYMENT, PACK_SHA256, entries_of(len(entries), 16), {DEVICE: seal_public_hex(VAN_SEAL)}
    )
    cipher = watchlist.unwrap_key(header, DEVICE, VAN_SEAL)
    plain = b"".join(entry_id for entry_id, _ in entries) + np.stack([v for _, v in entries]).astype("<i2").tobytes()
    part = cipher.encrypt(watchlist._nonce(0), plain, watchlist._context(header, 0, len(entries)))
    return Opening(header, [part])


def axis(length: float) -> np.ndarray:
    vector = np.zeros(16)
    vector[3:7] = round(length * watchlist.FULL_SCALE / 2)
    return vector


@pytest.mark.parametrize("length", [0.0, 0.5, 0.98, 1.02, 1.9])
def test_template_of_another_norm_is_refused_and_leaves_nothing(length: float):
    good = (b"\1" * 16, axis(1.0))
    forged([good, (b"\2" * 16, axis(1.0))]).open()
    forged([good, (b"\2" * 16, axis(length))]).refuses("template 1 has norm")


def test_template_that_would_match_everyone_is_refused():
    forged([(b"\1" * 16, np.full(16, 32767))]).refuses("norm 4.000, need 1; another norm could match everyone")


def test_template_of_lowest_numbers_is_refused():
    forged([(b"\1" * 16, np.full(16, -32768))]).refuses("norm 4.000")


def test_entry_id_that_is_there_twice_is_refused():
    forged([(b"\1" * 16, axis(1.0)), (b"\2" * 16, axis(1.0)), (b"\1" * 16, axis(1.0))]).refuses("twice")


def test_entry_id_that_is_in_two_parts_is_refused(sealed: Opening):
    cipher = watchlist.unwrap_key(sealed.header, DEVICE, VAN_SEAL)
    last = bytearray(cipher.decrypt(watchlist._nonce(2), sealed.parts[2], watchlist._context(sealed.header, 2, 1)))
    last[:16] = bytes.fromhex(entries_of(1)[0][0])
    part = cipher.encrypt(watchlist._nonce(2), bytes(last), watchlist._context(sealed.header, 2, 1))
    Opening(sealed.header, [*sealed.parts[:2], part]).refuses("twice")


@settings(max_examples=60)
@given(parts=st.lists(st.binary(max_size=80) | st.sampled_from([48, 96]).map(bytes), max_size=3))
def test_any_bytes_are_no_parts_and_leave_nothing(parts: list[bytes]):
    small = made(2, 16)
    Opening(small.header, parts).refuses("watchlist list-1")
