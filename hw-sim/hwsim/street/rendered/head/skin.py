"""Painted skin: tone and mottle, blush, lips, nostrils, folds, wrinkles and marks; all but eyes and hair."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from hwsim.street.rendered.head.complexion import Complexion
from hwsim.street.rendered.head.shape import Shape
from hwsim.street.rendered.head.texels import Texels, bump, ramp
from hwsim.street.rendered.mesh import Floats


class _Plan(NamedTuple):
    """What the painter's kernel reads, as plain floats: cm and shares."""

    red: float
    green: float
    blue: float
    mottle: float
    rosy: float
    shine: float
    freckles: float
    eye_x: float
    eye_left_y: float
    eye_right_y: float
    eye_width: float
    bags: float
    eye_shadow: float
    hood: float
    nose_x: float
    nose_y: float
    wing_x: float
    wing_y: float
    bridge: float
    bend: float
    nostril: float
    mouth_x: float
    mouth_y: float
    mouth_tilt: float
    upper_lip: float
    lower_lip: float
    bow: float
    lip_red: float
    lip_edge: float
    philtrum: float
    chin_y: float
    cleft: float
    cheek_x: float
    cheek_y: float
    hollow: float
    jowl: float
    smile_line: float
    furrow: float
    wrinkles: float


def paint_skin(texels: Texels, shape: Shape, complexion: Complexion) -> Floats:
    """The bare face: float32 (h, w, 4), linear RGB and highlight mask."""
    s, c = shape, complexion
    plan = _Plan(
        float(c.skin[0]), float(c.skin[1]), float(c.skin[2]), c.mottle, c.rosy, c.shine, c.freckles,
        s.eye_x_cm, s.eye_left_y_cm, s.eye_right_y_cm, c.eye_width_cm * s.eye_size, c.bags, c.eye_shadow, s.hood,
        s.nose_tip_x_cm, s.nose_y_cm, s.wing_x_cm, s.wing_y_cm, s.nose_bridge_cm, s.nose_bend_cm, c.nostril,
        s.mouth_width_cm, s.mouth_y_cm, s.mouth_tilt, s.upper_lip_cm, s.lower_lip_cm, c.bow_cm, c.lip_red, c.lip_edge,
        s.philtrum, s.chin_y_cm, s.cleft, s.cheek_x_cm, s.cheek_y_cm, s.hollow, s.jowl,
        c.smile_line, c.brow_furrow, c.wrinkles,
    )  # fmt: skip
    texture = np.empty((*texels.broad.shape, 4), np.float32)
    _paint(texels.places, texels.broad, texels.middle, texels.fine, plan, c.marks, c.scars, texture)
    return texture


@njit(cache=True, nogil=True)
def _paint(
    places: Floats, broad: Floats, middle: Floats, fine: Floats, p: _Plan,
    marks: NDArray[np.float32], scars: NDArray[np.float32], texture: Floats,
) -> None:  # fmt: skip
    rows, columns = broad.shape
    for i in range(rows):
        for j in range(columns):
            x, y, z = float(places[i, j, 0]), float(places[i, j, 1]), float(places[i, j, 2])
            slow, mid, quick = float(broad[i, j]), float(middle[i, j]), float(fine[i, j])
            ax = abs(x)
            tone = 1 + p.mottle * (0.055 * slow + 0.020 * mid + 0.016 * quick)
            r = p.red * tone
            g = p.green * tone * (1 - 0.025 * p.mottle * slow)
            b = p.blue * tone * (1 - 0.035 * p.mottle * slow)
            shine = p.shine * (0.5 + 0.12 * mid)
            if z > 0:
                blush = 0.9 * bump(ax - p.cheek_x, 1.9) * bump(y - p.cheek_y + 1.0, 1.9)
                blush = p.rosy * (blush + 0.7 * bump(x, 1.4) * bump(y - p.nose_y, 1.3))
                r, g, b = r * (1 + 0.06 * blush), g * (1 - 0.14 * blush), b * (1 - 0.13 * blush)
            if p.freckles > 0 and mid > 0.6:
                spot = min(p.freckles, 1.5) * ramp(0.6, 1.2, mid) * bump(y + 2.0, 3.2)
                r, g, b = r * (1 - 0.28 * spot), g * (1 - 0.38 * spot), b * (1 - 0.42 * spot)
            if z > 3.0:
                shine += p.shine * 0.35 * bump(x, 3.0) * bump(y - 4.5, 2.0)
                shine += p.shine * 0.4 * bump(x - p.bend, 0.8) * bump(y - 0.6 * p.nose_y, 2.5)
                dark = _folds(x, y, ax, slow, p)
                r, g, b = r * (1 - 0.62 * dark), g * (1 - 0.72 * dark), b * (1 - 0.70 * dark)
                r, g, b, shine = _lips(x, y, ax, slow, r, g, b, shine, p)
            for k in range(marks.shape[0]):
                away = np.sqrt((x - marks[k, 0]) ** 2 + (y - marks[k, 1]) ** 2)
                if z > 0 and away < 1.3 * marks[k, 2]:
                    spot = (1 - ramp(0.6 * marks[k, 2], 1.2 * marks[k, 2], away)) * marks[k, 3]
                    r, g, b = r * (1 - 0.75 * spot), g * (1 - 0.9 * spot), b * (1 - 0.9 * spot)
            for k in range(scars.shape[0]):
                if z > 0:
                    dx, dy = scars[k, 2] - scars[k, 0], scars[k, 3] - scars[k, 1]
                    t = ((x - scars[k, 0]) * dx + (y - scars[k, 1]) * dy) / (dx * dx + dy * dy + 1e-6)
                    t = min(max(t, 0.0), 1.0)
                    line = bump(np.sqrt((x - scars[k, 0] - t * dx) ** 2 + (y - scars[k, 1] - t * dy) ** 2), 0.12)
                    line *= scars[k, 4]
                    r, g, b, shine = r * (1 + 0.35 * line), g * (1 + 0.25 * line), b * (1 + 0.3 * line), shine + line
            texture[i, j, 0], texture[i, j, 1] = max(r, 0.002), max(g, 0.002)
            texture[i, j, 2], texture[i, j, 3] = max(b, 0.002), max(shine, 0.0)


@njit(cache=True)
def _folds(x: float, y: float, ax: float, slow: float, p: _Plan) -> float:
    """How much a fold, hollow or hole darkens the skin, 0 to 0.95."""
    eye_y = p.eye_left_y if x < 0 else p.eye_right_y
    dx, dy = ax - p.eye_x, y - eye_y
    dark = (0.12 + 0.30 * p.eye_shadow) * bump(dx, 1.9) * bump(dy - 0.75, 0.6)
    dark += 0.12 * p.hood * bump(dx - 0.3, 1.5) * bump(dy - 0.62, 0.18)
    dark += p.bags * (
        0.30 * bump(dx, 1.3) * bump(dy + 0.95 + 0.12 * dx, 0.24) + 0.16 * bump(dx, 1.4) * bump(dy + 0.6, 0.6)
    )
    dark += 0.24 * bump(ax - 0.5 * p.eye_x, 0.45) * bump(dy, 0.8)
    # Sides of the nose and the crease round its wings.
    along = ramp(p.nose_y - 0.2, p.nose_y + 1.0, y) * (1 - ramp(-0.8, 0.8, y))
    centre = p.bend * bump(y - 0.5 * p.nose_y, 1.6) + p.nose_x * bump(y - p.nose_y, 1.2)
    dark += 0.12 * along * bump(abs(x - centre) - p.bridge - 0.55, 0.35)
    nose = abs(x - p.nose_x)
    dark += 0.42 * bump(nose - 1.42 * p.wing_x, 0.16) * bump(y - p.nose_y - p.wing_y + 0.05, 0.5)
    hole = bump(nose - 0.52 * p.wing_x, 0.16 + 0.10 * p.wing_x) * bump(y - p.nose_y + 0.62, 0.12 + 0.10 * p.nostril)
    dark += min(1.3 * hole, 1.0) * (0.55 + 0.35 * p.nostril)
    dark += 0.15 * bump(x - p.nose_x, 0.9) * bump(y - p.nose_y + 0.85, 0.25)
    # Philtrum, the hollow under the lower lip, a cleft chin.
    between = ramp(p.mouth_y + 1.2 * p.upper_lip, p.mouth_y + 1.2 * p.upper_lip + 0.4, y) * (
        1 - ramp(p.nose_y - 1.1, p.nose_y - 0.7, y)
    )
    dark += 0.16 * p.philtrum * between * bump(x, 0.20)
    dark += 0.22 * bump(x, 1.5) * bump(y - p.mouth_y + 1.75 * p.lower_lip + 0.35, 0.25)
    dark += 0.30 * min(p.cleft, 1.5) * bump(x, 0.13) * bump(y - p.chin_y, 0.6)
    # From the nose's wing to the mouth's corner, and on to the jowl.
    fold_x = p.wing_x + 0.45 + 0.40 * (p.nose_y - y) + 0.25 * max(p.mouth_x - 2.4, 0.0)
    span = ramp(p.mouth_y - 1.2, p.mouth_y + 0.3, y) * (1 - ramp(p.nose_y - 0.2, p.nose_y + 0.5, y))
    dark += 0.38 * p.smile_line * bump(ax - fold_x, 0.17) * span
    dark += 0.25 * p.jowl * bump(ax - p.mouth_x - 0.35 - 0.25 * (p.mouth_y - y), 0.2) * bump(y - p.mouth_y + 1.3, 0.9)
    dark += 0.12 * p.hollow * bump(ax - 4.9, 1.1) * bump(y + 4.8, 1.8)
    # Between the brows, across the forehead, beside the eyes.
    dark += 0.35 * p.furrow * bump(ax - 0.42, 0.10) * bump(y - eye_y - 1.7, 0.7)
    if p.wrinkles > 0.1:
        wave = np.sin((y + 0.12 * slow) * 4.2 + np.sin(0.5 * x + slow) * 0.8)
        lines = ramp(0.7, 1.0, wave) * ramp(2.6, 3.4, y) * (1 - ramp(5.8, 7.5, y)) * (1 - ramp(3.2, 4.8, ax))
        feet = ramp(0.5, 1.0, np.sin(5.0 * dy + 0.6 * ax)) * bump(dx - p.eye_width - 0.9, 0.6) * bump(dy, 0.9)
        dark += p.wrinkles * (0.30 * lines + 0.38 * feet)
    return min(dark, 0.95)


@njit(cache=True)
def _lips(
    x: float, y: float, ax: float, slow: float, r: float, g: float, b: float, shine: float, p: _Plan
) -> tuple[float, float, float, float]:
    t = ax / p.mouth_x
    rise = y - p.mouth_y - p.mouth_tilt * x
    if t >= 1.2 or abs(rise) > 2.5:
        return r, g, b, shine
    round_ = max(1 - t * t, 0.0)
    top = 1.35 * p.upper_lip * round_**0.75 + p.bow * (0.6 * bump(ax - 0.65, 0.4) - bump(x, 0.35))
    bottom = -1.45 * p.lower_lip * round_**0.6
    inside = ramp(-0.10, 0.06, top - rise) * ramp(-0.12, 0.08, rise - bottom)
    if round_ > 0:
        edge = (
            0.3
            * p.lip_edge
            * (bump(top - rise + 0.08, 0.12) * round_ + 0.5 * bump(rise - bottom + 0.08, 0.12) * round_)
        )
        r, g, b = r * (1 - 0.5 * edge), g * (1 - 0.7 * edge), b * (1 - 0.6 * edge)
        cover = 0.85 * inside
        grain = 1 + 0.06 * np.sin(14 * x + 2 * slow)
        upper = 0.90 if rise > 0 else 1.0
        r += (upper * grain * (0.80 * p.red + 0.018) - r) * cover
        g += (upper * grain * p.green * (0.66 - 0.16 * p.lip_red) - g) * cover
        b += (upper * grain * p.blue * (0.70 - 0.13 * p.lip_red) - b) * cover
        shine += 0.5 * cover
    line = 0.78 * bump(rise, 0.075) * ramp(0.0, 0.25, 1.08 - t)
    line = max(line, 0.5 * bump(t - 1.03, 0.08) * bump(rise, 0.2))
    return r * (1 - line), g * (1 - line), b * (1 - line), shine
