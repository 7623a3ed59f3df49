"""The rasteriser: parts into a picture of linear light, with a depth buffer. No fast-math: same input, same pixels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from hwsim.street.rendered.light import Lighting
from hwsim.street.rendered.mesh import Floats, Part

FAR = np.float32(1e9)
NEAREST = 1.0
"""Triangles with a corner nearer than this (in the depth's own unit) are left out."""


@dataclass(frozen=True, eq=False)
class Canvas:
    """light: float32 (h, w, 3), linear RGB. depth: float32 (h, w), away from the camera. owner: int32 (h, w), whose
    pixel it is: what the last part drawn there was given, 0 for the background."""

    light: Floats
    depth: Floats
    owner: NDArray[np.int32]

    @classmethod
    def blank(cls, height_px: int, width_px: int, background: Floats | None = None) -> Canvas:
        """background: float32 (h, w, 3), copied; black where none is given."""
        light = np.zeros((height_px, width_px, 3), np.float32)
        if background is not None:
            light[:] = background
        return cls(light, np.full((height_px, width_px), FAR, np.float32), np.zeros((height_px, width_px), np.int32))


def draw(canvas: Canvas, part: Part, screen: Floats, normals: Floats, lighting: Lighting, owner: int = 0) -> None:
    """Draw a part. screen: float32 (n, 3), x and y in pixels of the canvas and depth; normals: in camera space
    (x right, y down, z away), as lighting's directions are."""
    _draw(
        canvas.light,
        canvas.depth,
        canvas.owner,
        np.ascontiguousarray(screen, np.float32),
        np.ascontiguousarray(normals, np.float32),
        part.uv,
        part.occlusion,
        part.faces,
        part.texture,
        lighting.lamps,
        lighting.sky,
        lighting.ground,
        lighting.up,
        np.float32(part.specular),
        np.float32(part.gloss),
        np.float32(part.wrap),
        part.two_sided,
        np.int32(owner),
    )


@njit(cache=True, nogil=True)
def _draw(  # type: ignore[no-untyped-def]
    image, depth, owners, points, normals, uv, occlusion, faces, texture, lamps, sky, ground, up,
    specular, gloss, wrap, two_sided, owner,
):  # fmt: skip
    height, width = depth.shape
    texture_h, texture_w = texture.shape[0], texture.shape[1]
    one, half = np.float32(1), np.float32(0.5)
    # Blinn-Phong: the half vector between each lamp and the camera, which looks along +z.
    halfway = np.empty((lamps.shape[0], 3), np.float32)
    for q in range(lamps.shape[0]):
        hx, hy, hz = lamps[q, 0], lamps[q, 1], lamps[q, 2] - one
        length = np.sqrt(hx * hx + hy * hy + hz * hz) + np.float32(1e-9)
        halfway[q, 0], halfway[q, 1], halfway[q, 2] = hx / length, hy / length, hz / length
    for k in range(faces.shape[0]):
        a, b, c = faces[k, 0], faces[k, 1], faces[k, 2]
        if points[a, 2] < NEAREST or points[b, 2] < NEAREST or points[c, 2] < NEAREST:
            continue
        x0, y0 = points[a, 0], points[a, 1]
        x1, y1 = points[b, 0], points[b, 1]
        x2, y2 = points[c, 0], points[c, 1]
        area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
        if area >= np.float32(-1e-9) and (not two_sided or area <= np.float32(1e-9)):
            continue
        left = max(0, int(np.ceil(min(x0, x1, x2) - half)))
        right = min(width - 1, int(np.floor(max(x0, x1, x2) - half)))
        top = max(0, int(np.ceil(min(y0, y1, y2) - half)))
        bottom = min(height - 1, int(np.floor(max(y0, y1, y2) - half)))
        if left > right or top > bottom:
            continue
        inverse = one / area
        for y in range(top, bottom + 1):
            py = np.float32(y) + half
            for x in range(left, right + 1):
                px = np.float32(x) + half
                w1 = ((px - x0) * (y2 - y0) - (x2 - x0) * (py - y0)) * inverse
                w2 = ((x1 - x0) * (py - y0) - (px - x0) * (y1 - y0)) * inverse
                w0 = one - w1 - w2
                if w0 < 0 or w1 < 0 or w2 < 0:
                    continue
                z = w0 * points[a, 2] + w1 * points[b, 2] + w2 * points[c, 2]
                if z >= depth[y, x]:
                    continue
                depth[y, x] = z
                owners[y, x] = owner
                u = (w0 * uv[a, 0] + w1 * uv[b, 0] + w2 * uv[c, 0]) * np.float32(texture_w) - half
                v = (w0 * uv[a, 1] + w1 * uv[b, 1] + w2 * uv[c, 1]) * np.float32(texture_h) - half
                column, row = int(np.floor(u)), int(np.floor(v))
                fu, fv = u - np.float32(column), v - np.float32(row)
                column_1, column = (column + 1) % texture_w, column % texture_w
                row_1, row = min(max(row + 1, 0), texture_h - 1), min(max(row, 0), texture_h - 1)
                t00, t01 = (one - fu) * (one - fv), fu * (one - fv)
                t10, t11 = (one - fu) * fv, fu * fv
                nx = w0 * normals[a, 0] + w1 * normals[b, 0] + w2 * normals[c, 0]
                ny = w0 * normals[a, 1] + w1 * normals[b, 1] + w2 * normals[c, 1]
                nz = w0 * normals[a, 2] + w1 * normals[b, 2] + w2 * normals[c, 2]
                length = np.sqrt(nx * nx + ny * ny + nz * nz) + np.float32(1e-9)
                nx, ny, nz = nx / length, ny / length, nz / length
                if two_sided and nz > 0:
                    nx, ny, nz = -nx, -ny, -nz
                open_sky = w0 * occlusion[a] + w1 * occlusion[b] + w2 * occlusion[c]
                above = half + half * (nx * up[0] + ny * up[1] + nz * up[2])
                red = (ground[0] + (sky[0] - ground[0]) * above) * open_sky
                green = (ground[1] + (sky[1] - ground[1]) * above) * open_sky
                blue = (ground[2] + (sky[2] - ground[2]) * above) * open_sky
                lit = np.float32(0.35) + np.float32(0.65) * open_sky
                mask = (
                    texture[row, column, 3] * t00 + texture[row, column_1, 3] * t01
                    + texture[row_1, column, 3] * t10 + texture[row_1, column_1, 3] * t11
                )  # fmt: skip
                shine_r = shine_g = shine_b = np.float32(0)
                for q in range(lamps.shape[0]):
                    lx, ly, lz = lamps[q, 0], lamps[q, 1], lamps[q, 2]
                    diffuse = (nx * lx + ny * ly + nz * lz + wrap) / (one + wrap)
                    if diffuse > 0:
                        red += diffuse * lamps[q, 3] * lit
                        green += diffuse * lamps[q, 4] * lit
                        blue += diffuse * lamps[q, 5] * lit
                    toward = nx * halfway[q, 0] + ny * halfway[q, 1] + nz * halfway[q, 2]
                    if toward > 0:
                        s = specular * mask * toward**gloss
                        shine_r += s * lamps[q, 3]
                        shine_g += s * lamps[q, 4]
                        shine_b += s * lamps[q, 5]
                for channel in range(3):
                    colour = (
                        texture[row, column, channel] * t00 + texture[row, column_1, channel] * t01
                        + texture[row_1, column, channel] * t10 + texture[row_1, column_1, channel] * t11
                    )  # fmt: skip
                    if channel == 0:
                        image[y, x, 0] = colour * red + shine_r
                    elif channel == 1:
                        image[y, x, 1] = colour * green + shine_g
                    else:
                        image[y, x, 2] = colour * blue + shine_b


def facing_camera(rotation: Floats) -> Floats:
    """A model-space rotation as one into camera space (x right, y down, z away): float32 (3, 3)."""
    return np.asarray(np.diag([1.0, -1.0, -1.0]) @ rotation, np.float32)
