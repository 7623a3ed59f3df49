"""The networks of a pack, each with its verified weights and its golden inputs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from edge.formats.pack import DetectorSpec, PackFile, PackManifest, Precision
from edge.trust.packs import read_pinned
from models.golden.pictures import face_picture, street_picture

STREETS, FACES = 1, 2

Role = Literal["detector", "embedder"]


@dataclass(frozen=True, eq=False)
class GoldenSubject:
    """A file of weights to be run. content: its bytes, as pinned; inputs: uint8 (1, height, width, 3) each.

    spec: a detector's, in this size alone; None for an embedder.
    """

    role: Role
    precision: Precision
    file: PackFile
    content: bytes
    inputs: tuple[NDArray[np.uint8], ...]
    spec: DetectorSpec | None = None


def subjects_of(folder: Path, manifest: PackManifest) -> tuple[GoldenSubject, ...]:
    """Every network of a pack, its detector in every size. Raises: PackMissing, PackHashMismatch."""
    remedy = f"run: lfr-models install {manifest.name} --from FOLDER"
    detectors = [
        GoldenSubject(
            "detector",
            precision,
            file,
            read_pinned(folder, file, remedy),
            tuple(street_picture(size.input.width_px, size.input.height_px, seed) for seed in range(1, STREETS + 1)),
            manifest.detector.of_size(size),
        )
        for size in manifest.detector.sizes
        for precision, file in size.files.items()
    ]
    shown = manifest.embedder.input
    faces = tuple(face_picture(shown.width_px, shown.height_px, seed) for seed in range(FACES))
    embedders = [
        GoldenSubject("embedder", precision, file, read_pinned(folder, file, remedy), faces)
        for precision, file in manifest.embedder.files.items()
    ]
    return (*detectors, *embedders)
