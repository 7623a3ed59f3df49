"""Files kept on disk: by name and nowhere else, whole or not at all, and gone when they are dropped."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.link import kept_files
from edge.link.kept_files import KeptFiles
from edge.wire import FILE_MAX_BYTES

CHUNK = "deployments/market/1/chunk-0001"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "mirror"


def test_a_kept_file_is_there_after_a_restart(folder: Path):
    KeptFiles(folder).keep(CHUNK, b"ciphertext")
    again = KeptFiles(folder)
    assert again.get(CHUNK) == b"ciphertext"
    assert (again.files, again.bytes) == (1, 10)


def test_what_changes_under_its_name_is_never_kept(folder: Path):
    kept = KeptFiles(folder)
    for name in ("index.json", "metadata/timestamp.json", "hints/van-1.json"):
        assert not kept.keep(name, b"x")
        assert kept.get(name) is None
    assert os.listdir(folder) == []


@pytest.mark.parametrize(
    "name",
    [
        "",
        "..",
        "../x",
        "a/../../x",
        "/etc/passwd",
        "a//b",
        ".x",
        "a/.x",
        "a/./b",
        "a_b",
        "A",
        "a\n",
        "a\0b",
        "a/b/c/d/e",
    ],
)
def test_path_traversal_by_name_writes_nothing(folder: Path, name: str):
    kept = KeptFiles(folder)
    assert not kept.keep(name, b"x")
    assert kept.get(name) is None
    assert os.listdir(folder) == []
    assert os.listdir(folder.parent) == ["mirror"]


@settings(max_examples=30)
@given(name=st.text("a/._-\0A", max_size=12) | st.text(max_size=30))
def test_any_name_is_a_file_in_the_folder_or_refused(tmp_path_factory: pytest.TempPathFactory, name: str):
    root = tmp_path_factory.mktemp("kept")
    kept = KeptFiles(root / "mirror")
    taken = kept.keep(name, b"x")
    assert (kept.get(name) == b"x") is taken
    assert os.listdir(root) == ["mirror"]
    assert all(os.path.isfile(root / "mirror" / each) for each in os.listdir(root / "mirror"))
    kept.close()


def test_a_link_planted_among_the_kept_files_is_not_followed(folder: Path):
    outside = folder.parent / "secret"
    outside.write_bytes(b"secret")
    kept = KeptFiles(folder)
    kept.keep(CHUNK, b"cipher")
    planted = folder / "deployments_market_1_chunk-0001"
    planted.unlink()
    planted.symlink_to(outside)
    assert kept.get(CHUNK) is None
    (folder / "_fresh").symlink_to(outside)
    planted.symlink_to(outside)
    assert kept.keep(CHUNK, b"cipher")
    assert kept.get(CHUNK) == b"cipher"
    assert outside.read_bytes() == b"secret"


def test_links_pipes_and_leftovers_are_cleared_at_the_start(folder: Path):
    folder.mkdir()
    (folder / "_fresh").write_bytes(b"half")
    (folder / "metadata_timestamp.json").write_bytes(b"old")
    (folder / "deployments_a").symlink_to("/etc/passwd")
    (folder / "a_large").write_bytes(bytes(FILE_MAX_BYTES + 1))
    os.mkfifo(folder / "deployments_pipe")
    assert KeptFiles(folder).files == 0
    assert os.listdir(folder) == []


def test_a_pipe_put_in_a_files_place_does_not_stop_link(folder: Path):
    kept = KeptFiles(folder)
    kept.keep(CHUNK, b"cipher")
    (folder / "deployments_market_1_chunk-0001").unlink()
    os.mkfifo(folder / "deployments_market_1_chunk-0001")
    assert kept.get(CHUNK) is None


@pytest.mark.parametrize("content", [b"", b"ciphe", b"ciphers"])
def test_a_file_of_another_size_than_was_kept_is_forgotten(folder: Path, content: bytes):
    kept = KeptFiles(folder)
    kept.keep(CHUNK, b"cipher")
    (folder / "deployments_market_1_chunk-0001").write_bytes(content)
    assert kept.get(CHUNK) is None
    assert (kept.files, kept.bytes) == (0, 0)


def test_beyond_the_cap_the_oldest_go_and_are_counted(folder: Path):
    kept = KeptFiles(folder, total_max_bytes=100)
    for number in range(5):
        assert kept.keep(f"a/{number}", bytes(30))
    assert (kept.files, kept.bytes, kept.evicted) == (3, 90, 2)
    assert kept.get("a/1") is None
    assert kept.get("a/4") == bytes(30)
    assert not kept.keep("a/9", bytes(101))
    assert not KeptFiles(folder).keep("a/9", bytes(FILE_MAX_BYTES + 1))


def test_a_file_kept_again_is_counted_once(folder: Path):
    kept = KeptFiles(folder)
    kept.keep(CHUNK, b"short")
    kept.keep(CHUNK, b"longer")
    assert (kept.files, kept.bytes) == (1, 6)
    assert kept.get(CHUNK) == b"longer"


def _full(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_keeps_nothing_counts_it_and_leaves_no_part(folder: Path, monkeypatch: pytest.MonkeyPatch):
    kept = KeptFiles(folder)
    kept.keep(CHUNK, b"cipher")
    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", _full)
        assert not kept.keep("a/1", b"x")
        assert not kept.keep(CHUNK, b"other")
    assert kept.failed == 2
    assert os.listdir(folder) == ["deployments_market_1_chunk-0001"]
    assert kept.get(CHUNK) == b"cipher"
    assert kept.keep("a/1", b"x")


def test_a_full_disk_does_not_keep_files_from_being_deleted(folder: Path, monkeypatch: pytest.MonkeyPatch):
    kept = KeptFiles(folder)
    kept.keep(CHUNK, b"cipher")
    with monkeypatch.context() as patch:
        patch.setattr(kept_files, "write_durably", _full)
        with pytest.raises(OSError, match="No space"):
            kept.drop("deployments/market/")
    assert os.listdir(folder) == []
    assert kept.drop("deployments/market/") == (1, 6)


def _fill(kept: KeptFiles, deployment: str, count: int) -> None:
    for number in range(count):
        assert kept.keep(f"deployments/{deployment}/1/chunk-{number:04d}", b"cipher")


def test_a_drop_deletes_what_begins_so_and_nothing_else(folder: Path):
    kept = KeptFiles(folder)
    _fill(kept, "market", 3)
    _fill(kept, "market-2", 2)
    assert kept.drop("deployments/market/") == (3, 18)
    assert (kept.files, kept.bytes) == (2, 12)
    assert len(os.listdir(folder)) == 2
    assert KeptFiles(folder).files == 2


def test_a_drop_asked_for_again_tells_the_same_also_after_a_restart(folder: Path):
    kept = KeptFiles(folder)
    _fill(kept, "market", 3)
    told = kept.drop("deployments/market/")
    assert kept.drop("deployments/market/") == told
    assert KeptFiles(folder).drop("deployments/market/") == told


@pytest.mark.parametrize("deleted", range(4))
def test_a_drop_cut_off_by_a_kill_tells_the_whole_when_it_is_asked_for_again(
    folder: Path, monkeypatch: pytest.MonkeyPatch, deleted: int
):
    kept = KeptFiles(folder)
    _fill(kept, "market", 3)
    real, left = os.unlink, [deleted]

    def cut_off(*arguments: object, **options: object) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt
        real(*arguments, **options)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(os, "unlink", cut_off)
        if deleted < 3:
            with pytest.raises(KeyboardInterrupt):
                kept.drop("deployments/market/")
        else:
            kept.drop("deployments/market/")
    assert len(os.listdir(folder)) == 3 - deleted
    assert KeptFiles(folder).drop("deployments/market/") == (3, 18)
    assert os.listdir(folder) == []


def test_what_is_kept_after_a_drop_is_counted_anew(folder: Path):
    kept = KeptFiles(folder)
    assert kept.keep("metadata/1.root.json", b"root")
    assert kept.drop("metadata/") == (1, 4)
    kept.keep("metadata/2.root.json", b"root two")
    assert kept.drop("metadata/") == (1, 8)


@settings(max_examples=30)
@given(
    data=st.binary(max_size=60)
    | st.dictionaries(st.text("a/.", max_size=5), st.lists(st.integers() | st.booleans())).map(
        lambda each: json.dumps(each).encode()
    )
)
def test_any_bytes_in_the_place_of_the_counts_are_counts_or_none(tmp_path_factory: pytest.TempPathFactory, data: bytes):
    folder = tmp_path_factory.mktemp("drops") / "mirror"
    folder.with_name("mirror-drops.json").write_bytes(data)
    kept = KeptFiles(folder)
    files, size = kept.drop("zz/")
    assert files >= 0
    assert size >= 0
    kept.close()
