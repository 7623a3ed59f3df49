"""A camera looking at one head: its pose, perspective, and where in the picture it comes to lie."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit

from hwsim.street.rendered.mesh import Floats, turn
from hwsim.street.rendered.raster import facing_camera

_AIM_Y_CM = -3.0
"""What the camera points at, below the eyes: a face's middle."""


@dataclass(frozen=True)
class Pose:
    """Degrees. Yaw turns the face to the picture's right, pitch down, roll clockwise; distance from the camera."""

    yaw_deg: float = 0.0
    pitch_deg: float = 0.0
    roll_deg: float = 0.0
    distance_cm: float = 150.0


@dataclass(frozen=True, eq=False)
class Lens:
    """Head coordinates to pixels: `rotation` into camera space, perspective, then `linear` (2, 2) and `shift` (2,)."""

    rotation: Floats
    distance_cm: float
    linear: Floats
    shift: Floats

    @classmethod
    def at(cls, pose: Pose, linear: Floats, shift: Floats) -> Lens:
        """linear: pixels for each centimetre in the plane of the head's middle."""
        rotation = turn(np.deg2rad(pose.yaw_deg), np.deg2rad(pose.pitch_deg), np.deg2rad(-pose.roll_deg))
        return cls(
            facing_camera(rotation), pose.distance_cm, np.asarray(linear, np.float32), np.asarray(shift, np.float32)
        )

    def enlarged(self, factor: int) -> Lens:
        """The same view in a picture `factor` times as large."""
        return Lens(self.rotation, self.distance_cm, self.linear * factor, self.shift * factor)

    def pixels(self, points_cm: Floats) -> Floats:
        """Points (n, 3): float32 (n, 3), column, row and depth in centimetres."""
        return _project(points_cm, self.rotation, np.float32(self.distance_cm), self.linear, self.shift)

    def turned(self, normals: Floats) -> Floats:
        """Normals (n, 3) into camera space: float32 (n, 3)."""
        return _turn(normals, self.rotation)


def similarity(source: Floats, target: Floats) -> tuple[Floats, Floats]:
    """The least-squares turn, scale and shift (Umeyama 1991, without reflection): float32 (2, 2) and (2,)."""
    s_mean, t_mean = source.mean(0), target.mean(0)
    s, t = source - s_mean, target - t_mean
    norm = (s * s).sum()
    a, b = (s * t).sum() / norm, (s[:, 0] * t[:, 1] - s[:, 1] * t[:, 0]).sum() / norm
    linear = np.array([[a, -b], [b, a]], np.float32)
    return linear, (t_mean - linear @ s_mean).astype(np.float32)


@njit(cache=True, nogil=True)
def _project(points: Floats, rotation: Floats, distance: np.float32, linear: Floats, shift: Floats) -> Floats:
    out = np.empty_like(points)
    for i in range(points.shape[0]):
        x, y, z = points[i, 0], points[i, 1] - np.float32(_AIM_Y_CM), points[i, 2]
        depth = rotation[2, 0] * x + rotation[2, 1] * y + rotation[2, 2] * z + distance
        u = (rotation[0, 0] * x + rotation[0, 1] * y + rotation[0, 2] * z) * distance / depth
        v = (rotation[1, 0] * x + rotation[1, 1] * y + rotation[1, 2] * z) * distance / depth
        out[i, 0] = linear[0, 0] * u + linear[0, 1] * v + shift[0]
        out[i, 1] = linear[1, 0] * u + linear[1, 1] * v + shift[1]
        out[i, 2] = depth
    return out


@njit(cache=True, nogil=True)
def _turn(vectors: Floats, rotation: Floats) -> Floats:
    out = np.empty_like(vectors)
    for i in range(vectors.shape[0]):
        for row in range(3):
            out[i, row] = (
                rotation[row, 0] * vectors[i, 0] + rotation[row, 1] * vectors[i, 1] + rotation[row, 2] * vectors[i, 2]
            )
    return out
