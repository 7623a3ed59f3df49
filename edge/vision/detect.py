"""Detect: the faces of a frame, found in its small picture, given in pixels of its full one."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.devices import Decoder, Model
from edge.formats.pack import DetectorSpec
from edge.records import FaceBox, Frame
from edge.vision.network import check_image_input
from edge.vision.yunet import YuNetDecoder

FACES_MAX = 100
"""Faces of one frame that are carried on, best scores first; more is a broken detector, not a crowd."""

BLEND_IOU = 0.5
"""A candidate that overlaps a kept one at least this much is another guess at the same face."""


class Detector:
    """A detector network with its decoder and its operating point."""

    def __init__(self, model: Model, spec: DetectorSpec) -> None:
        """Raises: PackShapeMismatch when the network is not what the manifest says."""
        check_image_input(model, spec.input, "detector")
        self._model = model
        self._spec = spec
        self._decoder: Decoder = YuNetDecoder(spec.input.width_px, spec.input.height_px, model.outputs)
        self._input = np.zeros((1, spec.input.height_px, spec.input.width_px, 3), np.uint8)

    def detect(self, frame: Frame) -> tuple[FaceBox, ...]:
        """The faces of a frame, best score first; landmarks float32 (5, 2), all in pixels of `frame.main`."""
        small = frame.main if frame.lores is None else frame.lores
        width_px, height_px = self._letterbox(small)
        boxes, landmarks, scores = self._decoder.decode(self._model.run(self._input), self._spec.score_min)
        unit = np.array([frame.main.shape[1] / width_px, frame.main.shape[0] / height_px], np.float32)
        best = cv2.dnn.NMSBoxes(boxes.tolist(), scores.tolist(), self._spec.score_min, self._spec.nms_iou)
        kept = np.asarray(best, int).reshape(-1)[:FACES_MAX]
        boxes, landmarks = _blended(kept, boxes, landmarks, scores)
        faces = []
        for (left, top, width, height), points, score in zip(boxes, landmarks, scores[kept], strict=True):
            faces.append(
                FaceBox(
                    frame_id=frame.id,
                    left_px=float(left * unit[0]),
                    top_px=float(top * unit[1]),
                    width_px=float(width * unit[0]),
                    height_px=float(height * unit[1]),
                    score=float(score),
                    landmarks=points * unit,
                )
            )
        return tuple(faces)

    def _letterbox(self, image: NDArray[np.uint8]) -> tuple[int, int]:
        """Fit an image into the input's top left, black right and below; the width and height it takes there.

        Never enlarged: blown up, a small face gains nothing and its landmarks drift (TPIR at FPIR 1 % on the
        open set: .950 enlarged, .965 as it is).
        """
        _, height, width, _ = self._input.shape
        scale = min(width / image.shape[1], height / image.shape[0], 1.0)
        w, h = max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale))
        self._input[0, h:] = 0
        self._input[0, :, w:] = 0
        if (h, w) == image.shape[:2]:
            self._input[0, :h, :w] = image
        else:
            self._input[0, :h, :w] = cv2.resize(image, (w, h), interpolation=cv2.INTER_AREA)
        return w, h


def _blended(
    kept: NDArray[np.int_], boxes: NDArray[np.float32], landmarks: NDArray[np.float32], scores: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The kept candidates' boxes (k, 4) and landmarks (k, 5, 2), each a mean over all that show the same face.

    Guesses of neighbouring cells err apart: their mean jitters less than the best of them (Bazarevsky and others,
    BlazeFace, 2019). Weighted by score squared and by overlap with the kept one.
    """
    weights = _overlaps(boxes[kept], boxes)
    weights[np.arange(len(kept)), kept] = 1
    weights = np.where(weights >= BLEND_IOU, weights * np.square(scores), 0)
    weights /= weights.sum(axis=1, keepdims=True)
    return weights @ boxes, (weights @ landmarks.reshape(-1, 10)).reshape(-1, 5, 2)


def _overlaps(boxes: NDArray[np.float32], others: NDArray[np.float32]) -> NDArray[np.float32]:
    """Intersection over union of each of (k, 4) with each of (n, 4), as (k, n); boxes of no size overlap nothing."""
    near = np.maximum(boxes[:, None, :2], others[:, :2])
    far = np.minimum(boxes[:, None, :2] + boxes[:, None, 2:], others[:, :2] + others[:, 2:])
    inside = np.clip(far - near, 0, None).prod(axis=2)
    union = boxes[:, None, 2:].prod(axis=2) + others[:, 2:].prod(axis=1) - inside
    return inside / np.maximum(union, np.finfo(np.float32).tiny)
