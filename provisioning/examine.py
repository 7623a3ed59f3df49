"""One photograph looked at: accepted with its template, or the first thing that is wrong with it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.config import QualitySettings
from edge.errors import EnrolmentRefused, LandmarksDegenerate, PhotographUnreadable
from edge.records import FaceBox, Quality, Reason
from edge.vision.enrol import FacePath
from edge.vision.quality import QualityGate
from provisioning.picture_size import check_picture

EXAMINATION = 1
"""Rises when what is computed of a photograph changes: a work file of before is then begun anew."""

PHOTOGRAPH_MAX_BYTES = 64 << 20
SHOWN_SIDE_PX = 320
THUMB_SIDE_PX = 96
_THUMB_MARGIN = 0.6

Outcome = Literal[
    "accepted",
    "duplicate",
    "no_face",
    "two_faces",
    "too_small",
    "cut_by_edge",
    "turned_away",
    "blurred",
    "badly_exposed",
    "no_landmarks",
    "unreadable",
]

_BY_REASON: dict[Reason, tuple[Outcome, str]] = {
    Reason.TOO_SMALL: ("too_small", "the face is smaller than a van would compare; get a larger picture"),
    Reason.CUT_BY_EDGE: ("cut_by_edge", "the face is cut by the edge of the picture; get one that shows all of it"),
    Reason.TURNED_AWAY: ("turned_away", "the head is turned away; get a frontal picture"),
    Reason.BADLY_EXPOSED: ("badly_exposed", "the face is too dark or too bright; get an evenly lit picture"),
    Reason.TOO_BLURRED: ("blurred", "the face is blurred, or was enlarged from a small picture; get a sharp one"),
}
_BY_ERROR: dict[str, Outcome] = {
    "no_face": "no_face",
    "several_faces": "two_faces",
    "too_small": "too_small",
    "landmarks": "no_landmarks",
    "unreadable": "unreadable",
}


@dataclass(frozen=True, eq=False)
class Finding:
    """What was found in a photograph. sha256: of its file. vector: float32 (d,), norm 1, of accepted ones only.

    quality: of the face, where there is one. shown, thumb: JPEG, the picture for the room and the face for the sheet;
    empty where it cannot be read.
    """

    sha256: str
    outcome: Outcome
    message: str
    quality: Quality | None
    vector: NDArray[np.float32] | None
    shown: bytes
    thumb: bytes


class Examiner:
    """Looks at photographs with the van's own detector, gate, alignment and embedder; one thread at a time."""

    def __init__(self, face_path: FacePath) -> None:
        self._face_path = face_path
        self._gate = QualityGate(QualitySettings())

    def examine(self, data: bytes) -> Finding:
        """Look at a photograph's file. What is wrong with it is part of what is found."""
        sha256 = hashlib.sha256(data).hexdigest()
        try:
            image = decode(data)
        except PhotographUnreadable as error:
            return Finding(sha256, "unreadable", str(error), None, None, b"", b"")
        face: FaceBox | None = None
        quality: Quality | None = None
        vector: NDArray[np.float32] | None = None
        outcome: Outcome = "accepted"
        message = ""
        try:
            face = self._face_path.face_of_photograph(image)
            quality = self._gate.assess(image, face)
            if quality.refusal is None:
                vector = self._face_path.template_of(image, face).vector
            else:
                outcome, message = _BY_REASON[quality.refusal]
        except (EnrolmentRefused, LandmarksDegenerate) as error:
            outcome, message = _BY_ERROR[error.reason], str(error)
        return Finding(sha256, outcome, message, quality, vector, shown_jpeg(image), _thumb(image, face))


def decode(data: bytes) -> NDArray[np.uint8]:
    """A photograph's file as uint8 BGR (h, w, 3), turned as its EXIF says. Raises: PhotographUnreadable."""
    if len(data) > PHOTOGRAPH_MAX_BYTES:
        raise PhotographUnreadable(f"more than {PHOTOGRAPH_MAX_BYTES} bytes; make it smaller")
    check_picture(data)
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error:
        image = None
    if image is None:
        raise PhotographUnreadable("damaged: its header is a picture's, the rest cannot be decoded; get a whole copy")
    return np.asarray(image, np.uint8)


def shown_jpeg(image: NDArray[np.uint8]) -> bytes:
    """A picture as the room is to see it: JPEG, at most SHOWN_SIDE_PX on a side, never enlarged."""
    return _jpeg(image, SHOWN_SIDE_PX, 85)


def _thumb(image: NDArray[np.uint8], face: FaceBox | None) -> bytes:
    """The face with a margin, or the whole picture where no single face was found."""
    if face is None:
        return _jpeg(image, THUMB_SIDE_PX, 70)
    margin = _THUMB_MARGIN * max(face.width_px, face.height_px)
    left, top = max(int(face.left_px - margin), 0), max(int(face.top_px - margin), 0)
    right, bottom = int(face.left_px + face.width_px + margin), int(face.top_px + face.height_px + margin)
    cut = image[top:bottom, left:right]
    return _jpeg(cut if cut.size else image, THUMB_SIDE_PX, 70)


def _jpeg(image: NDArray[np.uint8], side_px: int, quality: int) -> bytes:
    scale = side_px / max(image.shape[:2])
    if scale < 1:
        size = (max(round(image.shape[1] * scale), 1), max(round(image.shape[0] * scale), 1))
        image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
    return bytes(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes())
