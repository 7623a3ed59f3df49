"""Signed numbers: never one twice, whatever is cut off when; what was tampered with is said."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.errors import LfrError, StateFileInvalid
from edge.evidence.sequence import SequenceFile


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "sequence"


def test_numbers_begin_at_one_and_have_no_gaps(path: Path):
    numbers = SequenceFile(path)
    assert numbers.last == 0
    assert [numbers.take() for _ in range(5)] == [1, 2, 3, 4, 5]
    assert numbers.last == 5


def test_a_number_is_never_given_twice_over_restarts(path: Path):
    given_out = [SequenceFile(path).take() for _ in range(6)]
    assert given_out == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize("cut_before", ["fsync", "replace"])
def test_power_cut_while_taking_gives_no_number_twice(path: Path, monkeypatch: pytest.MonkeyPatch, cut_before: str):
    numbers = SequenceFile(path)
    given_out = [numbers.take(), numbers.take()]

    def cut(*_: object) -> None:
        raise OSError("power cut, as told")

    with monkeypatch.context() as patch:
        patch.setattr(os, cut_before, cut)
        with pytest.raises(OSError, match="power cut"):
            numbers.take()
    given_out += [SequenceFile(path).take() for _ in range(2)]
    assert given_out == [1, 2, 3, 4]


def test_power_cut_after_the_file_is_in_place_leaves_a_gap_and_no_number_twice(path, monkeypatch):
    numbers = SequenceFile(path)
    given_out = [numbers.take()]
    fsync = os.fsync
    calls = []

    def cut_at_the_folder(descriptor: int) -> None:
        calls.append(descriptor)
        if len(calls) == 2:
            raise OSError("power cut, as told")
        fsync(descriptor)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", cut_at_the_folder)
        with pytest.raises(OSError, match="power cut"):
            numbers.take()
    given_out.append(SequenceFile(path).take())
    assert given_out == [1, 3]


def test_the_number_is_on_disk_before_it_is_given(path: Path, monkeypatch: pytest.MonkeyPatch):
    events = []
    fsync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda fd: (events.append("fsync"), fsync(fd))[1])
    monkeypatch.setattr(os, "replace", lambda a, b: (events.append("replace"), replace(a, b))[1])
    SequenceFile(path).take()
    assert events == ["fsync", "replace", "fsync"]
    assert path.read_text() == "1\n"


def test_a_leftover_of_a_power_cut_is_no_obstacle(path: Path):
    path.with_name("sequence.new").write_bytes(b"\0\0\0")
    assert SequenceFile(path).take() == 1


@pytest.mark.parametrize(
    "content", [b"", b"x", b"-1", b"1.5", b"0x10", b"\xff\xfe", "\u0663".encode(), b"9" * 5000, b"1 2", b"\0" * 8]
)
def test_a_tampered_file_is_refused_by_name_and_says_what_to_do(path: Path, content: bytes):
    path.write_bytes(content)
    with pytest.raises(LfrError, match=r"sequence: .*move it away"):
        SequenceFile(path)


def test_a_file_that_cannot_be_read_is_refused_by_name(path: Path):
    path.mkdir()
    with pytest.raises(LfrError, match="sequence"):
        SequenceFile(path)


@given(st.one_of(st.binary(max_size=30), st.text("0123456789\n ", max_size=20).map(str.encode)))
def test_any_content_is_a_number_or_refused(content):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sequence"
        path.write_bytes(content)
        with contextlib.suppress(StateFileInvalid):
            assert SequenceFile(path).take() == int(content) + 1


@pytest.mark.parametrize("last", [2**53 - 1, 2**60])
def test_a_number_that_no_document_carries_is_refused(path: Path, last: int):
    path.write_text(str(last))
    with pytest.raises(StateFileInvalid):
        SequenceFile(path)


def test_the_last_number_a_document_carries_is_given(path: Path):
    path.write_text(str(2**53 - 2))
    assert SequenceFile(path).take() == 2**53 - 1
