"""Frames with their faces, changed for training: tiled, magnified, mirrored, the smallest faces set aside."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from models.training.detector_targets import FACE, IGNORED, NONE

FACE_MIN_PX = 9.0
"""Smaller ones are neither right nor wrong to find."""

ZOOM_PX = (60.0, 260.0)
ZOOM_FROM_PX, ZOOM_AT_MOST = 18.0, 4.0
CUT_SHARE = 0.35
"""A face of which the picture shows less than all but this is neither right nor wrong to find."""

Sample = tuple[NDArray[Any], NDArray[np.int8], NDArray[np.float32], NDArray[np.float32]]
"""An image and the kinds, boxes and landmarks in it."""


def tile(parts: list[Sample]) -> Sample:
    """Four frames at half their size in one: faces half as large, four times as many; only so many rows are kept."""
    height, width = parts[0][0].shape[:2]
    image = np.empty_like(parts[0][0])
    kinds, boxes, landmarks = [], [], []
    for number, (picture, kind, box, points) in enumerate(parts):
        offset = np.array([number % 2 * width // 2, number // 2 * height // 2], np.float32)
        half = picture.astype(np.uint16)
        half = (half[::2, ::2] + half[1::2, ::2] + half[::2, 1::2] + half[1::2, 1::2] + 2) // 4
        y, x = int(offset[1]), int(offset[0])
        image[y : y + height // 2, x : x + width // 2] = half
        kinds.append(kind)
        boxes.append(box / 2 + np.concatenate([offset, [0, 0]]).astype(np.float32))
        landmarks.append(points / 2 + offset)
    return image, np.concatenate(kinds), np.concatenate(boxes), np.concatenate(landmarks)


def mirror(
    image: NDArray[np.uint8], boxes: NDArray[np.float32], landmarks: NDArray[np.float32]
) -> tuple[NDArray[np.uint8], NDArray[np.float32], NDArray[np.float32]]:
    """Left and right exchanged; the left eye of the picture becomes its right one."""
    width = image.shape[1]
    boxes = boxes.copy()
    boxes[:, 0] = width - boxes[:, 0] - boxes[:, 2]
    landmarks = landmarks[:, [1, 0, 2, 4, 3]].copy()
    landmarks[..., 0] = width - landmarks[..., 0]
    return image[:, ::-1], boxes, landmarks


def ignore_small(kinds: NDArray[np.int8], boxes: NDArray[np.float32]) -> NDArray[np.int8]:
    small = (kinds == FACE) & (boxes[:, 2] < FACE_MIN_PX)
    return np.where(small, IGNORED, kinds).astype(np.int8)


def pad_rows(sample: Sample, rows: int) -> Sample:
    """The same with exactly so many rows, the rest NONE."""
    image, kinds, boxes, landmarks = sample
    missing = rows - len(kinds)
    return (
        image,
        np.pad(kinds, (0, missing), constant_values=NONE),
        np.pad(boxes, ((0, missing), (0, 0))),
        np.pad(landmarks, ((0, missing), (0, 0), (0, 0))),
    )


def zoom(sample: Sample, rng: np.random.Generator) -> Sample:
    """One face magnified to a width within ZOOM_PX, anywhere in the picture; the same where nobody is large enough."""
    image, kinds, boxes, _ = sample
    height, width = image.shape[:2]
    fit = np.flatnonzero((kinds == FACE) & (boxes[:, 2] >= ZOOM_FROM_PX))
    if not len(fit):
        return sample
    left, top, face_width, face_height = boxes[fit[int(rng.integers(len(fit)))]]
    scale = min(float(np.exp(rng.uniform(*np.log(ZOOM_PX)))) / face_width, ZOOM_AT_MOST)
    if scale <= 1:
        return sample
    to_x, to_y = rng.uniform(0.3, 0.7) * width, rng.uniform(0.35, 0.65) * height
    shift = np.array([to_x - scale * (left + face_width / 2), to_y - scale * (top + face_height / 2)], np.float32)
    return magnified(sample, scale, shift, (width, height), cv2.INTER_CUBIC)


def magnified(
    sample: Sample, scale: float, shift: NDArray[np.float32], size_px: tuple[int, int], interpolation: int
) -> Sample:
    """What a window of that width and height shows of a picture so many times as large, moved by `shift`."""
    image, kinds, boxes, landmarks = sample
    matrix = np.array([[scale, 0, shift[0]], [0, scale, shift[1]]], np.float64)
    image = cv2.warpAffine(image, matrix, size_px, flags=interpolation, borderMode=cv2.BORDER_REPLICATE)
    factor = np.float32(scale)
    boxes = np.concatenate([boxes[:, :2] * factor + shift, boxes[:, 2:] * factor], 1)
    landmarks = landmarks * factor + shift
    return np.asarray(image, np.uint8), _kinds_within(kinds, boxes, size_px), boxes, landmarks


def blank(sample: Sample, rng: np.random.Generator) -> Sample:
    """The same, black from some column on or from some row on."""
    image, kinds, boxes, landmarks = sample
    height, width = image.shape[:2]
    left = round(rng.uniform(0.35, 0.95) * width) if rng.random() < 0.7 else width
    top = round(rng.uniform(0.35, 0.95) * height) if left == width else height
    image = image.copy()
    image[:, left:] = 0
    image[top:] = 0
    return image, _kinds_within(kinds, boxes, (left, top)), boxes, landmarks


def _kinds_within(kinds: NDArray[np.int8], boxes: NDArray[np.float32], size_px: tuple[int, int]) -> NDArray[np.int8]:
    """Kinds when a picture of that width and height is all that is seen."""
    near, far = np.maximum(boxes[:, :2], 0), np.minimum(boxes[:, :2] + boxes[:, 2:], size_px)
    shown = np.clip(far - near, 0, None).prod(1) / np.maximum(boxes[:, 2:].prod(1), 1e-6)
    kinds = np.where((kinds == FACE) & (shown < 1 - CUT_SHARE), IGNORED, kinds)
    return np.where(shown == 0, NONE, kinds).astype(np.int8)
