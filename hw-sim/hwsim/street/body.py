"""Draw a walking body below a head: shoulders, clothes, arms, legs and shoes, in the phases of a stride."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from hwsim.street.clothes import Colour, Cut, Outfit

PIXELS_PER_M = 260.0
PHASES = 8
"""Drawings a stride (two steps)."""

CHIN_SHARE = 0.872
SHOULDER_SHARE = 0.832
HIP_SHARE = 0.50
"""Heights of chin, shoulder and hip over stature (Drillis and Contini's body segments)."""

HALF_WIDTH_M = 0.5
ABOVE_CHIN_M = 0.16
BELOW_FEET_M = 0.10

_SHIFT = 4


@lru_cache(maxsize=1)
def _folds() -> NDArray[np.float32]:
    """Cloth's unevenness, -1..1, float32 (640, 512)."""
    noise = np.random.default_rng(7).standard_normal((640, 512)).astype(np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), 5, sigmaY=11)
    return np.asarray(smooth / np.abs(smooth).max(), np.float32)


class _Canvas:
    """A body's drawing, in metres: x to the right of the middle, y down from the chin."""

    def __init__(self, height_m: float) -> None:
        shape = (round((ABOVE_CHIN_M + height_m + BELOW_FEET_M) * PIXELS_PER_M), round(2 * HALF_WIDTH_M * PIXELS_PER_M))
        self.bgra = np.zeros((*shape, 4), np.float32)

    def paint(
        self, points: Sequence[tuple[float, float]], colour: Colour, light: float = 1.0, round_m: float = 0.05
    ) -> None:
        """A smooth closed shape through points, darker towards its rim as if it were round, with folds."""
        origin = np.array([HALF_WIDTH_M, ABOVE_CHIN_M], np.float32)
        pixels = (_smooth(np.asarray(points, np.float32)) + origin) * PIXELS_PER_M
        (left, top), (right, bottom) = np.floor(pixels.min(axis=0)) - 3, np.ceil(pixels.max(axis=0)) + 3
        left, top = max(0, int(left)), max(0, int(top))
        right, bottom = min(self.bgra.shape[1], int(right)), min(self.bgra.shape[0], int(bottom))
        if right <= left or bottom <= top:
            return
        mask = np.zeros((bottom - top, right - left), np.uint8)
        fixed = np.rint((pixels - (left, top)) * (1 << _SHIFT)).astype(np.int32)
        cv2.fillPoly(mask, [fixed], 255, cv2.LINE_AA, _SHIFT)
        alpha = mask.astype(np.float32) / 255
        size = max(3, int(round_m * PIXELS_PER_M) | 1)
        depth = cv2.blur(alpha, (size, size), borderType=cv2.BORDER_CONSTANT)
        shade = (
            light
            * (0.45 + 0.55 * depth)
            * (1 + 0.16 * _folds()[top % 97 :, left % 89 :][: bottom - top, : right - left])
        )
        part = self.bgra[top:bottom, left:right]
        part *= 1 - alpha[:, :, None]
        part[:, :, :3] += (shade * alpha)[:, :, None] * np.asarray(colour, np.float32)
        part[:, :, 3] += 255 * alpha

    def picture(self) -> NDArray[np.uint8]:
        return np.clip(np.rint(self.bgra), 0, 255).astype(np.uint8)


def _smooth(points: NDArray[np.float32]) -> NDArray[np.float32]:
    """Corner cutting, twice (Chaikin 1974)."""
    for _ in range(2):
        following = np.roll(points, -1, axis=0)
        points = np.stack([0.78 * points + 0.22 * following, 0.22 * points + 0.78 * following], axis=1).reshape(-1, 2)
    return points


@dataclass(frozen=True)
class Build:
    """A body's measures: stature in metres, and breadth against the mean."""

    stature_m: float
    breadth: float

    @property
    def chin_m(self) -> float:
        """The chin's height above the ground."""
        return CHIN_SHARE * self.stature_m


ANCHOR_PX = (HALF_WIDTH_M * PIXELS_PER_M, ABOVE_CHIN_M * PIXELS_PER_M)
"""Where the chin lies in a drawing."""


def draw_body(build: Build, outfit: Outfit, phase: int) -> NDArray[np.uint8]:
    """A body without its head in one of PHASES phases: uint8 BGRA, premultiplied, chin at ANCHOR_PX."""
    canvas = _Canvas(build.chin_m)
    turn = 2 * np.pi * phase / PHASES
    legs = sorted(((-1, turn), (1, turn + np.pi)), key=lambda leg: np.cos(leg[1]))
    for side, angle in legs:
        _leg(canvas, build, outfit, side, angle)
    for side, angle in ((-1, turn + np.pi), (1, turn)):
        _arm(canvas, build, outfit, side, angle)
    _torso(canvas, build, outfit)
    return canvas.picture()


def _leg(canvas: _Canvas, build: Build, outfit: Outfit, side: int, angle: float) -> None:
    """angle: 0 is the foot furthest forward, a half turn furthest back; from there on it swings, lifted."""
    s, b = build.stature_m, build.breadth
    forward, lift = float(np.cos(angle)), max(0.0, float(-np.sin(angle)))
    hip_y, ground_y = build.chin_m - HIP_SHARE * s, build.chin_m
    ankle_y = ground_y - 0.07 + 0.035 * forward - 0.10 * lift
    knee_y = (hip_y + ground_y) / 2 - 0.01 - 0.035 * lift
    hip_x, knee_x, ankle_x = side * 0.085 * b, side * (0.085 + 0.012 * lift) * b, side * 0.075
    light = 0.80 + 0.20 * forward - 0.10 * lift
    sole_y = ankle_y + 0.075 + 0.02 * forward
    shoe = [(-0.045, -0.05), (0.045, -0.05), (0.055, 0.05), (0.03, 0.07), (-0.03, 0.07), (-0.055, 0.05)]
    canvas.paint([(ankle_x + x, sole_y - 0.05 + y) for x, y in shoe], outfit.shoes, light, 0.04)
    thigh, knee, hem = 0.098 * b, 0.068 * b, outfit.hem_m
    right = [
        (hip_x + thigh, hip_y - 0.1),
        (knee_x + knee, knee_y),
        (ankle_x + hem, ankle_y),
        (ankle_x + hem, ankle_y + 0.03),
    ]
    left = [
        (ankle_x - hem, ankle_y + 0.03),
        (ankle_x - hem, ankle_y),
        (knee_x - knee, knee_y),
        (hip_x - thigh, hip_y - 0.1),
    ]
    canvas.paint(right + left, outfit.legs, light, 0.07)


def _arm(canvas: _Canvas, build: Build, outfit: Outfit, side: int, angle: float) -> None:
    s, b = build.stature_m, build.breadth
    swing = float(np.cos(angle))
    top_y = build.chin_m - SHOULDER_SHARE * s
    elbow_y, wrist_y = top_y + 0.175 * s, top_y + (0.315 - 0.022 * swing) * s
    shoulder_x, elbow_x, wrist_x = side * 0.195 * b, side * (0.245 * b + 0.008), side * (0.235 * b - 0.03 * swing)
    light = 0.86 + 0.10 * swing
    hand = [(-0.035, 0), (0.035, 0), (0.042, 0.07), (0.015, 0.12), (-0.02, 0.11), (-0.042, 0.06)]
    canvas.paint([(wrist_x + x, wrist_y - 0.01 + y) for x, y in hand], outfit.skin, light, 0.05)
    upper, lower, cuff = 0.066 * b, 0.056 * b, 0.045 * b
    outer = [
        (shoulder_x + side * upper * 0.8, top_y + 0.02),
        (elbow_x + side * lower, elbow_y),
        (wrist_x + side * cuff, wrist_y),
    ]
    inner = [
        (wrist_x - side * cuff, wrist_y),
        (elbow_x - side * lower, elbow_y),
        (shoulder_x - side * upper, top_y + 0.10),
    ]
    canvas.paint(outer + inner, outfit.top, light, 0.07)


def _torso(canvas: _Canvas, build: Build, outfit: Outfit) -> None:
    s, b = build.stature_m, build.breadth
    top_y = build.chin_m - SHOULDER_SHARE * s
    end_y = build.chin_m - outfit.cut.ends_at * s
    neck = [
        (-0.058, -0.15),
        (0.058, -0.15),
        (0.062, 0.02),
        (0.10, top_y + 0.03),
        (0, top_y + 0.12),
        (-0.10, top_y + 0.03),
        (-0.062, 0.02),
    ]
    canvas.paint(neck, outfit.skin, 0.80, 0.05)
    waist, end = 0.168 * b, outfit.cut.flare * b
    open_x, open_y = outfit.cut.neck_m
    half = [
        (open_x, top_y - 0.045),
        (0.13, top_y - 0.02),
        (0.20 * b, top_y + 0.005),
        (0.235 * b, top_y + 0.05),
        (0.215 * b, top_y + 0.16),
        (waist, top_y + 0.19 * s),
        (end, end_y - 0.03),
        (end, end_y),
    ]
    back = [(-x, y) for x, y in reversed(half)]
    canvas.paint(
        [
            *half,
            *back,
            (-open_x * 0.7, top_y + open_y * 0.5),
            (0, top_y + open_y),
            (open_x * 0.7, top_y + open_y * 0.5),
        ],
        outfit.top,
        1.0,
        0.16,
    )
    if outfit.cut is not Cut.PULLOVER:
        _front(canvas, outfit, top_y, end_y)
    if outfit.scarf is not None:
        canvas.paint(
            [
                (-0.095, -0.035),
                (0, 0.02),
                (0.095, -0.035),
                (0.12, top_y + 0.02),
                (0, top_y + 0.09),
                (-0.12, top_y + 0.02),
            ],
            outfit.scarf,
            1.0,
            0.06,
        )
        canvas.paint(
            [(0.02, top_y + 0.04), (0.075, top_y + 0.03), (0.08, top_y + 0.30), (0.025, top_y + 0.31)],
            outfit.scarf,
            0.92,
            0.05,
        )
    if outfit.strap is not None:
        canvas.paint(
            [(-0.17 * b, top_y - 0.01), (-0.13 * b, top_y - 0.02), (0.19 * b, end_y - 0.12), (0.17 * b, end_y - 0.06)],
            outfit.strap,
            0.9,
            0.03,
        )


def _front(canvas: _Canvas, outfit: Outfit, top_y: float, end_y: float) -> None:
    """What an open coat or jacket shows: a shirt, lapels or a zip."""
    depth = outfit.cut.opening_m
    dark = (0.72 * outfit.top[0], 0.72 * outfit.top[1], 0.72 * outfit.top[2])
    canvas.paint(
        [
            (-0.075, top_y - 0.05),
            (0, top_y + 0.03),
            (0.075, top_y - 0.05),
            (0.055, top_y + 0.10),
            (0, top_y + depth),
            (-0.055, top_y + 0.10),
        ],
        outfit.shirt,
        1.0,
        0.05,
    )
    if outfit.tie is not None:
        canvas.paint(
            [
                (-0.02, top_y + 0.005),
                (0.02, top_y + 0.005),
                (0.028, top_y + depth - 0.05),
                (0, top_y + depth),
                (-0.028, top_y + depth - 0.05),
            ],
            outfit.tie,
            1.0,
            0.03,
        )
    for side in (-1, 1):
        canvas.paint(
            [
                (side * 0.065, top_y - 0.075),
                (side * 0.105, top_y - 0.02),
                (side * 0.12, top_y + 0.10),
                (0, top_y + depth + 0.02),
                (side * 0.045, top_y + 0.10),
            ],
            dark,
            1.05,
            0.05,
        )
    canvas.paint(
        [(-0.006, top_y + depth), (0.006, top_y + depth), (0.008, end_y - 0.01), (-0.004, end_y - 0.01)],
        dark,
        0.7,
        0.01,
    )
