"""The networks of a pack, each with its verified weights and its golden inputs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from edge.formats.pack import PackFile, PackManifest, Precision
from edge.trust.packs import read_pinned
from models.golden.pictures import face_picture, street_picture

STREETS, FACES = 1, 2

Role = Literal["detector", "embedder"]


@dataclass(frozen=True, eq=False)
class GoldenSubject:
    """A file of weights to be run. content: its bytes, as pinned; inputs: uint8 (1, height, width, 3) each."""

    role: Role
    precision: Precision
    file: PackFile
    content: bytes
    inputs: tuple[NDArray[np.uint8], ...]


def subjects_of(folder: Path, manifest: PackManifest) -> tuple[GoldenSubject, ...]:
    """Every network of a pack. Raises: PackMissing, PackHashMismatch."""
    remedy = f"run: lfr-models install {manifest.name} --from FOLDER"
    size = manifest.detector.input
    streets = tuple(street_picture(size.width_px, size.height_px, seed) for seed in range(1, STREETS + 1))
    size = manifest.embedder.input
    faces = tuple(face_picture(size.width_px, size.height_px, seed) for seed in range(FACES))
    detectors = [
        GoldenSubject("detector", precision, file, read_pinned(folder, file, remedy), streets)
        for precision, file in manifest.detector.files.items()
    ]
    embedders = [
        GoldenSubject("embedder", precision, file, read_pinned(folder, file, remedy), faces)
        for precision, file in manifest.embedder.files.items()
    ]
    return (*detectors, *embedders)
