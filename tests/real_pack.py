"""The street pack, installed once for a test session from the reference models beside the project."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.reference import reference_dir

if TYPE_CHECKING:
    from edge.trust.packs import VerifiedPack

MANIFEST = Path(__file__).resolve().parents[1] / "models" / "packs" / "street" / "pack.yaml"


@pytest.fixture(scope="session")
def street_pack_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the installed street pack; skips where the reference models are missing."""
    from models.install import install_pack  # here: the tflite-runtime environment loads this file and lacks pydantic
    from models.source import FolderSource

    weights = reference_dir("models")
    folder = tmp_path_factory.mktemp("packs") / "street"
    folder.mkdir()
    shutil.copy(MANIFEST, folder)
    install_pack(folder, FolderSource(weights), lambda file, done_bytes: None)
    return folder


@pytest.fixture(scope="session")
def street_pack(street_pack_dir: Path) -> VerifiedPack:
    """The street pack in int8, its hashes checked."""
    from edge.trust.packs import open_pack

    return open_pack(street_pack_dir, "int8")
