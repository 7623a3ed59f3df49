"""Attacks on the weights: on their way, in their source, beside their manifest."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from edge.errors import DownloadFailed, PackHashMismatch, PackInvalid
from edge.formats.pack import PackFile
from edge.trust.packs import open_pack
from models.install import PARTIAL_FOLDER, install_pack
from models.source import FolderSource, UrlSource
from tests.made_packs import WEIGHTS, manifest_of, write_manifest, write_source, write_weights
from tests.web_server import serving

VICTIM = "embedder_int8.tflite"
SERVED = {f"{name.split('_')[0]}/{name}": content for name, content in WEIGHTS.items()}


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    return write_manifest(tmp_path / "packs" / "made", manifest_of(WEIGHTS))


def quiet(file: PackFile, done_bytes: int) -> None:
    """No progress."""


def weights_in(pack: Path) -> set[str]:
    return {path.name for path in pack.iterdir()} & set(WEIGHTS)


def _evil(content: bytes) -> bytes:
    return content[:-1] + bytes([content[-1] ^ 1])


@pytest.mark.parametrize("way", ["folder", "web"])
def test_weights_tampered_at_their_source_are_refused_with_both_hashes(pack: Path, tmp_path: Path, way: str):
    evil = WEIGHTS | {VICTIM: _evil(WEIGHTS[VICTIM])}
    with serving({path: evil[path.split("/")[1]] for path in SERVED}) as server:
        source = UrlSource(server.url) if way == "web" else FolderSource(write_source(tmp_path / "source", evil))
        with pytest.raises(PackHashMismatch) as refusal:
            install_pack(pack, source, quiet)
    for part in (VICTIM, hashlib.sha256(evil[VICTIM]).hexdigest(), hashlib.sha256(WEIGHTS[VICTIM]).hexdigest()):
        assert part in str(refusal.value)
    assert weights_in(pack) == set()


@pytest.mark.parametrize("way", ["folder", "web"])
def test_weights_truncated_at_their_source_are_refused_with_both_hashes(pack: Path, tmp_path: Path, way: str):
    short = WEIGHTS | {VICTIM: WEIGHTS[VICTIM][:100]}
    with serving({path: short[path.split("/")[1]] for path in SERVED}) as server:
        source = UrlSource(server.url) if way == "web" else FolderSource(write_source(tmp_path / "source", short))
        with pytest.raises(PackHashMismatch) as refusal:
            install_pack(pack, source, quiet)
    for part in (VICTIM, hashlib.sha256(short[VICTIM]).hexdigest(), hashlib.sha256(WEIGHTS[VICTIM]).hexdigest()):
        assert part in str(refusal.value)


@pytest.mark.parametrize("conduct", ["too much", "too much, unannounced"])
def test_server_that_floods_the_disk_is_cut_off_at_the_stated_size(pack: Path, conduct):
    with serving(dict(SERVED), conduct) as server, pytest.raises(DownloadFailed, match="more than the"):
        install_pack(pack, UrlSource(server.url), quiet)
    assert weights_in(pack) == set()
    assert not (pack / PARTIAL_FOLDER).exists()


def test_endless_file_in_a_folder_is_cut_off_at_the_stated_size(pack: Path, tmp_path: Path):
    source = write_source(tmp_path / "source", WEIGHTS)
    (source / "embedder" / VICTIM).unlink()
    (source / "embedder" / VICTIM).symlink_to("/dev/zero")
    with pytest.raises(DownloadFailed, match="more than the"):
        install_pack(pack, FolderSource(source), quiet)


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://127.0.0.1/x", "data:,x", "gopher://127.0.0.1/"])
def test_redirect_out_of_the_web_is_not_followed(pack: Path, target: str):
    with serving(dict(SERVED)) as server:
        server.redirect_to = target
        with pytest.raises(DownloadFailed):
            install_pack(pack, UrlSource(server.url), quiet)
    assert weights_in(pack) == set()


def test_redirect_in_a_circle_ends(pack: Path):
    with serving(dict(SERVED)) as server:
        server.redirect_to = f"{server.url}/again"
        with pytest.raises(DownloadFailed):
            install_pack(pack, UrlSource(server.url), quiet)
    assert len(server.requests) < 30


def test_partial_file_planted_before_the_download_is_not_installed(pack: Path, tmp_path: Path):
    pinned = hashlib.sha256(WEIGHTS[VICTIM]).hexdigest()
    (pack / PARTIAL_FOLDER).mkdir()
    (pack / PARTIAL_FOLDER / f"{pinned}.part").write_bytes(_evil(WEIGHTS[VICTIM]))
    with serving(dict(SERVED)) as server:
        install_pack(pack, UrlSource(server.url), quiet)
    assert (pack / VICTIM).read_bytes() == WEIGHTS[VICTIM]


def test_beginning_planted_before_a_resumed_download_is_refused(pack: Path):
    pinned = hashlib.sha256(WEIGHTS[VICTIM]).hexdigest()
    (pack / PARTIAL_FOLDER).mkdir()
    (pack / PARTIAL_FOLDER / f"{pinned}.part").write_bytes(b"evil")
    with serving(dict(SERVED)) as server, pytest.raises(PackHashMismatch, match=VICTIM):
        install_pack(pack, UrlSource(server.url), quiet)
    assert weights_in(pack) == set()


def test_detector_and_embedder_swapped_are_refused(pack: Path):
    swapped = {
        name: WEIGHTS[name.replace("detector", "x").replace("embedder", "detector").replace("x", "embedder")]
        for name in WEIGHTS
    }
    write_weights(pack, swapped)
    with pytest.raises(PackHashMismatch, match=r"detector_int8\.tflite"):
        open_pack(pack, "int8")


def test_weights_swapped_after_verification_are_refused_at_start(pack: Path, tmp_path: Path):
    install_pack(pack, FolderSource(write_source(tmp_path / "source", WEIGHTS)), quiet)
    open_pack(pack, "int8")
    (pack / VICTIM).write_bytes(_evil(WEIGHTS[VICTIM]))
    with pytest.raises(PackHashMismatch, match=VICTIM):
        open_pack(pack, "int8")


def test_installed_link_to_a_file_elsewhere_is_replaced_and_its_target_spared(pack: Path, tmp_path: Path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_bytes(b"not ours")
    os.symlink(elsewhere, pack / VICTIM)
    install_pack(pack, FolderSource(write_source(tmp_path / "source", WEIGHTS)), quiet)
    assert not (pack / VICTIM).is_symlink()
    assert elsewhere.read_bytes() == b"not ours"


def test_manifest_that_would_overwrite_itself_is_refused(tmp_path: Path):
    manifest = manifest_of(WEIGHTS)
    manifest["detector"]["sizes"][0]["files"]["int8"]["name"] = "pack.yaml"
    folder = write_manifest(tmp_path / "made", manifest)
    before = (folder / "pack.yaml").read_bytes()
    with pytest.raises(PackInvalid, match="manifest's own name"):
        install_pack(folder, FolderSource(write_source(tmp_path / "source", WEIGHTS)), quiet)
    assert (folder / "pack.yaml").read_bytes() == before


def test_manifest_whose_source_climbs_out_of_the_folder_is_refused(tmp_path: Path):
    manifest = manifest_of(WEIGHTS)
    manifest["detector"]["sizes"][0]["files"]["int8"]["source"] = "detector/../../secret"
    folder = write_manifest(tmp_path / "made", manifest)
    with pytest.raises(PackInvalid, match="leaves the place"):
        install_pack(folder, FolderSource(tmp_path), quiet)
