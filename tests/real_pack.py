"""The street pack, built once for a checkout from the reference models beside the project."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.reference import reference_dir

if TYPE_CHECKING:
    from edge.trust.packs import VerifiedPack

ROOT = Path(__file__).resolve().parents[1]
STREET = ROOT / "models" / "packs" / "street"
BUILT = ROOT / "build" / "test-packs"
"""Packs built for tests, by the hash of what they are built from: once for a checkout."""


@pytest.fixture(scope="session")
def street_pack_dir() -> Path:
    """The folder of the street pack, built; skips where the reference models are missing. Read it, do not write."""
    return built_street_pack(reference_dir("models"))


def built_street_pack(originals: Path) -> Path:
    """The folder of the street pack, built of the makers' files."""
    from edge.drivers.litert import choose_runtime  # here: the tflite-runtime environment lacks pydantic and the rest
    from models.build.recipe import read_recipe
    from models.install_recipe import BuildRequest, install_recipe
    from models.progress import StepLines
    from models.source import FolderSource

    recipe = read_recipe(STREET)
    assert recipe is not None
    folder = BUILT / _key() / "street"
    copy_without_weights(folder)
    request = BuildRequest(folder, recipe)
    install_recipe(request, FolderSource(originals), choose_runtime("auto", 1), lambda file, done: None, StepLines())
    return folder


def copy_without_weights(folder: Path) -> None:
    """What the repository holds of the street pack: manifest, recipe, ranges, and what else comes with it."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in _kept():
        shutil.copy(path, folder)


def _kept() -> list[Path]:
    return sorted(path for path in STREET.iterdir() if path.suffix in (".yaml", ".json"))


def _key() -> str:
    return hashlib.sha256(b"".join(path.read_bytes() for path in _kept())).hexdigest()[:16]


@pytest.fixture(scope="session")
def street_pack(street_pack_dir: Path) -> VerifiedPack:
    """The street pack in int8, its hashes checked."""
    from edge.trust.packs import open_pack

    return open_pack(street_pack_dir, "int8")
