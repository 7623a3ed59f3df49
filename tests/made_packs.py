"""Packs made up for tests: a manifest that pins whatever bytes are given as weights."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import yaml

WEIGHTS = {
    "detector_int8.tflite": b"detector, eight bits" * 5000,
    "detector_float32.tflite": b"detector, thirty-two bits" * 9000,
    "embedder_int8.tflite": b"embedder, eight bits" * 70,
    "embedder_float32.tflite": b"embedder, thirty-two bits" * 110,
}
"""File name to content: no networks, but all that installing looks at."""


def manifest_of(weights: dict[str, bytes], name: str = "made") -> dict[str, Any]:
    """A manifest for files named ROLE_PRECISION.tflite; each comes from ROLE/FILE below its source."""

    def files(role: str) -> dict[str, Any]:
        return {
            file.removeprefix(f"{role}_").removesuffix(".tflite"): {
                "name": file,
                "source": f"{role}/{file}",
                "size_bytes": len(content),
                "sha256": hashlib.sha256(content).hexdigest(),
            }
            for file, content in weights.items()
            if file.startswith(role)
        }

    return {
        "name": name,
        "version": 1,
        "purpose": "bring-up",
        "summary": "Made for a test.",
        "licence": "none",
        "training_data": "none",
        "detector": {
            "decoder": "yunet",
            "face_min_px": 16,
            "score_min": 0.6,
            "nms_iou": 0.3,
            "sizes": [{"input": {"width_px": 640, "height_px": 480, "channels": "bgr"}, "files": files("detector")}],
        },
        "embedder": {
            "input": {"width_px": 128, "height_px": 128, "channels": "bgr"},
            "dimension": 256,
            "alignment": [[0.3, 0.4], [0.7, 0.4], [0.5, 0.6], [0.35, 0.8], [0.65, 0.8]],
            "files": files("embedder"),
        },
    }


def write_manifest(folder: Path, manifest: dict[str, Any]) -> Path:
    """pack.yaml in a folder, which is made; the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "pack.yaml").write_text(yaml.safe_dump(manifest, sort_keys=False))
    return folder


def write_source(folder: Path, weights: dict[str, bytes]) -> Path:
    """The weights as a source holds them: ROLE/FILE; the folder."""
    for file, content in weights.items():
        path = folder / file.split("_")[0] / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def write_weights(folder: Path, weights: dict[str, bytes]) -> None:
    """The weights as an installed pack holds them."""
    for file, content in weights.items():
        (folder / file).write_bytes(content)
