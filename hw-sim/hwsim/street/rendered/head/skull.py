"""A person's head as a mesh: a grid of rays from inside, close together where the face is."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from hwsim.street.rendered.head.field import bodies, trace
from hwsim.street.rendered.head.shape import Shape
from hwsim.street.rendered.mesh import Faces, Floats, grid_faces, vertex_normals

COLUMNS, ROWS = 112, 96
CENTRE_CM = (0.0, -2.0, 0.5)
"""Where the rays begin."""

_OCCLUSION_CELLS = 3.0


@dataclass(frozen=True, eq=False)
class Skull:
    """A head without hair and ears, before `warp`. vertices: float64 (n, 3), cm; normals: float32 (n, 3); occlusion:
    float32 (n,); landmarks: float64 (5, 3), eyes, nose tip and mouth corners, left to right in the picture."""

    vertices: NDArray[np.float64]
    normals: Floats
    occlusion: Floats
    landmarks: NDArray[np.float64]


@cache
def skull_faces() -> Faces:
    """The triangles of every skull: int32 (m, 3)."""
    return grid_faces(ROWS, COLUMNS)


@cache
def skull_uv() -> Floats:
    """Texture coordinates of every skull's vertices: float32 (n, 2)."""
    u, v = np.meshgrid((np.arange(COLUMNS) + 0.5) / COLUMNS, (np.arange(ROWS) + 0.5) / ROWS)
    return np.stack([u, v], -1).reshape(-1, 2).astype(np.float32)


@cache
def _directions() -> NDArray[np.float64]:
    turn = 2 * np.pi * ((np.arange(COLUMNS) + 0.5) / COLUMNS - 0.5)
    bearing = turn - 0.55 * np.sin(turn)
    fall = 1 - 2 * (np.arange(ROWS) + 0.5) / ROWS
    spread = 0.42 * fall + 0.58 * fall**3
    height = np.deg2rad(-14 + np.where(fall > 0, spread * 104, spread * 76))
    theta, phi = np.meshgrid(bearing, height)
    return np.stack([np.cos(phi) * np.sin(theta), np.sin(phi), np.cos(phi) * np.cos(theta)], -1).reshape(-1, 3)


def build_skull(shape: Shape) -> Skull:
    vertices = trace(_directions(), np.asarray(CENTRE_CM), *bodies(shape))
    normals = vertex_normals(vertices.astype(np.float32), skull_faces())
    return Skull(vertices, normals, _occlusion(vertices, normals), _landmarks(vertices, shape))


def wrapped_blur(values: NDArray[np.float64], cells: float) -> NDArray[np.float64]:
    """A Gaussian blur over the grid of columns and rows, round the back of the head: (ROWS, COLUMNS, ...)."""
    border = 12
    ring = np.concatenate([values[:, -border:], values, values[:, :border]], 1)
    return np.asarray(cv2.GaussianBlur(ring, (0, 0), cells)[:, border:-border], np.float64)


def _occlusion(vertices: NDArray[np.float64], normals: Floats) -> Floats:
    """Hollows see less of the sky, and so does what looks down."""
    grid = vertices.reshape(ROWS, COLUMNS, 3)
    depth = ((wrapped_blur(grid, _OCCLUSION_CELLS) - grid).reshape(-1, 3) * normals).sum(1)
    open_sky = np.clip(1 - 1.5 * np.clip(depth, 0, 1) + 0.3 * np.clip(-depth, 0, 0.4), 0.25, 1.1)
    return np.asarray(open_sky * np.clip(1 - 0.5 * np.clip(-normals[:, 1] - 0.5, 0, 1), 0.3, 1), np.float32)


def _landmarks(vertices: NDArray[np.float64], s: Shape) -> NDArray[np.float64]:
    def on_face(x: float, y: float) -> tuple[float, float, float]:
        away = np.hypot(vertices[:, 0] - x, vertices[:, 1] - y) + np.where(vertices[:, 2] > 2, 0.0, 1e6)
        return x, y, float(vertices[np.argsort(away)[:3], 2].mean())

    tilt = s.mouth_tilt * s.mouth_width_cm
    return np.array(
        [
            on_face(-s.eye_x_cm, s.eye_left_y_cm),
            on_face(s.eye_x_cm, s.eye_right_y_cm),
            (s.nose_tip_x_cm, s.nose_y_cm + 0.4 * s.nose_tip_lift_cm, s.nose_z_cm),
            on_face(-s.mouth_width_cm, s.mouth_y_cm - tilt),
            on_face(s.mouth_width_cm, s.mouth_y_cm + tilt),
        ]
    )
