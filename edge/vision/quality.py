"""Quality: whether a face may be compared at all, and how much its template counts.

Size, pose, sharpness and exposure, the components of ISO/IEC 29794-5 that a van meets most; each with its own
reason, so that `faces_withheld` tells the engineer what to change.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.config import QualitySettings
from edge.records import FaceBox, Quality, Reason

PATCH_PX = 64
"""Sharpness and exposure are measured on the face shrunk to this width, so that size does not pass for either."""

_FULL_WIDTH_PX = 80.0
_FULL_SHARPNESS = 300.0


class QualityGate:
    """The gate a face must pass."""

    def __init__(self, settings: QualitySettings) -> None:
        self._settings = settings

    def assess(self, image: NDArray[np.uint8], face: FaceBox) -> Quality:
        """Assess a face of an image, uint8 BGR (h, w, 3)."""
        yaw = turn_of_head(face.landmarks)
        patch = _face_patch(image, face)
        if patch is None:
            return Quality(0.0, face.width_px, 0.0, yaw, 0.0, Reason.CUT_BY_EDGE)
        sharpness = float(cv2.Laplacian(patch, cv2.CV_32F).var())
        exposure = float(patch.mean())
        refusal = self._refusal(image, face, yaw, sharpness, exposure)
        score = _score(face.width_px, yaw, sharpness)
        return Quality(score, face.width_px, sharpness, yaw, exposure, refusal)

    def _refusal(
        self, image: NDArray[np.uint8], face: FaceBox, yaw: float, sharpness: float, exposure: float
    ) -> Reason | None:
        s = self._settings
        if face.width_px < s.face_width_min_px:
            return Reason.TOO_SMALL
        if not _landmarks_inside(image, face):
            return Reason.CUT_BY_EDGE
        if yaw > s.yaw_max:
            return Reason.TURNED_AWAY
        if not s.exposure_min <= exposure <= s.exposure_max:
            return Reason.BADLY_EXPOSED
        if sharpness < s.sharpness_min:
            return Reason.TOO_BLURRED
        return None


def turn_of_head(landmarks: NDArray[np.float32]) -> float:
    """How far the nose lies from the middle between the eyes, along their line, over half their distance.

    landmarks: float32 (5, 2). 0 is frontal, 1 a profile; 1 too when the eyes fall together.
    """
    eyes = landmarks[1] - landmarks[0]
    distance = float(np.hypot(*eyes))
    if distance < 1e-3:
        return 1.0
    offset = landmarks[2] - (landmarks[0] + landmarks[1]) / 2
    return min(abs(float(offset @ eyes)) / distance / (distance / 2), 1.0)


def _face_patch(image: NDArray[np.uint8], face: FaceBox) -> NDArray[np.uint8] | None:
    height, width = image.shape[:2]
    left, right = max(int(face.left_px), 0), min(int(face.left_px + face.width_px), width)
    top, bottom = max(int(face.top_px), 0), min(int(face.top_px + face.height_px), height)
    if right - left < 4 or bottom - top < 4:
        return None
    gray = cv2.cvtColor(image[top:bottom, left:right], cv2.COLOR_BGR2GRAY)
    way = cv2.INTER_AREA if gray.shape[1] > PATCH_PX else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(gray, (PATCH_PX, PATCH_PX), interpolation=way), np.uint8)


def _landmarks_inside(image: NDArray[np.uint8], face: FaceBox) -> bool:
    height, width = image.shape[:2]
    x, y = face.landmarks[:, 0], face.landmarks[:, 1]
    return bool(x.min() >= 0 and y.min() >= 0 and x.max() < width and y.max() < height)


def _score(width_px: float, yaw: float, sharpness: float) -> float:
    size = min(width_px / _FULL_WIDTH_PX, 1.0)
    detail = min(sharpness / _FULL_SHARPNESS, 1.0)
    return float(max(size * (1 - 0.7 * yaw) * (0.4 + 0.6 * detail), 0.01))
