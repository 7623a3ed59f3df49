"""Flat walls and grounds: a texture on a plane, cast ray by ray, so that perspective is true and far texels blur."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numba import njit

from hwsim.street.rendered.illumination import LAMP_REACH_CM, Illumination
from hwsim.street.rendered.mesh import Floats
from hwsim.street.rendered.raster import Canvas
from hwsim.street.rendered.tilted_view import TiltedView

LEVELS = 6
OPEN = -1.0
"""In a texture's fourth channel: nothing is there; else what the texel shines of itself, against full light."""


@dataclass(frozen=True, eq=False)
class Plane:
    """A rectangle. corner_cm: where the texture begins; along, down: unit directions of its columns and rows; size_cm
    that far. texture: float32 (h, w, 4), linear RGB and own light or OPEN, one texel texel_cm wide; repeated both ways.
    wet: how far it mirrors the sky at a glancing look."""

    corner_cm: tuple[float, float, float]
    along: tuple[float, float, float]
    down: tuple[float, float, float]
    size_cm: tuple[float, float]
    texture: Floats
    texel_cm: float
    wet: float = 0.0


def paint_plane(canvas: Canvas, plane: Plane, view: TiltedView, scale: float, light: Illumination) -> None:
    """Into a canvas that shows the view scale times as large; nearer things already there stay."""
    along, down = np.array(plane.along, np.float32), np.array(plane.down, np.float32)
    normal = np.cross(along, down)
    if float(normal @ (view.eye_cm - np.array(plane.corner_cm, np.float32))) < 0:
        normal = -normal
    _paint(
        canvas.light,
        canvas.depth,
        view.rays(scale),
        view.eye_cm,
        np.array(plane.corner_cm, np.float32),
        along,
        down,
        normal.astype(np.float32),
        np.array(plane.size_cm, np.float32),
        _pyramid(plane.texture),
        np.float32(plane.texel_cm),
        np.float32(view.focal_px * scale),
        np.float32(plane.wet),
        light.sun,
        light.sky,
        light.ground,
        light.lamps,
        np.array([light.shade_x_cm, light.beyond_cm, light.shade_share], np.float32),
    )


def _pyramid(texture: Floats) -> tuple[Floats, ...]:
    """The texture, each time half as large, down to a few texels."""
    levels = [np.ascontiguousarray(texture, np.float32)]
    while len(levels) < LEVELS:
        height, width = levels[-1].shape[:2]
        half = (max(1, width // 2), max(1, height // 2))
        levels.append(np.ascontiguousarray(cv2.resize(levels[-1], half, interpolation=cv2.INTER_AREA), np.float32))
    return tuple(levels)


@njit(cache=True)
def _paint(  # type: ignore[no-untyped-def]
    image, depth, rays, eye, corner, along, down, normal, size, levels, texel, focal, wet,
    sun, sky, ground, lamps, shade,
):  # fmt: skip
    offset = normal[0] * (corner[0] - eye[0]) + normal[1] * (corner[1] - eye[1]) + normal[2] * (corner[2] - eye[2])
    above = np.float32(0.5) + np.float32(0.5) * normal[1]
    facing_sun = max(np.float32(0), normal[0] * sun[0] + normal[1] * sun[1] + normal[2] * sun[2])
    reach = np.float32(LAMP_REACH_CM * LAMP_REACH_CM)
    point = np.zeros(3, np.float32)
    lit = np.zeros(3, np.float32)
    for y in range(depth.shape[0]):
        for x in range(depth.shape[1]):
            ray = rays[y, x]
            toward = normal[0] * ray[0] + normal[1] * ray[1] + normal[2] * ray[2]
            if toward > np.float32(-1e-6):
                continue
            away = offset / toward
            if away <= np.float32(5) or away >= depth[y, x]:
                continue
            u = v = np.float32(0)
            for i in range(3):
                point[i] = eye[i] + away * ray[i]
                u += (point[i] - corner[i]) * along[i]
                v += (point[i] - corner[i]) * down[i]
            if u < 0 or v < 0 or u >= size[0] or v >= size[1]:
                continue
            length = np.sqrt(ray[0] * ray[0] + ray[1] * ray[1] + ray[2] * ray[2])
            glance = -toward / length
            footprint = away * length / (focal * texel) / np.sqrt(max(glance, np.float32(0.05)))
            level = np.float32(0) if footprint <= 1 else np.log2(footprint)
            low = min(int(level), len(levels) - 2)
            mix = min(np.float32(1), level - np.float32(low))
            red, green, blue, own = _texel(levels[low], u / texel, v / texel, np.float32(1 << low))
            r2, g2, b2, own2 = _texel(levels[low + 1], u / texel, v / texel, np.float32(2 << low))
            own += (own2 - own) * mix
            if own < np.float32(-0.5):
                continue
            red += (r2 - red) * mix
            green += (g2 - green) * mix
            blue += (b2 - blue) * mix
            sunny = min(np.float32(1), max(np.float32(0), (point[0] - shade[0]) / shade[1]))
            sunny = facing_sun * (shade[2] + (np.float32(1) - shade[2]) * sunny)
            for i in range(3):
                lit[i] = ground[i] + (sky[i] - ground[i]) * above + sunny * sun[3 + i] + max(np.float32(0), own)
            for q in range(lamps.shape[0]):
                dx, dy, dz = lamps[q, 0] - point[0], lamps[q, 1] - point[1], lamps[q, 2] - point[2]
                far2 = dx * dx + dy * dy + dz * dz
                cosine = (dx * normal[0] + dy * normal[1] + dz * normal[2]) / np.sqrt(far2)
                if cosine > 0:
                    strength = min(np.float32(2.5), reach / far2) * cosine
                    for i in range(3):
                        lit[i] += strength * lamps[q, 3 + i]
            mirror = wet * (np.float32(1) - glance) ** 4
            depth[y, x] = away
            image[y, x, 0] = red * lit[0] + mirror * sky[0]
            image[y, x, 1] = green * lit[1] + mirror * sky[1]
            image[y, x, 2] = blue * lit[2] + mirror * sky[2]


@njit(cache=True)
def _texel(level, u, v, shrunk):  # type: ignore[no-untyped-def]
    """Bilinear, wrapping; u and v in texels of the largest level."""
    height, width = level.shape[0], level.shape[1]
    x, y = u / shrunk - np.float32(0.5), v / shrunk - np.float32(0.5)
    column, row = int(np.floor(x)), int(np.floor(y))
    fx, fy = x - np.float32(column), y - np.float32(row)
    c0, c1, r0, r1 = column % width, (column + 1) % width, row % height, (row + 1) % height
    one = np.float32(1)
    a, b, c, d = (one - fx) * (one - fy), fx * (one - fy), (one - fx) * fy, fx * fy
    return (
        level[r0, c0, 0] * a + level[r0, c1, 0] * b + level[r1, c0, 0] * c + level[r1, c1, 0] * d,
        level[r0, c0, 1] * a + level[r0, c1, 1] * b + level[r1, c0, 1] * c + level[r1, c1, 1] * d,
        level[r0, c0, 2] * a + level[r0, c1, 2] * b + level[r1, c0, 2] * c + level[r1, c1, 2] * d,
        level[r0, c0, 3] * a + level[r0, c1, 3] * b + level[r1, c0, 3] * c + level[r1, c1, 3] * d,
    )
