"""Photographs of people, read, and the face in each located."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.errors import PhotographsMissing
from edge.records import FaceBox
from edge.vision.enrol import RIVAL_WIDTH_SHARE
from hwsim.street.people import PersonPhotographs
from hwsim.street.truth import Box

PHOTOGRAPH_MAX_BYTES = 32 << 20
FACE_WIDTH_MIN_PX = 20.0
"""A smaller face would only be a blur when it comes near."""

FACE_WIDTH_MAX_PX = 128.0
"""Photographs are shrunk to this width of face: nobody comes nearer to the camera."""

FaceFinder = Callable[[NDArray[np.uint8]], Sequence[Box]]
"""The faces of a picture, uint8 BGR (h, w, 3); none when it has none."""


@dataclass(frozen=True, eq=False)
class Portrait:
    """A person's head and what is around it: uint8 BGR (h, w, 3), and the face box in its pixels."""

    person: str
    image_bgr: NDArray[np.uint8]
    face_box: Box


@dataclass(frozen=True, eq=False)
class Portraits:
    """One portrait a person, and the files that could not be used, each with its reason."""

    portraits: tuple[Portrait, ...]
    refused: tuple[tuple[Path, str], ...] = field(default=())


def centred_face(image: NDArray[np.uint8]) -> tuple[FaceBox, ...]:
    """The face when there is no detector to ask: centred, 39 % of the shorter side, as in LFW's funneled copy.

    There a detector's boxes have a median of 58 x 81 of 150 px, their middle within 2 px of the picture's.
    """
    height, width = image.shape[:2]
    box_width = 0.39 * min(width, height)
    box_height = 1.38 * box_width
    left, top = (width - box_width) / 2, (height - box_height) / 2
    return (FaceBox(0, left, top, box_width, box_height, 1.0, np.zeros((5, 2), np.float32)),)


def meant_face(image: NDArray[np.uint8], finder: FaceFinder) -> Box | None:
    """The face a photograph is of: the most central of the large ones; None when there is none."""
    faces = list(finder(image))
    if not faces:
        return None
    width_min = RIVAL_WIDTH_SHARE * max(face.width_px for face in faces)
    middle_x, middle_y = image.shape[1] / 2, image.shape[0] / 2

    def distance(face: Box) -> float:
        x, y = face.left_px + face.width_px / 2, face.top_px + face.height_px / 2
        return float(np.hypot(x - middle_x, y - middle_y))

    return min((face for face in faces if face.width_px >= width_min), key=distance)


def cut_portrait(person: str, image: NDArray[np.uint8], face: Box) -> Portrait:
    """A photograph cut down to the head's surroundings and to the largest face a street shows."""
    w, h = face.width_px, face.height_px
    left, top = max(0, int(face.left_px - 1.5 * w)), max(0, int(face.top_px - 1.1 * h))
    right = min(image.shape[1], int(np.ceil(face.left_px + 2.5 * w)))
    bottom = min(image.shape[0], int(np.ceil(face.top_px + 1.8 * h)))
    cut = np.ascontiguousarray(image[top:bottom, left:right])
    scale = min(1.0, FACE_WIDTH_MAX_PX / w)
    if scale < 1:
        cut = np.asarray(cv2.resize(cut, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
    x, y = (face.left_px - left) * scale, (face.top_px - top) * scale
    return Portrait(person, cut, FaceBox(0, x, y, w * scale, h * scale, 1.0, np.zeros((5, 2), np.float32)))


def read_picture(path: Path) -> NDArray[np.uint8] | None:
    """A picture file as uint8 BGR (h, w, 3); None when it is none, or too large a file."""
    try:
        if path.stat().st_size > PHOTOGRAPH_MAX_BYTES:
            return None
        data = np.fromfile(path, np.uint8)
        image = cv2.imdecode(data, cv2.IMREAD_COLOR) if data.size else None
    except (OSError, cv2.error):
        return None
    return None if image is None else np.asarray(image, np.uint8)


def load_portraits(
    people: Sequence[PersonPhotographs],
    finder: FaceFinder,
    seed: int,
    count: int | None = None,
    progress: Callable[[int], None] = lambda done: None,
) -> Portraits:
    """One portrait each of count people (all when None), chosen by the seed; unusable photographs are passed over.

    Raises: PhotographsMissing when fewer than count people have a usable photograph.
    """
    order = np.random.default_rng([seed, 1]).permutation(len(people))
    wanted = len(people) if count is None else count
    portraits: list[Portrait] = []
    refused: list[tuple[Path, str]] = []
    for index in order:
        if len(portraits) == wanted:
            break
        portrait = _portrait_of(people[index], finder, seed, refused)
        if portrait is not None:
            portraits.append(portrait)
            progress(len(portraits))
    if not portraits or (count is not None and len(portraits) < count):
        raise PhotographsMissing(
            f"{len(portraits)} of {len(people)} people have a usable photograph, need {wanted}; "
            f"{len(refused)} photographs were refused"
        )
    return Portraits(tuple(sorted(portraits, key=lambda portrait: portrait.person)), tuple(refused))


def _portrait_of(
    person: PersonPhotographs, finder: FaceFinder, seed: int, refused: list[tuple[Path, str]]
) -> Portrait | None:
    rng = np.random.default_rng([seed, 2, zlib.crc32(person.person.encode())])
    for index in rng.permutation(len(person.photographs)):
        path = person.photographs[index]
        image = read_picture(path)
        if image is None:
            refused.append((path, "no picture"))
            continue
        face = meant_face(image, finder)
        if face is None:
            refused.append((path, "no face found"))
            continue
        if face.width_px < FACE_WIDTH_MIN_PX:
            refused.append((path, f"face {face.width_px:.0f} px wide, need {FACE_WIDTH_MIN_PX:.0f}"))
            continue
        return cut_portrait(person.person, image, face)
    return None
