"""A built list is read whole as it was written, or refused whole."""

from __future__ import annotations

import hashlib
import stat
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.formats.categories import CATEGORIES, RESPONSES
from provisioning.built_list import LIST_NAME, BuiltList, parse_built, read_built, write_built
from provisioning.errors import BuiltListInvalid


def built_of(count: int = 5, dimension: int = 16) -> BuiltList:
    vectors = np.random.default_rng(3).normal(0, 1, (count, dimension)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return BuiltList(
        ids=tuple(f"{0x80 + i:032x}" for i in range(count)),
        categories=tuple(CATEGORIES[i % 5] for i in range(count)),
        responses=tuple(RESPONSES[i % 3] for i in range(count)),
        vectors=vectors,
        pack_sha256="ab" * 32,
        backend="litert/int8",
        subjects="synthetic",
        policy="uk-1",
        made_at_utc="2026-03-01T12:00:00.000Z",
    )


@pytest.fixture
def data(tmp_path: Path) -> bytes:
    write_built(tmp_path, built_of())
    return (tmp_path / LIST_NAME).read_bytes()


def hashed(body: bytes) -> bytes:
    return body + hashlib.sha256(body).digest()


@pytest.mark.parametrize(("count", "dimension"), [(1, 16), (5, 16), (300, 256)])
def test_what_was_written_is_what_is_read(tmp_path: Path, count: int, dimension: int):
    built = built_of(count, dimension)
    write_built(tmp_path, built)
    found = read_built(tmp_path)
    assert np.array_equal(found.vectors, built.vectors)
    assert replace(found, vectors=built.vectors).__dict__ == built.__dict__


def test_nobody_but_the_owner_may_read_a_list(tmp_path: Path):
    write_built(tmp_path, built_of())
    assert stat.S_IMODE((tmp_path / LIST_NAME).stat().st_mode) == 0o600


def test_a_list_that_is_not_there_is_said_with_the_command_that_makes_one(tmp_path: Path):
    with pytest.raises(BuiltListInvalid, match="lfr-fleet watchlist build"):
        read_built(tmp_path)


def test_every_flipped_byte_is_refused(data: bytes):
    for place in range(len(data)):
        with pytest.raises(BuiltListInvalid):
            parse_built(data[:place] + bytes([data[place] ^ 0x10]) + data[place + 1 :], "list")


def test_every_truncation_and_every_trailing_byte_is_refused(data: bytes):
    for length in range(len(data)):
        with pytest.raises(BuiltListInvalid):
            parse_built(data[:length], "list")
    with pytest.raises(BuiltListInvalid):
        parse_built(data + b"\0", "list")


@pytest.mark.parametrize("value", [0.0, np.nan, np.inf, 2.0])
def test_a_template_of_another_norm_is_refused(data: bytes, value: float):
    place = len(data) - 32 - 64
    with pytest.raises(BuiltListInvalid, match="norm"):
        parse_built(hashed(data[:place] + np.full(16, value, "<f4").tobytes()), "list")


def test_a_list_with_an_id_twice_is_not_written(tmp_path: Path):
    built = built_of()
    with pytest.raises(BuiltListInvalid, match="twice"):
        write_built(tmp_path, replace(built, ids=(built.ids[1], *built.ids[1:])))
    assert not (tmp_path / LIST_NAME).exists()


@pytest.mark.parametrize("planes_from_end", [5, 10])
@pytest.mark.parametrize("byte", [0, 6, 255])
def test_a_category_or_response_out_of_its_set_is_refused(data: bytes, planes_from_end: int, byte: int):
    place = len(data) - 32 - 5 * 64 - planes_from_end
    with pytest.raises(BuiltListInvalid, match="outside"):
        parse_built(hashed(data[:place] + bytes([byte]) + data[place + 1 : -32]), "list")


def test_a_list_of_nobody_is_not_written(tmp_path: Path):
    with pytest.raises(BuiltListInvalid, match="0 entries"):
        write_built(tmp_path, replace(built_of(), ids=(), vectors=np.zeros((0, 16), np.float32)))


@given(st.binary(max_size=400))
def test_any_bytes_are_a_list_or_refused(body: bytes):
    for each in (body, b"lfr-edge built list 1\0" + body, hashed(b"lfr-edge built list 1\0" + body)):
        with pytest.raises(BuiltListInvalid):
            parse_built(each, "list")
