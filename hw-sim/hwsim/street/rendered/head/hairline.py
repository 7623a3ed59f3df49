"""Where hair grows: the scalp's edge round a head, the brows and the beard, painted strand by strand."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from hwsim.street.rendered.head.complexion import Complexion
from hwsim.street.rendered.head.hairstyle import BeardStyle, HairStyle
from hwsim.street.rendered.head.shape import Shape
from hwsim.street.rendered.head.texels import Texels, bump, ramp, spread_to_texels
from hwsim.street.rendered.mesh import Floats

Values = NDArray[np.float64]

_BEARINGS_RAD = (0.0, 0.28, 0.58, 0.85, 1.12, 1.32, 1.52, 1.75, 2.2, np.pi)
_CROWN_Y_CM = 5.0
_SCALP_COVER = {"bald": 0.22, "cropped": 0.8}


def scalp_depth(places: NDArray[np.floating], style: HairStyle) -> Values:
    """How far inside the hairline a place on the head is, cm, negative on the bare face: (..., 3) to (...)."""
    x, y, z = (np.asarray(places[..., axis], np.float64) for axis in range(3))
    front = style.front_y_cm
    back = 0.15 * style.temples_cm
    edge_y = (
        front - style.peak_cm + back, front + 0.35 * style.temples_cm, front + 0.75 * style.temples_cm,
        front - 0.2 + 0.4 * style.temples_cm, front - 2.4, 1.0, style.sideburn_y_cm, -1.0, -6.0, -7.5,
    )  # fmt: skip
    return y - np.interp(np.abs(np.arctan2(x, z)), _BEARINGS_RAD, edge_y)


def smoothstep(low: float | Values, high: float | Values, values: NDArray[np.floating] | float) -> Values:
    """0 below `low`, 1 above `high`, smooth between."""
    t = np.clip((np.asarray(values, np.float64) - low) / (high - low), 0.0, 1.0)
    return np.asarray(t * t * (3 - 2 * t), np.float64)


def beard_cover(places: NDArray[np.floating], shape: Shape, beard: BeardStyle, cut: str | None = None) -> Values:
    """How much of a place a beard covers, 0 to 1: (..., 3) to (...). `cut` replaces the beard's own."""
    s, cut = shape, cut or beard.cut
    x, y, z = (np.asarray(places[..., axis], np.float64) for axis in range(3))
    if cut == "none":
        return np.zeros_like(x)
    ax = np.abs(x)
    lip_top, lip_bottom = s.mouth_y_cm + 1.35 * s.upper_lip_cm, s.mouth_y_cm - 1.45 * s.lower_lip_cm
    below = 1 - smoothstep(lip_bottom - 0.7, lip_bottom - 0.15, y)
    line_y = np.interp(ax, (s.mouth_width_cm + 0.4, 6.6), (s.mouth_y_cm + 0.5, beard.cheek_line_y_cm + 1.6))
    side = smoothstep(s.mouth_width_cm + 0.1, s.mouth_width_cm + 0.9, ax) * (
        1 - smoothstep(line_y - 0.6, line_y + 0.5, y)
    )
    middle_y, half = 0.5 * (lip_top + s.nose_y_cm - 0.9), 0.35 + 0.5 * max(s.nose_y_cm - 0.9 - lip_top, 0.0)
    lip = (1 - smoothstep(0.6, 1.1, np.abs(y - middle_y + 0.10 * ax) / half)) * (
        1 - smoothstep(s.mouth_width_cm * 1.0, s.mouth_width_cm * 1.35, ax)
    )
    chin = below * (1 - smoothstep(s.mouth_width_cm * 0.9, s.mouth_width_cm * 1.4, ax))
    strap = (1 - smoothstep(s.chin_y_cm + 0.6, s.chin_y_cm + 1.4, y)) + side * smoothstep(0.0, 2.5, ax - 4.3)
    corner = 1.3 * np.exp(-(((ax - s.mouth_width_cm - 0.4) / 0.6) ** 2) - ((y - s.mouth_y_cm) / 0.9) ** 2)
    around = np.maximum(np.maximum(below, lip), corner)
    trimmed = side * smoothstep(-1.5, 0.5, line_y - y - 0.8)
    region = {
        "full": np.maximum(around, side),
        "boxed": np.maximum(around, trimmed),
        "goatee": np.maximum(np.maximum(lip, chin), corner),
        "moustache": lip,
        "chinstrap": np.clip(strap, 0, 1),
    }[cut]
    lips = np.hypot(
        x / (s.mouth_width_cm + 0.15), (y - 0.5 * (lip_top + lip_bottom)) / (0.55 * (lip_top - lip_bottom) + 0.1)
    )
    mouth = 1 - smoothstep(0.85, 1.15, lips)
    return np.asarray(np.clip(region, 0, 1) * (1 - mouth) * smoothstep(-1.0, 1.5, z), np.float64)


class _Brows(NamedTuple):
    gap: float
    left_y: float
    right_y: float
    weight: float
    length: float
    slope: float
    arch: float
    peak: float
    density: float
    joined: float


def paint_hair(
    texture: Floats, vertices: Values, texels: Texels, shape: Shape, complexion: Complexion, style: HairStyle,
    beard: BeardStyle, colour: Values,
) -> None:  # fmt: skip
    """Paint brows, beard and the hair's roots over `texture`, float32 (h, w, 4), in place.

    vertices: float64 (n, 3), as in `Skull`; colour: the hair's, linear RGB.
    """
    s, c = shape, complexion
    uneven = 0.5 * c.brow_uneven_cm
    brows = _Brows(
        c.brow_gap_cm, s.eye_left_y_cm + c.brow_lift_cm - uneven, s.eye_right_y_cm + c.brow_lift_cm + uneven,
        c.brow_weight_cm, c.brow_length_cm, c.brow_slope, c.brow_arch, c.brow_peak, c.brow_density, c.brow_joined,
    )  # fmt: skip
    roots = spread_to_texels(scalp_depth(vertices, style)) + 0.3 * texels.broad + 0.15 * texels.middle
    thin = 1 - style.thinning * smoothstep(_CROWN_Y_CM - 1.0, _CROWN_Y_CM + 2.5, vertices[:, 1])
    cover = spread_to_texels(_SCALP_COVER.get(style.cut, 0.95) * thin)
    stubble = complexion.stubble * beard_cover(vertices, shape, beard, "full")
    bearded = spread_to_texels(np.maximum(beard.density * beard_cover(vertices, shape, beard), stubble))
    _paint(
        texels.places, texels.fine, brows, np.asarray(0.75 * c.hair + 0.25 * c.beard * 0.8, np.float64),
        np.asarray(c.beard, np.float64), np.asarray(colour, np.float64), bearded, roots, cover,
        texture,
    )  # fmt: skip


@njit(cache=True, nogil=True)
def _paint(
    places: Floats, fine: Floats, p: _Brows, brow_colour: Values, beard_colour: Values, hair_colour: Values,
    bearded: Floats, roots: Floats, cover: Floats, texture: Floats,
) -> None:  # fmt: skip
    rows, columns = fine.shape
    for i in range(rows):
        for j in range(columns):
            x, y, strand = float(places[i, j, 0]), float(places[i, j, 1]), float(fine[i, j])
            beard = bearded[i, j] * min(max(0.78 + 0.28 * strand, 0.15), 1.0)
            hair = ramp(-0.45, 0.40, roots[i, j] + 0.28 * strand) * cover[i, j]
            brow = 0.0
            if places[i, j, 2] > 3.0:
                along = (abs(x) - p.gap) / p.length
                if -0.2 < along < 1.15:
                    curve = p.slope * (abs(x) - p.gap) - p.arch * ((along - p.peak) * p.length) ** 2
                    middle = (p.left_y if x < 0 else p.right_y) + curve
                    half = p.weight * (1 - 0.65 * max(along, 0.0) ** 1.6) * ramp(-0.2, 0.12, along)
                    brow = 1 - ramp(0.45 * half, 1.5 * half + 0.02, abs(y - middle))
                    brow *= p.density * min(max(0.82 + 0.35 * strand, 0.0), 1.0) * (1 - ramp(0.92, 1.12, along))
                if p.joined > 0 and abs(x) < p.gap + 0.3:
                    bridge = p.joined * p.density * bump(y - 0.5 * (p.left_y + p.right_y) + 0.05, 0.8 * p.weight)
                    brow = max(brow, bridge * min(max(0.6 + 0.4 * strand, 0.0), 1.0))
            for channel in range(3):
                value = float(texture[i, j, channel])
                value += (0.8 * brow_colour[channel] - value) * brow
                value += (beard_colour[channel] * (1 + 0.2 * strand) - value) * 0.88 * beard
                value += (hair_colour[channel] * (1 + 0.25 * strand) - value) * hair
                texture[i, j, channel] = max(value, 0.002)
            texture[i, j, 3] *= (1 - brow) * (1 - 0.8 * beard) * (1 - 0.6 * hair)
