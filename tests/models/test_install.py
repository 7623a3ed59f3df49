"""Installing a pack: what is in place afterwards is what the manifest pins, or what was there before."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.errors import DownloadFailed, InstallFailed, PackHashMismatch, PackMissing
from edge.formats.pack import PackFile
from models.install import PARTIAL_FOLDER, install_pack
from models.source import FolderSource, NoSource, UrlSource, open_source
from tests.made_packs import WEIGHTS, manifest_of, write_manifest, write_source, write_weights
from tests.web_server import WebServer, serving

FILE = "detector_float32.tflite"
WHOLE = WEIGHTS[FILE]
SERVED = {f"{name.split('_')[0]}/{name}": content for name, content in WEIGHTS.items()}


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    return write_manifest(tmp_path / "packs" / "made", manifest_of(WEIGHTS))


@pytest.fixture
def source_folder(tmp_path: Path) -> Path:
    return write_source(tmp_path / "source", WEIGHTS)


@pytest.fixture
def server() -> Iterator[WebServer]:
    with serving(dict(SERVED)) as running:
        yield running


def quiet(file: PackFile, done_bytes: int) -> None:
    """No progress."""


def in_place(pack: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in pack.iterdir() if path.name in WEIGHTS}


def part_of(pack: Path, name: str) -> Path:
    manifest = manifest_of(WEIGHTS)
    role, precision = name.removesuffix(".tflite").split("_")
    files = manifest[role]["files"] if role == "embedder" else manifest[role]["sizes"][0]["files"]
    return pack / PARTIAL_FOLDER / f"{files[precision]['sha256']}.part"


def leave_partial(pack: Path, content: bytes) -> None:
    part_of(pack, FILE).parent.mkdir()
    part_of(pack, FILE).write_bytes(content)


def test_folder_is_installed_whole(pack: Path, source_folder: Path):
    files = install_pack(pack, FolderSource(source_folder), quiet)
    assert in_place(pack) == WEIGHTS
    assert all(file.fetched for file in files)
    assert sorted(path.name for path in pack.iterdir()) == sorted(["pack.yaml", *WEIGHTS])


def test_web_server_is_installed_from_whole(pack: Path, server: WebServer):
    install_pack(pack, UrlSource(server.url + "/"), quiet)
    assert in_place(pack) == WEIGHTS
    assert server.requests == [(f"/packs/{path}", "") for path in SERVED]


def test_what_is_installed_is_verified_and_not_fetched_again(pack: Path, server: WebServer):
    install_pack(pack, UrlSource(server.url), quiet)
    server.requests.clear()
    files = install_pack(pack, UrlSource(server.url), quiet)
    assert server.requests == []
    assert not any(file.fetched for file in files)


def test_a_damaged_installed_file_is_replaced_alone(pack: Path, server: WebServer):
    write_weights(pack, WEIGHTS | {FILE: b"damaged"})
    files = install_pack(pack, UrlSource(server.url), quiet)
    assert in_place(pack) == WEIGHTS
    assert [file.name for file in files if file.fetched] == [FILE]


def test_installed_pack_needs_no_source(pack: Path):
    write_weights(pack, WEIGHTS)
    install_pack(pack, NoSource("what to type"), quiet)


def test_missing_weights_without_a_source_say_what_to_type(pack: Path):
    with pytest.raises(DownloadFailed, match="what to type"):
        install_pack(pack, NoSource("what to type"), quiet)


def test_progress_ends_at_the_size_of_each_file(pack: Path, server: WebServer):
    last: dict[str, int] = {}
    install_pack(pack, UrlSource(server.url), lambda file, done: last.__setitem__(file.name, done))
    assert last == {name: len(content) for name, content in WEIGHTS.items()}


def test_file_that_the_folder_lacks_is_refused_by_name(pack: Path, source_folder: Path):
    (source_folder / "detector" / FILE).unlink()
    with pytest.raises(DownloadFailed, match=FILE):
        install_pack(pack, FolderSource(source_folder), quiet)
    assert in_place(pack) == {}


def test_file_that_the_server_lacks_is_refused_by_address_and_status(pack: Path, server: WebServer):
    del server.files[f"detector/{FILE}"]
    with pytest.raises(DownloadFailed, match=rf"{server.url}/detector/{FILE}.*404"):
        install_pack(pack, UrlSource(server.url), quiet)
    assert in_place(pack) == {}


def test_a_failed_installation_leaves_the_last_good_files(pack: Path, source_folder: Path):
    write_weights(pack, WEIGHTS | {FILE: b"damaged"})
    (source_folder / "detector" / FILE).write_bytes(b"tampered")
    with pytest.raises(PackHashMismatch):
        install_pack(pack, FolderSource(source_folder), quiet)
    assert in_place(pack) == WEIGHTS | {FILE: b"damaged"}


def test_files_fetched_before_a_failure_are_not_fetched_again(pack: Path, server: WebServer):
    gone = server.files.pop("embedder/embedder_float32.tflite")
    with pytest.raises(DownloadFailed):
        install_pack(pack, UrlSource(server.url), quiet)
    assert in_place(pack) == {}
    server.files["embedder/embedder_float32.tflite"] = gone
    server.requests.clear()
    install_pack(pack, UrlSource(server.url), quiet)
    assert [path for path, _ in server.requests] == ["/packs/embedder/embedder_float32.tflite"]
    assert in_place(pack) == WEIGHTS


def test_broken_off_download_goes_on_where_it_stopped(pack: Path, server: WebServer):
    server.conduct = "closes early"
    with pytest.raises(DownloadFailed, match=r"early.*run the same command again"):
        install_pack(pack, UrlSource(server.url), quiet)
    assert in_place(pack) == {}
    server.conduct = "proper"
    server.requests.clear()
    install_pack(pack, UrlSource(server.url), quiet)
    first = next(iter(WEIGHTS))
    assert server.requests[0] == (f"/packs/detector/{first}", f"bytes={len(WEIGHTS[first]) // 2}-")
    assert in_place(pack) == WEIGHTS
    assert not (pack / PARTIAL_FOLDER).exists()


def test_download_starts_over_where_the_server_cannot_resume(pack: Path, server: WebServer):
    leave_partial(pack, b"y" * 1000)
    server.conduct = "no ranges"
    install_pack(pack, UrlSource(server.url), quiet)
    assert (f"/packs/detector/{FILE}", "bytes=1000-") in server.requests
    assert in_place(pack) == WEIGHTS


def test_download_starts_over_where_the_servers_file_is_shorter_than_what_is_here(pack: Path, server: WebServer):
    leave_partial(pack, WHOLE[:5000])
    server.files[f"detector/{FILE}"] = WHOLE[:4000]
    with pytest.raises(PackHashMismatch):
        install_pack(pack, UrlSource(server.url), quiet)
    assert server.requests[-2:] == [(f"/packs/detector/{FILE}", "bytes=5000-"), (f"/packs/detector/{FILE}", "")]


def test_server_that_resumes_elsewhere_is_refused(pack: Path, server: WebServer):
    leave_partial(pack, WHOLE[:5000])
    server.conduct = "wrong range"
    with pytest.raises(DownloadFailed, match="asked for the bytes from 5000"):
        install_pack(pack, UrlSource(server.url), quiet)
    assert FILE not in in_place(pack)


def test_server_that_says_nothing_is_given_up(pack: Path, server: WebServer):
    server.conduct = "silent"
    with pytest.raises(DownloadFailed, match="timed out"):
        install_pack(pack, UrlSource(server.url, timeout_s=0.2), quiet)


def test_server_that_is_not_there_is_refused(pack: Path, server: WebServer):
    with pytest.raises(DownloadFailed, match=r"127\.0\.0\.1:1/"):
        install_pack(pack, UrlSource("http://127.0.0.1:1/packs"), quiet)


def test_redirect_to_another_address_is_followed(pack: Path, server: WebServer):
    with serving({path.split("/")[1]: content for path, content in SERVED.items()}) as other:
        weights = {name: data for name, data in WEIGHTS.items() if name == FILE}
        server.redirect_to = f"{other.url}/{FILE}"
        write_weights(pack, {name: data for name, data in WEIGHTS.items() if name not in weights})
        install_pack(pack, UrlSource(server.url), quiet)
    assert in_place(pack) == WEIGHTS


@pytest.mark.parametrize("place", ["/nowhere/at/all", "file:///etc", "ftp://127.0.0.1/x", "https://", "http://u:p@h/x"])
def test_place_that_is_no_folder_and_no_web_address_is_refused(place: str):
    with pytest.raises(DownloadFailed) as refusal:
        open_source(place)
    assert "u:p" not in str(refusal.value)


def test_pack_without_a_manifest_is_refused(tmp_path: Path, source_folder: Path):
    with pytest.raises(PackMissing):
        install_pack(tmp_path / "nothing", FolderSource(source_folder), quiet)


def test_folder_that_cannot_be_written_is_refused_and_says_so(pack: Path, source_folder: Path):
    (pack / PARTIAL_FOLDER).write_bytes(b"in the way")
    with pytest.raises(InstallFailed, match="--packs"):
        install_pack(pack, FolderSource(source_folder), quiet)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_full_disk_is_refused_and_leaves_nothing(pack: Path, source_folder: Path):
    part_of(pack, FILE).parent.mkdir()
    part_of(pack, FILE).symlink_to("/dev/full")
    with pytest.raises(InstallFailed):
        install_pack(pack, FolderSource(source_folder), quiet)
    assert in_place(pack) == {}
