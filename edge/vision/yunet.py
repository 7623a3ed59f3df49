"""Decoding of YuNet's twelve outputs (Wu, Peng, Yu: YuNet, MIR 2023): anchor-free, strides 8, 16 and 32.

TFLite keeps no output names, so outputs are bound by shape: a stride is told by its number of cells, boxes
and landmarks by their width. The class and objectness maps of a stride have one shape; only their product is
used, so which is which does not matter, and that both lie in 0..1 is checked on what they return.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from edge.devices import TensorSpec
from edge.errors import PackShapeMismatch

STRIDES = (8, 16, 32)

_PROBABILITY_SLACK = 0.02
_WIDTH_SCORE, _WIDTH_BOX, _WIDTH_LANDMARKS = 1, 4, 10


class _Stride:
    """Where one stride's four outputs are, and its cells' positions in pixels."""

    def __init__(self, stride: int, columns: int, rows: int, outputs: Sequence[TensorSpec]) -> None:
        cells = columns * rows
        self.stride = stride
        self.scores = self._find(outputs, cells, _WIDTH_SCORE, 2)
        (self.boxes,) = self._find(outputs, cells, _WIDTH_BOX, 1)
        (self.landmarks,) = self._find(outputs, cells, _WIDTH_LANDMARKS, 1)
        column, row = np.meshgrid(np.arange(columns), np.arange(rows))
        self.cells = np.stack([column.ravel(), row.ravel()], axis=1).astype(np.float32)

    def _find(self, outputs: Sequence[TensorSpec], cells: int, width: int, wanted: int) -> list[int]:
        found = [i for i, spec in enumerate(outputs) if spec.shape == (1, cells, width)]
        if len(found) != wanted:
            raise PackShapeMismatch(
                f"detector: {len(found)} outputs of shape (1, {cells}, {width}) for stride {self.stride}, "
                f"YuNet has {wanted}; found {[spec.shape for spec in outputs]}"
            )
        return found


class YuNetDecoder:
    """Implements `edge.devices.Decoder` for an input of one size."""

    def __init__(self, width_px: int, height_px: int, outputs: Sequence[TensorSpec]) -> None:
        """Raises: PackShapeMismatch when the outputs are not YuNet's for this input size."""
        if len(outputs) != 4 * len(STRIDES):
            raise PackShapeMismatch(f"detector: {len(outputs)} outputs, YuNet has {4 * len(STRIDES)}")
        self._strides = [_Stride(s, width_px // s, height_px // s, outputs) for s in STRIDES]

    def decode(
        self, outputs: Sequence[NDArray[np.float32]], score_min: float
    ) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
        """Boxes (n, 4) left, top, width, height; landmarks (n, 5, 2); scores (n,), in input pixels.

        Raises: PackShapeMismatch when a score map leaves 0..1, or a place is no number: the outputs are not what
        they were taken for.
        """
        boxes, landmarks, scores = [], [], []
        for stride in self._strides:
            first, second = (_probabilities(outputs[i].reshape(-1)) for i in stride.scores)
            product = first * second
            hits = np.flatnonzero(product >= score_min * score_min)
            if not hits.size:
                continue
            cells, size = stride.cells[hits], float(stride.stride)
            raw = outputs[stride.boxes].reshape(-1, 4)[hits]
            extent = np.exp(np.minimum(raw[:, 2:], 10)) * size
            boxes.append(np.concatenate([(cells + raw[:, :2]) * size - extent / 2, extent], axis=1))
            points = outputs[stride.landmarks].reshape(-1, 5, 2)[hits]
            landmarks.append((points + cells[:, None]) * size)
            if not (np.isfinite(boxes[-1]).all() and np.isfinite(landmarks[-1]).all()):
                raise PackShapeMismatch("detector: a face without a place; the weights or the accelerator are broken")
            scores.append(np.sqrt(product[hits]))
        if not scores:
            return np.empty((0, 4), np.float32), np.empty((0, 5, 2), np.float32), np.empty(0, np.float32)
        return np.concatenate(boxes), np.concatenate(landmarks), np.concatenate(scores)


def _probabilities(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    """The map itself. Raises: PackShapeMismatch; the product of two negative logits would pass for a sure face."""
    low, high = float(scores.min()), float(scores.max())
    if not (low >= -_PROBABILITY_SLACK and high <= 1 + _PROBABILITY_SLACK):
        raise PackShapeMismatch(
            f"detector: a score map leaves 0..1 ({low:.2f} to {high:.2f}); the outputs are bound wrongly"
        )
    return scores
