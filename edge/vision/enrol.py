"""The face path for photographs: the same detect, align and embed that run on the van.

Enrolment with any other code would compare templates of two kinds; this is the only way to make one.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.devices import Runtime
from edge.errors import FaceTooSmall, NoFaceFound, PhotographUnreadable, SeveralFacesFound
from edge.records import FaceBox, Frame, Template
from edge.trust.packs import VerifiedPack
from edge.vision.align import Aligner
from edge.vision.detect import Detector
from edge.vision.embed import Embedder

FACE_WIDTH_MIN_PX = 24.0
"""The width below which the van itself would not compare a face (`quality.face_width_min_px`)."""

RIVAL_WIDTH_SHARE = 0.6
"""A second face at least this wide, against the widest, could be the one meant."""


@dataclass(frozen=True)
class FaceNetworks:
    """The loaded networks of a pack; one set for each thread that uses them."""

    detector: Detector
    aligner: Aligner
    embedder: Embedder


def load_networks(pack: VerifiedPack, runtime: Runtime) -> FaceNetworks:
    """Raises: ModelRejected, PackShapeMismatch, DelegateUnavailable."""
    manifest = pack.manifest
    detector_file = manifest.detector.files[pack.precision].name
    embedder_file = manifest.embedder.files[pack.precision].name
    return FaceNetworks(
        Detector(runtime.load(pack.detector, detector_file), manifest.detector),
        Aligner(manifest.embedder),
        Embedder(runtime.load(pack.embedder, embedder_file), manifest.embedder),
    )


def read_photograph(path: Path) -> NDArray[np.uint8]:
    """A picture file as uint8 BGR (h, w, 3), turned as its EXIF says. Raises: PhotographUnreadable."""
    try:
        data = np.fromfile(path, np.uint8)
        image = cv2.imdecode(data, cv2.IMREAD_COLOR) if data.size else None
    except (OSError, cv2.error):
        image = None
    if image is None:
        raise PhotographUnreadable("not a picture that can be read")
    return np.asarray(image, np.uint8)


class FacePath:
    """Photographs to templates."""

    def __init__(self, pack: VerifiedPack, runtime: Runtime) -> None:
        """Raises: ModelRejected, PackShapeMismatch, DelegateUnavailable."""
        self._networks = load_networks(pack, runtime)

    def faces(self, image: NDArray[np.uint8]) -> tuple[FaceBox, ...]:
        """Every face of a picture, uint8 BGR (h, w, 3), widest first."""
        found = self._networks.detector.detect(Frame(0, image, None, 0.0, 0.0))
        return tuple(sorted(found, key=lambda face: -face.width_px))

    def face_of_photograph(self, image: NDArray[np.uint8]) -> FaceBox:
        """The one face of an enrolment photograph.

        Raises: NoFaceFound, SeveralFacesFound, FaceTooSmall.
        """
        faces = self.faces(image)
        if not faces:
            raise NoFaceFound("no face found; use a sharp, frontal photograph")
        rivals = [face for face in faces if face.width_px >= RIVAL_WIDTH_SHARE * faces[0].width_px]
        if len(rivals) > 1:
            raise SeveralFacesFound(f"{len(rivals)} faces that could be meant; crop the picture to one person")
        if faces[0].width_px < FACE_WIDTH_MIN_PX:
            raise FaceTooSmall(f"face {faces[0].width_px:.0f} px wide, enrolment needs {FACE_WIDTH_MIN_PX:.0f}")
        return faces[0]

    def template_of_photograph(self, image: NDArray[np.uint8]) -> Template:
        """The template of the one face of an enrolment photograph.

        Raises: NoFaceFound, SeveralFacesFound, FaceTooSmall, LandmarksDegenerate.
        """
        return self.template_of(image, self.face_of_photograph(image))

    def template_of_central_face(self, image: NDArray[np.uint8]) -> Template:
        """The template of the face nearest the middle, as benchmarks of cropped faces mean it.

        Raises: NoFaceFound, LandmarksDegenerate.
        """
        faces = self.faces(image)
        if not faces:
            raise NoFaceFound("no face found")
        middle_x, middle_y = image.shape[1] / 2, image.shape[0] / 2

        def distance(face: FaceBox) -> float:
            return float(
                np.hypot(face.left_px + face.width_px / 2 - middle_x, face.top_px + face.height_px / 2 - middle_y)
            )

        return self.template_of(image, min(faces, key=distance))

    def template_of(self, image: NDArray[np.uint8], face: FaceBox) -> Template:
        """The template of a face found in a picture, uint8 BGR (h, w, 3). Raises: LandmarksDegenerate."""
        aligned = self._networks.aligner.align(image, face.landmarks)
        return self._networks.embedder.embed(aligned, quality=1.0, frame_id=0)
