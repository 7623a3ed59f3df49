"""Files in parts: what is split is joined, and a head that lies is refused."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.errors import DocumentInvalid, DocumentTooLarge
from edge.formats.parts import FILE_MAX_BYTES, MESSAGE_MAX_BYTES, fetch_whole, head_of, split

MAGIC = b"\0lfr-parts1\0"


def head(parts: int, length: int) -> bytes:
    return struct.pack(">12sII", MAGIC, parts, length)


@pytest.mark.parametrize("length", [0, 1, MESSAGE_MAX_BYTES])
def test_file_that_fits_a_message_is_one_message(length: int):
    assert split("name", b"x" * length) == {"name": b"x" * length}


@pytest.mark.parametrize("length", [MESSAGE_MAX_BYTES + 1, 2 * MESSAGE_MAX_BYTES, FILE_MAX_BYTES])
def test_longer_file_comes_back_from_its_parts(length: int):
    data = bytes(index % 251 for index in range(length))
    messages = split("a/file", data)
    assert all(len(each) <= MESSAGE_MAX_BYTES for each in messages.values())
    assert list(messages)[-1] == "a/file"
    assert fetch_whole("a/file", FILE_MAX_BYTES, messages.__getitem__) == data


def test_file_that_looks_like_a_head_is_published_in_parts():
    data = head(3, 150_000)
    messages = split("name", data)
    assert set(messages) == {"name", "name.p000"}
    assert fetch_whole("name", 1000, messages.__getitem__) == data


def test_file_over_the_limit_is_not_split():
    with pytest.raises(DocumentTooLarge):
        split("name", b"x" * (FILE_MAX_BYTES + 1))


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (head(2, 61_440), DocumentInvalid),
        (head(1, 61_441), DocumentInvalid),
        (head(0, 0), DocumentInvalid),
        (head(1, 11), DocumentInvalid),
        (head(18, FILE_MAX_BYTES + 1), DocumentTooLarge),
        (head(2**32 - 1, 2**32 - 1), DocumentTooLarge),
        (head(2, 100_000) + b"x", DocumentInvalid),
        (MAGIC, DocumentInvalid),
    ],
)
def test_head_that_lies_is_refused(data: bytes, error: type[Exception]):
    with pytest.raises(error):
        head_of(data)


@pytest.mark.parametrize("change", [b"", b"x"])
def test_part_too_short_or_too_long_is_refused(change: bytes):
    messages = split("name", bytes(100_000))
    messages["name.p001"] = messages["name.p001"][:-1] + change * 2
    with pytest.raises(DocumentInvalid):
        fetch_whole("name", FILE_MAX_BYTES, messages.__getitem__)


def test_limit_of_the_reader_is_looked_at_before_any_part_is_fetched():
    asked = []

    def fetch(name: str) -> bytes:
        asked.append(name)
        return head(17, 1_000_000)

    with pytest.raises(DocumentTooLarge):
        fetch_whole("name", 256 * 1024, fetch)
    assert asked == ["name"]


@given(st.binary(max_size=64) | st.binary(max_size=24).map(lambda rest: MAGIC + rest))
def test_any_message_is_a_file_or_a_head_or_refused(data: bytes):
    try:
        found = head_of(data)
    except DocumentInvalid:
        return
    assert (found is None) != data.startswith(MAGIC)
