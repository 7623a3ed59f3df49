"""One frame's figures into one picture: shadows, then the furthest first, each blurred by lens and movement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from hwsim.street.face_seen import FaceSeen
from hwsim.street.rendered.backdrop import Backdrop
from hwsim.street.rendered.figure import FaceTruth, Figure, Layer, Moment, draw_figure
from hwsim.street.rendered.mesh import Floats
from hwsim.street.rendered.shadow import cast_shadow
from hwsim.street.rendered.tilted_view import TiltedView

FOCUS_CM = 420.0
DEFOCUS_PX_CM = 260.0
"""The lens's blur at 640 px across: its deviation in pixels over the difference of inverse distances."""

BEHIND_CM = 25.0
SHARP_PX = 0.3
FACES_FROM = -0.05
"""Who is turned further away from the camera than that (cosine) shows no face."""


@dataclass(frozen=True)
class Present:
    """Somebody in the street at a moment. speed_cm_s: along x and z. presence: 0..1, how far faded in."""

    person: str
    figure: Figure
    moment: Moment
    speed_cm_s: tuple[float, float] = (0.0, 0.0)
    presence: float = 1.0


@dataclass(frozen=True, eq=False)
class Seen:
    """A face turned to the camera enough to be one. visible: the share of it inside the picture and not covered."""

    person: str
    face: FaceTruth
    visible: float


@dataclass(frozen=True)
class Shutter:
    """open_s: how long a frame is exposed. defocus: against the lens's usual blur out of focus; 0 is a perfect lens."""

    open_s: float = 0.008
    defocus: float = 1.0


def compose(
    backdrop: Backdrop, view: TiltedView, people: Sequence[Present], shutter: Shutter
) -> tuple[Floats, list[Seen]]:
    """The frame in linear light, float32 (h, w, 3), RGB, and every face in it, the furthest first."""
    picture = backdrop.light.copy()
    ordered = sorted(people, key=lambda one: (one.moment.z_cm, one.person))
    for one in ordered:
        stature = float(one.figure.body.vertices[:, 1].max()) + 25
        cast_shadow(picture, backdrop.depth, view, backdrop.illumination, one.moment.x_cm, one.moment.z_cm, stature)
    faces: list[tuple[FaceSeen, FaceTruth]] = []
    for one in ordered:
        layer = draw_figure(one.figure, one.moment, view, backdrop.illumination)
        if layer is None:
            continue
        layer = _blurred(layer, *_blur_px(one, layer, view, shutter))
        clear = _cut_by_scenery(layer, backdrop.depth)
        _paste(picture, layer, clear * np.float32(one.presence))
        for further, _ in faces:
            further.hide_behind(layer.alpha * clear, layer.left_px, layer.top_px, one.presence)
        if layer.face.facing > FACES_FROM:
            faces.append((_own_face(one, layer, clear, view), layer.face))
    return picture, [Seen(seen.person, truth, seen.visible) for seen, truth in faces if seen.free.size]


def _own_face(one: Present, layer: Layer, clear: Floats, view: TiltedView) -> FaceSeen:
    """The face's oval where its own head is: not what is beside it, nor a hand before it, nor what a post hides."""
    seen = FaceSeen.uncovered(one.person, layer.face.box_px, (view.width_px, view.height_px), one.presence)
    beside = FaceSeen(one.person, seen.box_px, seen.left_px, seen.top_px, seen.free.copy(), seen.whole)
    seen.hide_behind(1 - layer.face.skull, layer.left_px, layer.top_px)
    beside.hide_behind(layer.face.skull, layer.left_px, layer.top_px)
    seen.whole = max(1.0, seen.whole - float(beside.free.sum()))
    seen.hide_behind(1 - clear, layer.left_px, layer.top_px)
    return seen


def _blur_px(one: Present, layer: Layer, view: TiltedView, shutter: Shutter) -> tuple[float, float]:
    """Deviations across and down: the lens, and the way moved while the shutter is open (a box d wide has d/√12)."""
    scale = view.width_px / 640
    lens = shutter.defocus * DEFOCUS_PX_CM * scale * abs(1 / layer.depth_cm - 1 / FOCUS_CM)
    moment = one.moment
    feet = np.array([[moment.x_cm, 130.0, moment.z_cm]], np.float32)
    later = feet + np.array([one.speed_cm_s[0], 0, one.speed_cm_s[1]], np.float32) * np.float32(shutter.open_s)
    moved = view.project(later)[0, :2] - view.project(feet)[0, :2]
    across, down = (float(np.hypot(lens, v / np.sqrt(12))) for v in moved)
    return across, down


def _blurred(layer: Layer, across_px: float, down_px: float) -> Layer:
    if max(across_px, down_px) < SHARP_PX:
        return layer
    sigmas = max(across_px, 0.05), max(down_px, 0.05)
    both = np.dstack([layer.light, layer.alpha])
    soft = cv2.GaussianBlur(both, (0, 0), sigmas[0], sigmaY=sigmas[1], borderType=cv2.BORDER_REPLICATE)
    return replace(layer, light=np.ascontiguousarray(soft[..., :3]), alpha=np.ascontiguousarray(soft[..., 3]))


def _cut_by_scenery(layer: Layer, depth: Floats) -> Floats:
    """1 where the layer is in front of all that stands, 0 where a post or a van is nearer: float32 (h, w)."""
    rows = slice(layer.top_px, layer.top_px + layer.alpha.shape[0])
    columns = slice(layer.left_px, layer.left_px + layer.alpha.shape[1])
    return (depth[rows, columns] > layer.depth_cm - BEHIND_CM).astype(np.float32)


def _paste(picture: Floats, layer: Layer, clear: Floats) -> None:
    rows = slice(layer.top_px, layer.top_px + layer.alpha.shape[0])
    columns = slice(layer.left_px, layer.left_px + layer.alpha.shape[1])
    part = picture[rows, columns]
    part *= (1 - layer.alpha * clear)[..., None]
    part += layer.light * clear[..., None]
