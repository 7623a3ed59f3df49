"""Calibration pictures out of a folder of photographs: aligned faces for the embedder, busy frames for the detector."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.errors import NoFaceFound, PhotographsMissing, PhotographUnreadable
from edge.formats.pack import NetworkInput
from edge.records import Frame
from edge.vision.align import Aligner
from edge.vision.detect import Detector
from edge.vision.enrol import read_photograph

PHOTOGRAPHS_MAX = 200
FACES_MIN = 20
FRAMES = 12
_SUFFIXES = (".jpg", ".jpeg", ".png")
_FACES_A_FRAME = 14

Picture = NDArray[np.uint8]


@dataclass(frozen=True)
class CalibrationPictures:
    """faces: uint8 (h, w, 3), of the embedder's input; frames: of the detector's. described: for people."""

    faces: tuple[Picture, ...]
    frames: tuple[Picture, ...]
    described: str


def read_photographs(folder: Path) -> tuple[Picture, ...]:
    """Up to PHOTOGRAPHS_MAX pictures below a folder, evenly from all of them in the order of their names.

    Raises: PhotographsMissing when there are fewer than FACES_MIN that can be read.
    """
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in _SUFFIXES)
    chosen = [paths[len(paths) * i // PHOTOGRAPHS_MAX] for i in range(PHOTOGRAPHS_MAX)] if paths else []
    pictures = []
    for path in dict.fromkeys(chosen):
        try:
            pictures.append(read_photograph(path))
        except PhotographUnreadable:
            continue
    if len(pictures) < FACES_MIN:
        raise PhotographsMissing(f"{folder}: {len(pictures)} pictures, need {FACES_MIN} (.jpg, .png) with a face each")
    return tuple(pictures)


def calibration_pictures(
    photographs: Sequence[Picture], detector: Detector, aligner: Aligner, shown: NetworkInput, described: str
) -> CalibrationPictures:
    """detector: in float32; shown: for which frames are composed. Raises: NoFaceFound in fewer than FACES_MIN."""
    faces = tuple(face for photograph in photographs for face in faces_of(photograph, detector, aligner)[:1])
    if len(faces) < FACES_MIN:
        raise NoFaceFound(f"{described}: a face in {len(faces)} of {len(photographs)} pictures, need {FACES_MIN}")
    random = np.random.default_rng(1)
    frames = tuple(_frame(photographs, shown, random) for _ in range(FRAMES))
    return CalibrationPictures(faces, frames, described)


def faces_of(picture: Picture, detector: Detector, aligner: Aligner) -> tuple[Picture, ...]:
    """The faces of a picture, aligned, surest first."""
    found = detector.detect(Frame(0, picture, None, 0.0, 0.0))
    return tuple(aligner.align(picture, face.landmarks) for face in found)


def _frame(photographs: Sequence[Picture], shown: NetworkInput, random: np.random.Generator) -> Picture:
    """Photographs of every size over blotches of colour: what lies between the faces must be busy too."""
    width, height = shown.width_px, shown.height_px
    coarse = random.integers(0, 256, (int(random.integers(3, 12)), int(random.integers(3, 12)), 3), np.uint8)
    frame = np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC), np.uint8)
    for _ in range(_FACES_A_FRAME):
        picture = photographs[int(random.integers(len(photographs)))]
        side = int(np.exp(random.uniform(np.log(32), np.log(0.9 * min(width, height)))))
        pasted = cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA)
        left, top = int(random.integers(width - side + 1)), int(random.integers(height - side + 1))
        frame[top : top + side, left : left + side] = pasted
    return frame
