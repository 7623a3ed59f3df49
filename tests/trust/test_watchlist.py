"""A watchlist opens whole, for the vans and the order it was built for, or leaves nothing behind."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.errors import (
    DocumentInvalid,
    LfrError,
    RepositoryFileMissing,
    SealInvalid,
    SignatureInvalid,
    WatchlistInvalid,
)
from edge.formats.documents import Order, WatchlistHeader, WatchlistReference
from edge.trust import watchlist
from edge.trust.documents import document_sha256, sign
from edge.trust.keys import seal_public_hex
from edge.trust.sealing import seal, watchlist_key_context
from edge.trust.watchlist import PART_MAX_BYTES, TAG_BYTES, entry_bytes
from tests import json_values
from tests.made_documents import (
    AUTHORITY,
    AUTHORITY_HEX,
    DEPLOYMENT,
    DEVICE,
    PACK_SHA256,
    ROOM_SEAL,
    STRANGER,
    VAN,
    VAN_SEAL,
    WATCHLIST,
    order,
)

DIMENSION = 2000
"""Large templates make short parts: three parts hold few entries."""

PER_PART = (PART_MAX_BYTES - TAG_BYTES) // entry_bytes(DIMENSION)
DIRT = 0xA5
SEED = 20_260_301


def entries_of(count: int, dimension: int = DIMENSION, seed: int = SEED) -> list[tuple[str, np.ndarray]]:
    vectors = np.random.default_rng(seed).standard_normal((count, dimension)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return [(f"{number + 1:032x}", vector) for number, vector in enumerate(vectors)]


@dataclass
class Opening:
    """One watchlist as a van receives it, and the memory it is opened into: dirty, to show what is wiped."""

    header: WatchlistHeader
    parts: list[bytes]

    def __post_init__(self) -> None:
        self.plain = np.full(watchlist.plaintext_bytes(self.header), DIRT, np.uint8)
        self.templates = np.full((self.header.entries, self.header.dimension), np.nan, np.float32)

    def open(self, parts: Iterator[bytes] | None = None, cipher: AESGCM | None = None) -> tuple[str, ...]:
        cipher = cipher or watchlist.unwrap_key(self.header, DEVICE, VAN_SEAL)
        return watchlist.open_parts(self.header, cipher, parts or iter(self.parts), self.plain, self.templates)

    def refuses(self, why: str, parts: Iterator[bytes] | None = None, error: type[LfrError] = WatchlistInvalid) -> None:
        with pytest.raises(error, match=why):
            self.open(parts)
        self.is_wiped()

    def is_wiped(self) -> None:
        assert not self.plain.any(), "plaintext is left"
        assert not self.templates.any(), "templates are left"


def made(count: int = 2 * PER_PART + 1, dimension: int = DIMENSION, seed: int = SEED, **changes: str) -> Opening:
    names = {"watchlist": WATCHLIST, "deployment": DEPLOYMENT, "pack_sha256": PACK_SHA256, **changes}
    recipients = {DEVICE: seal_public_hex(VAN_SEAL), "van-2": seal_public_hex(ROOM_SEAL)}
    return Opening(
        *watchlist.seal_watchlist(**names, entries=entries_of(count, dimension, seed), recipients=recipients)
    )


@pytest.fixture(scope="module")
def sealed() -> Opening:
    return made()


@pytest.fixture
def opening(sealed: Opening) -> Opening:
    return Opening(sealed.header, list(sealed.parts))


def order_for(data: bytes, header: WatchlistHeader, **changes: object) -> Order:
    reference = {
        "id": header.id,
        "entries": header.entries,
        "parts": watchlist.part_count(header),
        "sha256": document_sha256(data),
    }
    return order(watchlist=WatchlistReference(**{**reference, **changes}))


# The whole way


@pytest.mark.parametrize("count", [1, PER_PART - 1, PER_PART, PER_PART + 1, 3 * PER_PART])
def test_any_number_of_entries_opens_as_it_was_built(count: int):
    opening = made(count)
    assert len(opening.parts) == watchlist.part_count(opening.header) == -(-count // PER_PART)
    assert max(map(len, opening.parts)) <= PART_MAX_BYTES
    built = entries_of(count)
    assert opening.open() == tuple(entry_id for entry_id, _ in built)
    assert not opening.plain.any()
    assert np.abs(np.linalg.norm(opening.templates, axis=1) - 1).max() < 1e-6


@pytest.mark.parametrize("dimension", [16, 128, 256, 512, 2048])
def test_sixteen_bits_move_no_similarity_by_more_than_rounding_can(dimension: int):
    opening = made(40, dimension)
    opening.open()
    originals = np.stack([vector for _, vector in entries_of(40, dimension)]).astype(np.float64)
    opened = opening.templates.astype(np.float64)
    probes = np.stack([vector for _, vector in entries_of(40, dimension, seed=1)]).astype(np.float64)
    # Half a step in each of d components moves a vector by sqrt(d)/2 steps; back to unit length: twice that at most.
    bound = np.sqrt(dimension) / watchlist.FULL_SCALE
    assert np.abs(probes @ opened.T - probes @ originals.T).max() < bound
    assert np.abs((opened * originals).sum(axis=1) - 1).max() < 1e-6


@pytest.mark.parametrize("at", [0, 7, 15])
@pytest.mark.parametrize("sign_of_it", [1, -1])
def test_template_along_one_axis_survives_the_ends_of_sixteen_bits(at: int, sign_of_it: int):
    vector = np.zeros(16, np.float32)
    vector[at] = sign_of_it * 1.002
    recipients = {DEVICE: seal_public_hex(VAN_SEAL)}
    opening = Opening(*watchlist.seal_watchlist(WATCHLIST, DEPLOYMENT, PACK_SHA256, [("0" * 32, vector)], recipients))
    opening.open()
    assert np.array_equal(opening.templates[0], np.sign(vector))


def test_every_van_named_opens_it_and_no_other(opening: Opening):
    opening.open(cipher=watchlist.unwrap_key(opening.header, "van-2", ROOM_SEAL))
    with pytest.raises(WatchlistInvalid, match="not for van-3"):
        watchlist.unwrap_key(opening.header, "van-3", VAN_SEAL)


def test_two_builds_of_one_list_share_no_key_and_no_bytes(sealed: Opening):
    again = made()
    assert not set(again.parts) & set(sealed.parts)
    for part, other in zip(again.parts, sealed.parts, strict=True):
        assert part[:64] != other[:64]


# The builder


@pytest.mark.parametrize(
    ("entries", "why"),
    [
        ([], "no entries"),
        ([("0" * 31, np.eye(16, dtype=np.float32)[0])], "entry id"),
        ([("A" * 32, np.eye(16, dtype=np.float32)[0])], "entry id"),
        ([("0" * 32, np.eye(16, dtype=np.float32)[0])] * 2, "twice"),
        ([("0" * 32, np.eye(16, dtype=np.float32)[0]), ("1" * 32, np.eye(17, dtype=np.float32)[0])], "shape"),
        ([("0" * 32, np.zeros(16, np.float32))], "norm 0.000"),
        ([("0" * 32, np.full(16, 0.5, np.float32))], "norm 2.000"),
        ([("0" * 32, np.full(16, np.nan, np.float32))], "norm nan"),
        ([("0" * 32, np.full(16, np.inf, np.float32))], "norm inf"),
    ],
    ids=["none", "short id", "capitals", "twice", "two lengths", "norm 0", "norm 2", "NaN", "infinity"],
)
def test_list_that_no_van_would_open_is_not_built(entries, why: str):
    with pytest.raises(WatchlistInvalid, match=why):
        watchlist.seal_watchlist(WATCHLIST, DEPLOYMENT, PACK_SHA256, entries, {})


def test_list_is_not_built_for_a_key_that_cannot_be_sealed_to():
    with pytest.raises(SealInvalid):
        watchlist.seal_watchlist(WATCHLIST, DEPLOYMENT, PACK_SHA256, entries_of(1, 16), {DEVICE: "00" * 32})


# The header


def test_header_that_the_order_names_is_opened(sealed: Opening):
    data = sign(sealed.header, [AUTHORITY])
    assert watchlist.open_header(data, order_for(data, sealed.header), [AUTHORITY_HEX]) == sealed.header


def test_header_other_than_the_one_the_order_pins_is_refused(sealed: Opening):
    data = sign(sealed.header, [AUTHORITY])
    with pytest.raises(WatchlistInvalid, match="the order names"):
        watchlist.open_header(data, order_for(data + b" ", sealed.header), [AUTHORITY_HEX])


@pytest.mark.parametrize("key", [STRANGER, VAN])
def test_header_not_signed_by_the_authority_is_refused_even_when_the_order_pins_it(sealed: Opening, key):
    data = sign(sealed.header, [key])
    with pytest.raises(SignatureInvalid):
        watchlist.open_header(data, order_for(data, sealed.header), [AUTHORITY_HEX])


@pytest.mark.parametrize("changes", [{"id": "list-2"}, {"entries": 1}, {"parts": 1}, {"parts": 4}], ids=repr)
def test_header_that_is_not_what_the_order_says_of_it_is_refused(sealed: Opening, changes):
    data = sign(sealed.header, [AUTHORITY])
    with pytest.raises(WatchlistInvalid):
        watchlist.open_header(data, order_for(data, sealed.header, **changes), [AUTHORITY_HEX])


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"deployment": "deployment-2"}, "the order names another"),
        ({"pack_sha256": "ef" * 32}, "another pack"),
        ({"entries": 5}, "not the number in the order"),
        ({"entries_per_part": 10_000}, "not the number in the order"),
        ({"entries_per_part": 10_000, "entries": 21_000}, "not the number in the order"),
    ],
)
def test_header_for_something_else_than_the_order_is_refused(sealed: Opening, changes, why: str):
    data = sign(sealed.header.model_copy(update=changes), [AUTHORITY])
    with pytest.raises(WatchlistInvalid, match=why):
        watchlist.open_header(data, order_for(data, sealed.header), [AUTHORITY_HEX])


def test_header_that_announces_oversized_parts_is_refused(sealed: Opening):
    header = sealed.header.model_copy(update={"entries_per_part": PER_PART + 1})
    data = sign(header, [AUTHORITY])
    with pytest.raises(WatchlistInvalid, match="parts over"):
        watchlist.open_header(data, order_for(data, header), [AUTHORITY_HEX])


@pytest.mark.parametrize(
    "changes",
    [
        {"entries": 0},
        {"entries": 200_001},
        {"dimension": 15},
        {"dimension": 2049},
        {"entries_per_part": 0},
        {"id": "UP"},
    ],
    ids=repr,
)
def test_header_out_of_bounds_is_refused(sealed: Opening, changes):
    data = sign(sealed.header.model_copy(update=changes), [AUTHORITY])
    with pytest.raises(DocumentInvalid):
        watchlist.open_header(data, order_for(data, sealed.header), [AUTHORITY_HEX])


@given(data=json_values.nearly_json())
def test_any_bytes_are_no_header(sealed: Opening, data: bytes):
    with pytest.raises(LfrError):
        watchlist.open_header(data, order_for(data, sealed.header), [AUTHORITY_HEX])
    with pytest.raises(LfrError):
        watchlist.open_header(data, order_for(b"x", sealed.header), [AUTHORITY_HEX])


# The content key


def test_key_of_another_van_does_not_unwrap(sealed: Opening):
    with pytest.raises(SealInvalid):
        watchlist.unwrap_key(sealed.header, DEVICE, ROOM_SEAL)


@pytest.mark.parametrize("changes", [{"id": "list-2"}, {"deployment": "deployment-2"}], ids=repr)
def test_key_moved_to_another_list_or_deployment_does_not_unwrap(sealed: Opening, changes):
    with pytest.raises(SealInvalid):
        watchlist.unwrap_key(sealed.header.model_copy(update=changes), DEVICE, VAN_SEAL)


def test_key_wrapped_for_another_van_does_not_unwrap_under_this_vans_name(sealed: Opening):
    wrapped = {DEVICE: sealed.header.wrapped_keys["van-2"]}
    header = sealed.header.model_copy(update={"wrapped_keys": wrapped})
    with pytest.raises(SealInvalid):
        watchlist.unwrap_key(header, DEVICE, ROOM_SEAL)


@pytest.mark.parametrize("length", [0, 16, 31, 33])
def test_wrapped_key_of_another_length_is_refused(sealed: Opening, length: int):
    box = seal(bytes(length), seal_public_hex(VAN_SEAL), watchlist_key_context(WATCHLIST, DEPLOYMENT, DEVICE))
    wrapped = {DEVICE: base64.b64encode(box).decode()}
    with pytest.raises(SealInvalid, match=f"of {length} bytes"):
        watchlist.unwrap_key(sealed.header.model_copy(update={"wrapped_keys": wrapped}), DEVICE, VAN_SEAL)


@given(text=st.from_regex(r"\A[A-Za-z0-9+/]{0,120}={0,2}\Z"))
def test_any_text_in_the_place_of_a_wrapped_key_is_refused(sealed: Opening, text: str):
    header = sealed.header.model_copy(update={"wrapped_keys": {DEVICE: text}})
    with pytest.raises((WatchlistInvalid, SealInvalid)):
        watchlist.unwrap_key(header, DEVICE, VAN_SEAL)


# The parts


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
