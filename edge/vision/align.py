"""Align: turn, scale and move a face so that its five landmarks lie where the embedder wants them."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.errors import LandmarksDegenerate
from edge.formats.pack import EmbedderSpec


def similarity_transform(source: NDArray[np.float32], target: NDArray[np.float32]) -> NDArray[np.float64]:
    """The least-squares similarity (2, 3) taking source points (n, 2) to target points (n, 2).

    Closed form (Umeyama, PAMI 1991, in two dimensions, where it is a complex regression); no reflection.
    Raises: LandmarksDegenerate when the source points fall into one.
    """
    a = source.astype(np.float64)
    b = target.astype(np.float64)
    a_mean, b_mean = a.mean(axis=0), b.mean(axis=0)
    p = (a - a_mean) @ np.array([1, 1j])
    q = (b - b_mean) @ np.array([1, 1j])
    spread = float((p * p.conj()).real.sum())
    if not np.isfinite(spread) or spread < 1e-6:
        raise LandmarksDegenerate("landmarks fall into one point; there is nothing to align by")
    turn = (p.conj() * q).sum() / spread
    linear = np.array([[turn.real, -turn.imag], [turn.imag, turn.real]])
    return np.column_stack([linear, b_mean - linear @ a_mean])


class Aligner:
    """Brings faces to the points of a pack's embedder."""

    def __init__(self, spec: EmbedderSpec) -> None:
        self._size = (spec.input.width_px, spec.input.height_px)
        self._points = np.array(spec.alignment, np.float32) * np.array(self._size, np.float32)

    def align(self, image: NDArray[np.uint8], landmarks: NDArray[np.float32]) -> NDArray[np.uint8]:
        """The aligned face, uint8 BGR (height, width, 3), from an image (h, w, 3) and its landmarks (5, 2).

        Raises: LandmarksDegenerate.
        """
        matrix = similarity_transform(landmarks, self._points)
        aligned = cv2.warpAffine(image, matrix, self._size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(aligned, np.uint8)
