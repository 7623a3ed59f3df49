"""Who finds the faces in photographs: an installed pack's detector, or the assumption that they are centred."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge.drivers.litert import choose_runtime
from edge.errors import PackMissing
from edge.trust.packs import open_pack
from edge.vision.enrol import FACE_WIDTH_MIN_PX, RIVAL_WIDTH_SHARE, FacePath
from hwsim.street.portraits import FaceFinder, centred_face, read_picture
from hwsim.street.truth import Box
from provisioning.examine import Examiner

DEFAULT_PACK, BRINGUP_PACK = "street", "bringup"
"""For photographs of real people, and for drawn ones."""


@dataclass(frozen=True)
class ChosenFinder:
    """A finder, and who it is: a pack's name, or None for the assumption."""

    find: FaceFinder
    pack: str | None
    examiner: Examiner | None = None

    def enrols(self, photograph: Path) -> bool:
        """Whether a watchlist build takes a photograph. Where no pack is installed, every readable picture is."""
        if self.examiner is None:
            return self.accepts(photograph)
        return self.examiner.examine(photograph.read_bytes()).outcome == "accepted"

    def accepts(self, photograph: Path) -> bool:
        """Whether a photograph shows one face that can be meant, of sufficient size.

        Where no pack is installed, every readable picture is.
        """
        image = read_picture(photograph)
        if image is None or self.pack is None:
            return image is not None
        widths = sorted((face.width_px for face in self.find(image)), reverse=True)
        if not widths or widths[0] < FACE_WIDTH_MIN_PX:
            return False
        return len(widths) == 1 or widths[1] < RIVAL_WIDTH_SHARE * widths[0]


def choose_finder(packs: Path, pack: str | None) -> ChosenFinder:
    """The detector of a pack; without a name that of the usual one, or the assumption where it is not installed.

    Raises: PackMissing for a named pack that is not installed; PackInvalid, PackHashMismatch, RuntimeUnavailable.
    """
    try:
        verified = open_pack(packs / (pack or DEFAULT_PACK), "int8")
    except PackMissing:
        if pack is not None:
            raise
        return ChosenFinder(centred_face, None)
    faces = FacePath(verified, choose_runtime("auto", threads=1))

    def find(image: NDArray[np.uint8]) -> tuple[Box, ...]:
        return faces.faces(image)

    return ChosenFinder(find, verified.manifest.name, Examiner(faces))
