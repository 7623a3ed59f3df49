"""Weights of others never enter the repository."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path

import pytest

from edge.trust.packs import read_manifest

ROOT = Path(__file__).resolve().parents[1]
SUFFIXES = {
    ".tflite", ".onnx", ".bin", ".xml", ".pb", ".h5", ".keras", ".pt", ".pth", ".npz", ".npy", ".engine", ".hef",
    ".safetensors", ".caffemodel", ".param", ".mnn", ".ort", ".joblib", ".pkl", ".gz", ".zip", ".xz", ".zst", ".7z",
}  # fmt: skip
OWN = ("tests/tiny/", "models/packs/bringup/", "hw-sim/clips/")
"""Networks of our own making, and clips of people that we drew."""

BINARY_MAX_BYTES = 1_000_000


@pytest.fixture(scope="module")
def tracked() -> list[Path]:
    try:
        listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, timeout=60)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout: nothing is tracked here")
    paths = [ROOT / name for name in listed.stdout.decode().split("\0") if name]
    return [path for path in paths if path.is_file()]


def _is_our_own(path: Path) -> bool:
    return path.relative_to(ROOT).as_posix().startswith(OWN)


def test_no_tracked_file_looks_like_weights(tracked: list[Path]):
    found = [
        str(path.relative_to(ROOT)) for path in tracked if path.suffix.lower() in SUFFIXES and not _is_our_own(path)
    ]
    assert not found


def test_no_tracked_file_is_a_large_binary(tracked: list[Path]):
    large = [path for path in tracked if path.stat().st_size > BINARY_MAX_BYTES and not _is_our_own(path)]
    assert not [str(path.relative_to(ROOT)) for path in large if b"\0" in path.read_bytes()]


def test_no_tracked_file_is_a_tflite_network_under_another_name(tracked: list[Path]):
    found = [path for path in tracked if path.read_bytes()[4:8] == b"TFL3" and not _is_our_own(path)]
    assert not [str(path.relative_to(ROOT)) for path in found]


def test_no_tracked_file_is_one_that_a_pack_pins(tracked: list[Path]):
    folders = [path.parent for path in (ROOT / "models" / "packs").glob("*/pack.yaml") if not _is_our_own(path)]
    pinned = {file.sha256 for folder in folders for file in read_manifest(folder)[0].files()}
    assert pinned
    found = [path for path in tracked if hashlib.sha256(path.read_bytes()).hexdigest() in pinned]
    assert not [str(path.relative_to(ROOT)) for path in found]
