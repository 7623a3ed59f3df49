"""Painted eyes: lids, lashes and crease, the white, the iris and where it looks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numba import njit

from hwsim.street.rendered.head.complexion import Complexion
from hwsim.street.rendered.head.shape import Shape
from hwsim.street.rendered.head.texels import Texels, bump, ramp
from hwsim.street.rendered.mesh import Floats


@dataclass(frozen=True)
class Gaze:
    """open: 0 shut to 1, a face at rest. right_cm, up_cm: how far the irises are from the middle, in the picture."""

    open: float = 1.0
    right_cm: float = 0.0
    up_cm: float = 0.0


class _Plan(NamedTuple):
    eye_x: float
    left_y: float
    right_y: float
    half_width: float
    height: float
    peak: float
    tilt: float
    crease_cm: float
    crease: float
    epicanthus: float
    lower: float
    lash: float
    iris_radius: float
    iris_red: float
    iris_green: float
    iris_blue: float
    opened: float
    gaze_x: float
    gaze_y: float
    white: float


def paint_eyes(texture: Floats, texels: Texels, shape: Shape, complexion: Complexion, gaze: Gaze) -> None:
    """Paint both eyes over `texture`, float32 (h, w, 4), in place."""
    s, c = shape, complexion
    plan = _Plan(
        s.eye_x_cm, s.eye_left_y_cm, s.eye_right_y_cm, c.eye_width_cm * s.eye_size, c.lid_open_cm * s.eye_size,
        c.lid_peak, c.lid_tilt, c.lid_crease_cm, c.lid_crease, c.epicanthus, c.lower_lid, c.lash, c.iris_radius_cm,
        float(c.iris[0]), float(c.iris[1]), float(c.iris[2]), gaze.open, gaze.right_cm, gaze.up_cm, c.eye_white,
    )  # fmt: skip
    _paint(texels.places, plan, texture)


@njit(cache=True, nogil=True)
def _paint(places: Floats, p: _Plan, texture: Floats) -> None:
    rows, columns = texture.shape[0], texture.shape[1]
    for i in range(rows):
        for j in range(columns):
            if places[i, j, 2] < 3.0 or abs(places[i, j, 1] - p.left_y) > 2.5:
                continue
            x = float(places[i, j, 0])
            side = 1.0 if x > 0 else -1.0
            dx = side * x - p.eye_x
            t = dx / p.half_width
            if t < -1.25 or t > 1.25:
                continue
            rise = float(places[i, j, 1]) - (p.left_y if x < 0 else p.right_y) - p.tilt * dx
            shifted = t - p.peak * max(1 - t * t, 0.0)
            arc = max(1 - shifted * shifted, 0.0)
            covered = p.epicanthus * (1 - ramp(-0.95, -0.1, t))
            top = p.height * p.opened * arc**0.7 * (1 - 0.45 * covered)
            bottom = -p.height * p.lower * min(1.0, 0.35 + 0.65 * p.opened) * arc**0.8
            r, g, b = float(texture[i, j, 0]), float(texture[i, j, 1]), float(texture[i, j, 2])
            shine = float(texture[i, j, 3])
            if t * t < 1 and bottom < rise < top:
                shade = 0.42 + 0.58 * ramp(0.0, 0.28, top - rise)
                shine = 1.2
                r, g, b = 0.62 * p.white * shade, 0.57 * p.white * shade, 0.54 * p.white * shade
                if t < -0.82:
                    r, g, b = 0.45 * shade, 0.22 * shade, 0.20 * shade
                across, up = side * dx - p.gaze_x, rise - 0.02 - p.gaze_y
                away = np.sqrt(across * across + up * up) / p.iris_radius
                if away < 1.0:
                    ring = 0.7 + 0.55 * ramp(0.4, 0.85, away) * (1 - ramp(0.80, 1.0, away))
                    cover = 1 - ramp(0.87, 1.0, away)
                    r += (p.iris_red * ring * shade - r) * cover
                    g += (p.iris_green * ring * shade - g) * cover
                    b += (p.iris_blue * ring * shade - b) * cover
                    pupil = 0.95 * (1 - ramp(0.36, 0.46, away))
                    r, g, b = r * (1 - pupil), g * (1 - pupil), b * (1 - pupil)
                    glint = 0.8 * bump(across + 0.17, 0.09) * bump(up - 0.17, 0.09)
                    r, g, b = r + glint * (0.9 - r), g + glint * (0.9 - g), b + glint * (0.9 - b)
            if t * t < 1.1:
                reach = np.sqrt(np.sqrt(arc))
                lash = p.lash * bump(rise - top - 0.05, 0.06 + 0.05 * p.lash) * reach * (1.0 if t > -0.95 else 0.4)
                lash += 0.45 * p.lash * bump(rise - bottom + 0.04, 0.07) * reach * reach
                lash = min(lash, 0.95)
                fold = p.crease * (1 - 0.6 * p.epicanthus) * bump(rise - top - p.crease_cm, 0.09) * reach * reach
                keep = (1 - lash) * (1 - min(fold, 0.8))
                r, g, b = r * keep, g * keep, b * keep
            texture[i, j, 0], texture[i, j, 1], texture[i, j, 2], texture[i, j, 3] = r, g, b, shine
