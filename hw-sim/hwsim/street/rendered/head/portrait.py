"""Pictures of one head: enrolment photographs, and faces in any pose and light with their landmarks and box."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from hwsim.street.rendered.head.bust import bust_part
from hwsim.street.rendered.head.head import Head, build_head
from hwsim.street.rendered.head.identity import Identity
from hwsim.street.rendered.head.lens import Lens, Pose, similarity
from hwsim.street.rendered.head.look import Look, neutral_look
from hwsim.street.rendered.light import Lighting, even_light
from hwsim.street.rendered.mesh import Floats, Part
from hwsim.street.rendered.raster import Canvas, draw
from hwsim.street.view import FACE_WIDTH_M

PORTRAIT_WIDTH_PX, PORTRAIT_HEIGHT_PX = 480, 600
_PORTRAIT_DISTANCE_CM = 150.0
_PORTRAIT_SPAN_CM = 31.0
_BACKDROP = 0.33
_GAMMA = 2.2
_FACE_WIDTH_CM = 100 * FACE_WIDTH_M


@dataclass(frozen=True, eq=False)
class FacePicture:
    """pixels: float32 (h, w, 3), linear light in BGR, about 0..1. landmarks_px: float32 (5, 2). box_px: left, top,
    right, bottom of the face, as `Head.face_cm` defines it. visible: bool (h, w), where the person is."""

    pixels: Floats
    landmarks_px: Floats
    box_px: tuple[float, float, float, float]
    visible: NDArray[np.bool_]

    def encoded(self) -> NDArray[np.uint8]:
        """As a camera would give it: uint8 (h, w, 3), BGR, gamma 2.2."""
        return np.round(np.clip(self.pixels, 0, 1) ** (1 / _GAMMA) * 255).astype(np.uint8)


def render_face(
    identity: Identity,
    look: Look,
    pose: Pose,
    lighting: Lighting,
    width_px: int,
    height_px: int,
    *,
    face_width_px: float,
    centre_px: tuple[float, float] | None = None,
    background: Floats | None = None,
    bust_seed: int | None = None,
    supersampling: int = 2,
) -> FacePicture:
    """A face in a picture, as `FACE_WIDTH_M` of hwsim.street.view is wide: that takes `face_width_px` of it.

    centre_px: where the face's middle falls, the picture's middle unless given. background: float32 (h, w, 3), linear
    BGR, grey unless given. bust_seed: which clothes; no shoulders without one.
    """
    head = build_head(identity, look)
    x, y = centre_px or (width_px / 2, height_px / 2)
    scale = face_width_px / _FACE_WIDTH_CM
    lens = Lens.at(pose, np.float32(scale) * np.eye(2, dtype=np.float32), np.array([x, y], np.float32))
    return _render(identity, head, lens, lighting, (height_px, width_px), background, bust_seed, supersampling)


def render_aligned(
    identity: Identity,
    look: Look,
    pose: Pose,
    lighting: Lighting,
    size_px: int,
    template_px: Floats,
    *,
    jitter_px: Floats | None = None,
    background: Floats | None = None,
    bust_seed: int | None = None,
    supersampling: int = 2,
) -> FacePicture:
    """A face brought by a similarity to where an embedder wants its five landmarks: `template_px`, float32 (5, 2).

    jitter_px: float32 (5, 2), as if a detector had missed the landmarks by that much of the picture.
    """
    head = build_head(identity, look)
    unit = Lens.at(pose, np.eye(2, dtype=np.float32), np.zeros(2, np.float32))
    plane = unit.pixels(head.landmarks_cm)[:, :2]
    linear, shift = similarity(plane, template_px)
    if jitter_px is not None:
        found = (plane @ linear.T + shift + jitter_px - shift) @ np.linalg.inv(linear).T
        linear, shift = similarity(found.astype(np.float32), template_px)
    lens = Lens.at(pose, linear, shift)
    return _render(identity, head, lens, lighting, (size_px, size_px), background, bust_seed, supersampling)


def render_portrait(identity: Identity, seed: int = 0) -> NDArray[np.uint8]:
    """An enrolment photograph: frontal, neutral, even light, plain grey; uint8 (600, 480, 3), BGR. seed: clothes."""
    picture = render_face(
        identity,
        neutral_look(identity),
        Pose(distance_cm=_PORTRAIT_DISTANCE_CM),
        even_light(),
        PORTRAIT_WIDTH_PX,
        PORTRAIT_HEIGHT_PX,
        face_width_px=PORTRAIT_WIDTH_PX * _FACE_WIDTH_CM / _PORTRAIT_SPAN_CM,
        background=np.full((PORTRAIT_HEIGHT_PX, PORTRAIT_WIDTH_PX, 3), _BACKDROP, np.float32),
        bust_seed=seed,
    )
    return picture.encoded()


def _render(
    identity: Identity, head: Head, lens: Lens, lighting: Lighting, size: tuple[int, int], background: Floats | None,
    bust_seed: int | None, supersampling: int,
) -> FacePicture:  # fmt: skip
    height, width = size
    n = supersampling
    fine = lens.enlarged(n)
    if background is None:
        behind = np.full((height * n, width * n, 3), _BACKDROP, np.float32)
    else:
        flipped = np.ascontiguousarray(background[..., ::-1], np.float32)
        behind = np.asarray(cv2.resize(flipped, (width * n, height * n), interpolation=cv2.INTER_NEAREST), np.float32)
    canvas = Canvas.blank(height * n, width * n, behind)
    parts: list[Part] = list(head.parts)
    if bust_seed is not None:
        parts.append(bust_part(identity.sex == "male", np.random.default_rng([identity.seed, bust_seed, 3])))
    for part in parts:
        normals = lens.turned(part.normals)
        draw(canvas, part, fine.pixels(part.vertices), normals, lighting, owner=1)
    picture, covered = canvas.light, canvas.owner > 0
    if n > 1:
        picture = np.asarray(cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA), np.float32)
        covered = cv2.resize(covered.astype(np.float32), (width, height), interpolation=cv2.INTER_AREA) > 0.5
    outline = lens.pixels(head.face_cm)
    column, row = np.ascontiguousarray(outline[:, 0]), np.ascontiguousarray(outline[:, 1])
    landmarks = np.ascontiguousarray(lens.pixels(head.landmarks_cm)[:, :2])
    box = (float(column.min()), float(row.min()), float(column.max()), float(row.max()))
    return FacePicture(np.ascontiguousarray(picture[..., ::-1]), landmarks, box, covered)
