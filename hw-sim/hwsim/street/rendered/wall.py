"""Walls of cloth and skin: lofts with a seam, so that a texture goes round them once without turning back."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from hwsim.street.rendered.mesh import Floats, Part, grid_faces, grid_uv, loft, make_part


def wall(
    texture: Floats,
    height_cm: ArrayLike,
    half_width_cm: ArrayLike,
    half_depth_cm: ArrayLike,
    centre_x_cm: ArrayLike = 0.0,
    centre_z_cm: ArrayLike = 0.0,
    *,
    sides: int = 14,
    squareness: float = 2.2,
    occlusion: ArrayLike = 1.0,
    mirrored: bool = False,
    specular: float = 0.04,
) -> Part:
    """Superellipses from the top down. The texture's first column is in front, its rows go by height.

    mirrored: turned round to the other side, x for -x. occlusion: one, or one for each height.
    """
    heights = np.asarray(height_cm, np.float32)
    rows = len(heights)
    ring, _ = loft(heights, centre_x_cm, centre_z_cm, half_width_cm, half_depth_cm, sides, squareness)
    grid = ring.reshape(rows, sides, 3)
    vertices = np.concatenate([grid, grid[:, :1]], axis=1).reshape(-1, 3)
    faces = grid_faces(rows, sides + 1, wrap=False)
    if mirrored:
        vertices, faces = vertices * np.array([-1, 1, 1], np.float32), faces[:, ::-1]
    uv = grid_uv(rows, sides + 1, wrap=False)
    uv[:, 1] = (heights[0] - vertices[:, 1]) / max(1e-3, float(heights[0] - heights[-1]))
    shade = np.repeat(np.broadcast_to(np.asarray(occlusion, np.float32), (rows,)), sides + 1)
    part = make_part(vertices, faces, texture, uv, shade, specular=specular, gloss=6.0)
    return replace(part, normals=_join_seam(part.normals, rows, sides + 1))


def _join_seam(normals: Floats, rows: int, columns: int) -> Floats:
    """One normal where the first and the last column meet."""
    grid = normals.reshape(rows, columns, 3).copy()
    joint = grid[:, 0] + grid[:, -1]
    joint /= np.linalg.norm(joint, axis=1, keepdims=True) + 1e-9
    grid[:, 0] = grid[:, -1] = joint
    return np.ascontiguousarray(grid.reshape(-1, 3), np.float32)
