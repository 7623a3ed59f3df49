"""A person in the street: head on body, at one moment, drawn on a layer of its own with the truth about the face."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from hwsim.street.body import Build
from hwsim.street.rendered.body import Body, build_body
from hwsim.street.rendered.clothes import choose_outfit
from hwsim.street.rendered.gait import Manner
from hwsim.street.rendered.head.head import Head, build_head
from hwsim.street.rendered.head.identity import Identity
from hwsim.street.rendered.head.look import Look
from hwsim.street.rendered.illumination import Illumination
from hwsim.street.rendered.mesh import Floats, turn
from hwsim.street.rendered.raster import Canvas, draw
from hwsim.street.rendered.tilted_view import Shown, TiltedView

BODY, HEAD = 1, 2
"""Owners of a layer's pixels."""

FINE, FINE_AREA_PX = 2, 90_000
"""Figures are drawn so many times as large, unless they fill more of the picture than that."""

MARGIN_PX = 8
NEAREST_CM = 45.0

MALE_STATURE_M, FEMALE_STATURE_M = (1.77, 0.07), (1.64, 0.065)
STATURES_M = (1.45, 2.02)


@dataclass(frozen=True)
class Moment:
    """Where somebody is and how they hold themselves. heading_rad: 0 walks towards the camera, to the picture's right
    as it grows; head_yaw_rad, head_pitch_rad (down): against the body. stride: share of two steps."""

    x_cm: float
    z_cm: float
    heading_rad: float
    stride: float
    head_yaw_rad: float = 0.0
    head_pitch_rad: float = 0.0


@dataclass(frozen=True, eq=False)
class Figure:
    """Somebody dressed for one day."""

    identity: Identity
    look: Look
    body: Body

    def head(self) -> Head:
        return build_head(self.identity, self.look)


@dataclass(frozen=True, eq=False)
class FaceTruth:
    """box_px: left, top, width, height. landmarks_px: float32 (5, 2). facing: 1 looks into the camera, 0 in profile,
    below 0 away. skull: float32, the layer's shape, where the head is what is seen."""

    box_px: tuple[float, float, float, float]
    landmarks_px: Floats
    facing: float
    depth_cm: float
    skull: Floats


@dataclass(frozen=True, eq=False)
class Layer:
    """A figure cut out. light: float32 (h, w, 3), linear RGB times alpha; alpha: float32 (h, w); at left and top."""

    left_px: int
    top_px: int
    light: Floats
    alpha: Floats
    depth_cm: float
    face: FaceTruth


def sample_build(identity: Identity, rng: np.random.Generator) -> Build:
    """A stature and breadth that go with the person's sex and age."""
    mean, spread = MALE_STATURE_M if identity.sex == "male" else FEMALE_STATURE_M
    stature = mean + spread * float(rng.normal()) - 0.0006 * max(0, identity.age_years - 40)
    breadth = float(np.clip(1.02 + 0.09 * rng.normal() + 0.0015 * (identity.age_years - 40), 0.86, 1.32))
    return Build(float(np.clip(stature, *STATURES_M)), breadth)


def dress(
    identity: Identity, look: Look, rng: np.random.Generator, warmth: float, build: Build | None = None
) -> Figure:
    """A figure in clothes drawn by lot. warmth: 0 a winter's day, 1 a summer's."""
    masculine = identity.sex == "male"
    skin = np.asarray(identity.complexion.skin, np.float32)
    outfit = choose_outfit(rng, masculine, skin, warmth)
    manner = Manner.sample(rng)
    return Figure(identity, look, build_body(build or sample_build(identity, rng), masculine, outfit, manner))


def draw_figure(figure: Figure, moment: Moment, view: TiltedView, light: Illumination) -> Layer | None:
    """None where nothing of it is in the picture, or it stands too near the camera."""
    posed = figure.body.at(moment.stride)
    place = np.array([moment.x_cm, 0.0, moment.z_cm], np.float32)
    about = turn(moment.heading_rad, 0.0, 0.0)
    # The head keeps to where its owner walks, whatever the chest does under it.
    looking = turn(moment.head_yaw_rad, 0.0, 0.0) @ turn(0.0, moment.head_pitch_rad, 0.0)
    gaze = np.asarray(about @ looking, np.float32)
    at = np.asarray(about @ posed.head_cm + place, np.float32)
    depth = float(view.to_camera(at[None])[0, 2])
    if depth < NEAREST_CM:
        return None
    head = figure.head()
    body_shown = view.show(posed.vertices, posed.normals, about, place)
    heads_shown = [view.show(part.vertices, part.normals, gaze, at) for part in head.parts]
    frame = _frame(view, [body_shown, *heads_shown])
    if frame is None:
        return None
    left, top, width, height = frame
    fine = FINE if width * height < FINE_AREA_PX else 1
    canvas = Canvas.blank(height * fine, width * fine)
    lighting = light.on_person(moment.x_cm, moment.z_cm, view)
    for shown in (body_shown, *heads_shown):
        shown.enlarge(fine, left, top)
    for part, span in zip(figure.body.parts, figure.body.spans, strict=True):
        draw(canvas, part, body_shown.screen[span], body_shown.normals[span], lighting, BODY)
    for part, shown in zip(head.parts, heads_shown, strict=True):
        draw(canvas, part, shown.screen, shown.normals, lighting, HEAD)
    face = _face(head, gaze, at, view, depth, _shrink((canvas.owner == HEAD).astype(np.float32), fine))
    alpha = _shrink((canvas.owner > 0).astype(np.float32), fine)
    return Layer(left, top, _shrink(canvas.light, fine), alpha, depth, face)


def _shrink(fine: Floats, times: int) -> Floats:
    if times == 1:
        return fine
    size = (fine.shape[1] // times, fine.shape[0] // times)
    return np.asarray(cv2.resize(fine, size, interpolation=cv2.INTER_AREA), np.float32)


def _frame(view: TiltedView, shown: list[Shown]) -> tuple[int, int, int, int] | None:
    """Left, top, width and height of the part of the picture that somebody takes up, with a margin."""
    bounds = np.array([one.bounds_px for one in shown])
    low = np.maximum(np.floor(bounds[:, :2].min(axis=0)) - MARGIN_PX, 0)
    high = np.minimum(np.ceil(bounds[:, 2:].max(axis=0)) + MARGIN_PX, (view.width_px, view.height_px))
    if not (high - low).min() >= 1:
        return None
    left, top, right, bottom = (int(v) for v in (*low, *high))
    return left, top, right - left, bottom - top


def _face(head: Head, gaze: Floats, at: Floats, view: TiltedView, depth_cm: float, skull: Floats) -> FaceTruth:
    left, top, right, bottom = view.bounds(head.face_cm, gaze, at)
    landmarks = head.landmarks_cm @ gaze.T + at
    toward = view.eye_cm - landmarks.mean(axis=0)
    facing = float(gaze[:, 2] @ toward / np.linalg.norm(toward))
    points = np.ascontiguousarray(view.project(landmarks)[:, :2])
    return FaceTruth((left, top, right - left, bottom - top), points, facing, depth_cm, skull)
