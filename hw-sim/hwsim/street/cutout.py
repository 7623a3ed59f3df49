"""Cut a head out of a photograph: a soft mask of hair, face and neck, without what stood behind."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.records import FaceBox
from hwsim.street.portraits import Portrait
from hwsim.street.truth import Box

GRABCUT_ROUNDS = 2
GRABCUT_FACE_WIDTH_PX = 44.0
"""The cut is found at this width of face: finer costs time and shows no better under a feathered edge."""

HEAD_SHARE_MIN, HEAD_SHARE_MAX = 0.5, 1.45
"""A cut-out of another size than this, against a head-shaped oval, is a failed one; the oval is used instead."""


@dataclass(frozen=True, eq=False)
class Cutout:
    """A head: uint8 BGRA (h, w, 4), colours premultiplied by alpha, the face box in its pixels, the skin's BGR."""

    bgra: NDArray[np.uint8]
    face_box: Box
    skin_bgr: tuple[float, float, float]


def _oval(shape: tuple[int, ...], x: float, y: float, across: float, down: float) -> NDArray[np.float32]:
    """Distance from a centre in units of the half axes; 1 is the edge."""
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    return np.sqrt(((columns - x) / across) ** 2 + ((rows - y) / down) ** 2).astype(np.float32)


def _step(edge_from: float, edge_to: float, value: NDArray[np.float32]) -> NDArray[np.float32]:
    t = np.clip((value - edge_from) / (edge_to - edge_from), 0, 1)
    return np.asarray(t * t * (3 - 2 * t), np.float32)


def _black_margin(image: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Pixels of the black wedges that straightening leaves at a photograph's rim."""
    black = (image.max(axis=2) <= 6).astype(np.uint8)
    _, labels = cv2.connectedComponents(black)
    rim = np.unique(np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]]))
    return np.asarray(np.isin(labels, rim[rim > 0]), np.bool_)


def _foreground(image: NDArray[np.uint8], face: Box) -> NDArray[np.float32]:
    """Hair, face and neck by GrabCut (Rother et al. 2004), seeded with where a face says they must be."""
    w, h = face.width_px, face.height_px
    x, y = face.left_px + w / 2, face.top_px + h / 2
    hair = _oval(image.shape, x, y - 0.10 * h, 0.80 * w, 0.80 * h)
    surely = _oval(image.shape, x, y, 0.42 * w, 0.46 * h) < 1
    neck = _oval(image.shape, x, y + 0.62 * h, 0.36 * w, 0.35 * h)
    marks = np.full(image.shape[:2], cv2.GC_BGD, np.uint8)
    marks[_oval(image.shape, x, y, 1.15 * w, 1.15 * h) < 1] = cv2.GC_PR_BGD
    marks[(hair < 0.9) | (neck < 1)] = cv2.GC_PR_FGD
    marks[_black_margin(image)] = cv2.GC_BGD
    marks[surely] = cv2.GC_FGD
    oval = _oval(image.shape, x, y - 0.06 * h, 0.60 * w, 0.66 * h) < 1
    if np.isin(marks, (cv2.GC_BGD, cv2.GC_PR_BGD)).all() or np.isin(marks, (cv2.GC_FGD, cv2.GC_PR_FGD)).all():
        return oval.astype(np.float32)
    cv2.setRNGSeed(1)
    cv2.grabCut(image, marks, (0, 0, 0, 0), np.zeros((1, 65)), np.zeros((1, 65)), GRABCUT_ROUNDS, cv2.GC_INIT_WITH_MASK)
    mask = ((marks == cv2.GC_FGD) | (marks == cv2.GC_PR_FGD)).astype(np.uint8)
    size = max(3, int(0.05 * w) | 1)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    mask = cv2.morphologyEx(cv2.morphologyEx(mask, cv2.MORPH_CLOSE, kernel), cv2.MORPH_OPEN, kernel)
    _, labels = cv2.connectedComponents(mask)
    middle = labels[min(int(y), labels.shape[0] - 1), min(int(x), labels.shape[1] - 1)]
    mask = (labels == middle).astype(np.float32)
    above = np.arange(image.shape[0])[:, None] < y + 0.5 * h
    if middle == 0 or not HEAD_SHARE_MIN < (mask * above).sum() / max(1, (oval & above).sum()) < HEAD_SHARE_MAX:
        return oval.astype(np.float32)
    return mask


def _limits(shape: tuple[int, ...], face: Box) -> NDArray[np.float32]:
    """How far a head may reach: an oval above the chin, below it a neck that fades into the drawn one."""
    w, h = face.width_px, face.height_px
    x, y = face.left_px + w / 2, face.top_px + h / 2
    around = 1 - _step(0.88, 1.0, _oval(shape, x, y - 0.12 * h, 0.95 * w, 0.92 * h))
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    below = _step(0.36, 0.62, np.asarray((rows - y) / h, np.float32))
    beside = _step(0.30, 0.48, np.asarray(np.abs(columns - x) / w, np.float32))
    fade = 1 - _step(0.56, 0.78, np.asarray((rows - y) / h, np.float32))
    rim = np.ones(shape[:2], np.float32)
    margin = min(max(2, round(0.06 * w)), *shape[:2])
    ramp = np.linspace(0, 1, margin, dtype=np.float32)
    rim[:margin] *= ramp[:, None]
    rim[:, :margin] *= ramp
    rim[:, -margin:] *= ramp[::-1]
    return np.asarray(around * (1 - below * beside) * fade * rim, np.float32)


def _skin(image: NDArray[np.uint8], face: Box) -> tuple[float, float, float]:
    """The median colour of the middle of the face."""
    top, left = int(face.top_px + 0.35 * face.height_px), int(face.left_px + 0.25 * face.width_px)
    middle = image[max(0, top) : top + int(0.4 * face.height_px) + 1, max(0, left) :][:, : int(face.width_px / 2) + 1]
    if not middle.size:
        return (120.0, 140.0, 170.0)
    blue, green, red = np.median(middle.reshape(-1, 3), axis=0)
    return float(blue), float(green), float(red)


def _scaled(box: Box, scale: float) -> FaceBox:
    sides = (box.left_px * scale, box.top_px * scale, box.width_px * scale, box.height_px * scale)
    return FaceBox(0, *sides, score=1.0, landmarks=np.zeros((5, 2), np.float32))


def cut_out(portrait: Portrait) -> Cutout:
    """The head of a portrait. The same portrait gives the same pixels."""
    image, face = portrait.image_bgr, portrait.face_box
    scale = min(1.0, GRABCUT_FACE_WIDTH_PX / face.width_px)
    small = np.asarray(cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
    mask = cv2.resize(_foreground(small, _scaled(face, scale)), image.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    mask = cv2.GaussianBlur(mask, (0, 0), max(0.8, 0.022 * face.width_px))
    alpha = np.clip(mask * 1.25 - 0.2, 0, 1) * _limits(image.shape, face)
    bgra = np.dstack([image * alpha[:, :, None], 255 * alpha])
    return Cutout(np.rint(bgra).astype(np.uint8), face, _skin(image, face))
