"""The camera's geometry: a pinhole at some height, looking down a little, and where points of the street fall.

World: centimetres, x to the right, y up from the ground, z towards the camera, which stands at x = z = 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numba import njit

from hwsim.street.rendered.mesh import Floats

BOUNDED_FROM_CM = 20.0
"""Nearer points fall anywhere on the screen, and do not count for where a model is."""


@dataclass(frozen=True, eq=False)
class Shown:
    """screen: float32 (n, 3), columns and rows in pixels, depth in cm. normals: float32 (n, 3), camera space.
    bounds_px: left, top, right, bottom."""

    screen: Floats
    normals: Floats
    bounds_px: tuple[float, float, float, float]

    def enlarge(self, times: int, left_px: int, top_px: int) -> None:
        """Onto a canvas so many times as large, cut at left and top of the picture; in place."""
        _enlarge(self.screen, np.float32(times), np.float32(left_px * times), np.float32(top_px * times))


@dataclass(frozen=True)
class TiltedView:
    """across_deg: the field of view from left to right. tilt_deg: downwards."""

    width_px: int
    height_px: int
    across_deg: float = 52.0
    height_cm: float = 215.0
    tilt_deg: float = 7.0

    @property
    def focal_px(self) -> float:
        return float(self.width_px / 2 / np.tan(np.deg2rad(self.across_deg) / 2))

    @cached_property
    def rotation(self) -> Floats:
        """From world directions to camera space (x right, y down, z away): float32 (3, 3)."""
        sine, cosine = np.sin(np.deg2rad(self.tilt_deg)), np.cos(np.deg2rad(self.tilt_deg))
        return np.array([[1, 0, 0], [0, -cosine, sine], [0, -sine, -cosine]], np.float32)

    @property
    def eye_cm(self) -> Floats:
        return np.array([0.0, self.height_cm, 0.0], np.float32)

    def to_camera(self, points_cm: Floats) -> Floats:
        """World points (n, 3) in camera space, cm: float32 (n, 3)."""
        return np.asarray((points_cm - self.eye_cm) @ self.rotation.T, np.float32)

    def to_screen(self, camera_cm: Floats, scale: float = 1.0, left_px: float = 0.0, top_px: float = 0.0) -> Floats:
        """Camera-space points as columns and rows of a picture scale times as large, cut at left and top (in its own
        pixels), and depth in cm: float32 (n, 3)."""
        depth = np.maximum(camera_cm[:, 2], np.float32(1e-3))
        screen = np.empty_like(camera_cm)
        screen[:, 0] = (camera_cm[:, 0] * self.focal_px / depth + self.width_px / 2) * scale - left_px
        screen[:, 1] = (camera_cm[:, 1] * self.focal_px / depth + self.height_px / 2) * scale - top_px
        screen[:, 2] = camera_cm[:, 2]
        return screen

    def show(self, points_cm: Floats, normals: Floats, rotation: Floats, place_cm: Floats) -> Shown:
        """A model turned and put somewhere in the world, as the camera sees it."""
        turned = np.ascontiguousarray(self.rotation @ rotation, np.float32)
        offset = (self.rotation @ (place_cm - self.eye_cm)).astype(np.float32)
        lens = np.array([self.focal_px, self.width_px / 2, self.height_px / 2], np.float32)
        screen, facing = np.empty_like(points_cm), np.empty_like(normals)
        bounds = _show(points_cm, normals, turned, offset, lens, screen, facing)
        return Shown(screen, facing, bounds)

    def bounds(self, points_cm: Floats, rotation: Floats, place_cm: Floats) -> tuple[float, float, float, float]:
        """Left, top, right and bottom of a model's points on the screen, in pixels."""
        return self.show(points_cm, points_cm, rotation, place_cm).bounds_px

    def project(self, points_cm: Floats) -> Floats:
        """World points as columns, rows and depth in cm: float32 (n, 3)."""
        return self.to_screen(self.to_camera(np.asarray(points_cm, np.float32).reshape(-1, 3)))

    def rays(self, scale: float = 1.0) -> Floats:
        """World directions through the middles of the pixels, of depth one: float32 (h, w, 3)."""
        width, height = round(self.width_px * scale), round(self.height_px * scale)
        columns = ((np.arange(width, dtype=np.float32) + 0.5) / scale - self.width_px / 2) / self.focal_px
        rows = ((np.arange(height, dtype=np.float32) + 0.5) / scale - self.height_px / 2) / self.focal_px
        camera = np.ones((height, width, 3), np.float32)
        camera[..., 0], camera[..., 1] = columns[None, :], rows[:, None]
        return np.asarray(camera @ self.rotation, np.float32)

    def edge_m(self, z_m: float) -> float:
        """How far from the middle the picture ends at a distance."""
        return z_m * self.width_px / 2 / self.focal_px


@njit(cache=True)
def _show(points, normals, turned, offset, lens, screen, facing):  # type: ignore[no-untyped-def]
    left = top = np.float32(np.inf)
    right = bottom = np.float32(-np.inf)
    for k in range(points.shape[0]):
        px, py, pz = points[k, 0], points[k, 1], points[k, 2]
        nx, ny, nz = normals[k, 0], normals[k, 1], normals[k, 2]
        x = turned[0, 0] * px + turned[0, 1] * py + turned[0, 2] * pz + offset[0]
        y = turned[1, 0] * px + turned[1, 1] * py + turned[1, 2] * pz + offset[1]
        z = turned[2, 0] * px + turned[2, 1] * py + turned[2, 2] * pz + offset[2]
        inverse = np.float32(1) / max(z, np.float32(1e-3))
        column, row = x * lens[0] * inverse + lens[1], y * lens[0] * inverse + lens[2]
        screen[k, 0], screen[k, 1], screen[k, 2] = column, row, z
        if z > np.float32(BOUNDED_FROM_CM):
            left, right = min(left, column), max(right, column)
            top, bottom = min(top, row), max(bottom, row)
        for i in range(3):
            facing[k, i] = turned[i, 0] * nx + turned[i, 1] * ny + turned[i, 2] * nz
    return left, top, right, bottom


@njit(cache=True)
def _enlarge(screen, times, left, top):  # type: ignore[no-untyped-def]
    for k in range(screen.shape[0]):
        screen[k, 0] = screen[k, 0] * times - left
        screen[k, 1] = screen[k, 1] * times - top
