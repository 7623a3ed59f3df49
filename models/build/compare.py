"""An int8 build held to its float network on rendered faces that it was not calibrated on (held_out.jpg)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edge.errors import BuildBelowFloor
from edge.records import FaceBox, Frame
from edge.vision.align import Aligner
from edge.vision.detect import Detector
from edge.vision.embed import Embedder
from edge.vision.enrol import read_photograph

HELD_OUT = Path(__file__).with_name("held_out.jpg")
"""Rendered people in rows; nobody who exists (python -m models.training.photographs FILE --sheet --seed 900000)."""

COSINE_MIN = 0.97
FOUND_MIN = 0.95
_OVERLAP_MIN = 0.5


@dataclass(frozen=True)
class Closeness:
    """faces: found by the float detector. found: by the int8 one too. cosine: between their templates, mean."""

    faces: int
    found: int
    cosine: float


def compare_detectors(int8: Detector, float32: Detector) -> tuple[int, int]:
    """How many faces of the held-out sheet the float detector finds, and of these the int8 one.

    Raises: BuildBelowFloor.
    """
    frame = Frame(0, read_photograph(HELD_OUT), None, 0.0, 0.0)
    sure, found = float32.detect(frame), int8.detect(frame)
    both = sum(any(_overlap(face, other) >= _OVERLAP_MIN for other in found) for face in sure)
    if not sure or both < FOUND_MIN * len(sure):
        raise BuildBelowFloor(
            f"detector, int8: {both} of the {len(sure)} held-out faces that float32 finds, need {FOUND_MIN:.0%}: "
            "calibrate it on other photographs"
        )
    return len(sure), both


def compare_embedders(int8: Embedder, float32: Embedder, detector: Detector, aligner: Aligner) -> float:
    """The mean cosine of the two networks' templates of the held-out faces. Raises: BuildBelowFloor."""
    picture = read_photograph(HELD_OUT)
    faces = [aligner.align(picture, face.landmarks) for face in detector.detect(Frame(0, picture, None, 0.0, 0.0))]
    cosines = [float(int8.embed(face, 1.0, 0).vector @ float32.embed(face, 1.0, 0).vector) for face in faces]
    cosine = float(np.mean(cosines)) if cosines else 0.0
    if cosine < COSINE_MIN:
        raise BuildBelowFloor(
            f"embedder, int8: cosine {cosine:.4f} to float32 over {len(faces)} held-out faces, need {COSINE_MIN}: "
            "calibrate it on other photographs"
        )
    return cosine


def _overlap(a: FaceBox, b: FaceBox) -> float:
    """Intersection over union."""
    wide = min(a.left_px + a.width_px, b.left_px + b.width_px) - max(a.left_px, b.left_px)
    high = min(a.top_px + a.height_px, b.top_px + b.height_px) - max(a.top_px, b.top_px)
    inside = max(wide, 0.0) * max(high, 0.0)
    return inside / (a.width_px * a.height_px + b.width_px * b.height_px - inside)
