"""Ears and the neck: what a head has beside and below its face."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hwsim.street.rendered.head.hair import Place
from hwsim.street.rendered.head.shape import Shape
from hwsim.street.rendered.head.skull import Skull
from hwsim.street.rendered.mesh import Floats, Part, flat_texture, grid_faces, grid_uv, loft, make_part

_ROWS, _COLUMNS = 11, 16
_EAR_RED = (1.03, 0.90, 0.90)


def ear_parts(skull: Skull, shape: Shape, skin: NDArray[np.float64], place: Place) -> list[Part]:
    """Both ears; skin: linear RGB."""
    uv = grid_uv(_ROWS, _COLUMNS)
    bearing, height = uv[:, 0] * 2 * np.pi, (0.5 - uv[:, 1]) * np.pi
    y = np.sin(height)
    deep = 1.75 * (1 + 0.15 * y - 0.25 * (1 - shape.lobe) * np.clip(-y, 0, 1))
    ear = np.stack(
        [
            0.55 * np.cos(height) * np.sin(bearing),
            3.1 * shape.ear_height * y,
            deep * shape.ear_height * np.cos(height) * np.cos(bearing),
        ],
        1,
    )
    ear[:, 0] -= 0.45 * np.exp(-((ear[:, 1] / 1.6) ** 2) - (ear[:, 2] / 0.9) ** 2) * (ear[:, 0] > 0)
    v = skull.vertices
    side_x = v[np.argmin(np.abs(v[:, 1] + 0.6) * 2 + np.abs(v[:, 2] + 0.3) + np.where(v[:, 0] > 0, 0, 99)), 0]
    c, s = np.cos(0.7 * shape.ear_flare), np.sin(0.7 * shape.ear_flare)
    turned = np.stack([ear[:, 0] * c - ear[:, 2] * s, ear[:, 1], ear[:, 0] * s + ear[:, 2] * c], 1)
    right = turned + np.array([side_x + 0.35, shape.ear_y_cm, -0.9])
    faces = grid_faces(_ROWS, _COLUMNS)
    shade = np.clip(0.72 + 0.6 * np.abs(turned[:, 0]), 0.5, 1.05)
    texture = _ear_texture(skin * _EAR_RED)
    return [
        make_part(place(right), faces, texture, uv, shade, specular=0.12, gloss=10.0),
        make_part(place(right * [-1, 1, 1]), faces[:, ::-1], texture, uv, shade, specular=0.12, gloss=10.0),
    ]


def _ear_texture(skin: NDArray[np.float64]) -> Floats:
    """The hollow before the ear's canal and the fold about it, on the outer side: float32 (24, 32, 4)."""
    u, v = np.meshgrid((np.arange(32) + 0.5) / 32, (np.arange(24) + 0.5) / 24)
    away = np.hypot((u - 0.25) / 0.16, (v - 0.5) / 0.34)
    dark = 0.55 * np.exp(-(((u - 0.22) / 0.05) ** 2) - ((v - 0.53) / 0.14) ** 2) + 0.3 * np.exp(
        -(((away - 0.8) / 0.16) ** 2)
    )
    texture = np.full((24, 32, 4), 0.4, np.float32)
    texture[..., :3] = skin * (1 - dark)[..., None]
    return texture


def neck_part(skin: NDArray[np.float64], male: bool, fat: float) -> Part:
    """The neck, from under the jaw to the collar."""
    half = 4.8 + 1.0 * male + 0.25 * max(fat, 0.0)
    y = np.array([-2.5, -5.5, -9.0, -12.0, -15.5])
    vertices, faces = loft(
        y,
        0.0,
        [-1.8, -2.2, -2.3, -2.6, -2.8],
        half * np.array([0.7, 0.96, 0.97, 1.02, 1.2]),
        half * np.array([0.72, 0.93, 0.95, 1, 1.1]),
        26,
        2.0,
    )
    below_jaw = np.exp(-(((vertices[:, 1] + 8) / 3.0) ** 2)) * (vertices[:, 2] > -2)
    return make_part(vertices, faces, flat_texture(0.97 * skin, 0.3), None, np.clip(1 - 0.6 * below_jaw, 0.3, 1))
