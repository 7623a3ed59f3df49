"""Shoulders and collar below a head, for pictures of a head alone."""

from __future__ import annotations

import numpy as np

from hwsim.street.rendered.head.texels import smooth_noise
from hwsim.street.rendered.mesh import Floats, Part, grid_uv, loft, make_part

_SIDES = 32
_HEIGHTS_CM = (-12.6, -13.4, -15.0, -17.0, -20.0, -26.0, -34.0, -48.0)


def bust_part(male: bool, rng: np.random.Generator) -> Part:
    """A clothed bust under a head, in head coordinates: its cut, cloth and colours drawn from `rng`."""
    neck = 4.9 + 1.1 * male
    wide = 19 + 2.5 * male + rng.normal()
    vertices, faces = loft(
        _HEIGHTS_CM,
        0.0,
        (-2.6, -2.7, -2.8, -3, -3, -2.6, -2.2, -2),
        (neck * 1.05, neck * 1.3, wide * 0.55, wide * 0.82, wide * 0.97, wide, wide * 0.95, wide * 0.86),
        (neck * 1.05, neck * 1.25, 7.2, 8.6, 9.8, 11, 11, 10),
        _SIDES,
        2.2,
    )
    uv = grid_uv(len(_HEIGHTS_CM), _SIDES)
    # There and back again: no seam where the cloth's ends meet.
    uv[:, 0] = 1 - np.abs(1 - 2 * uv[:, 0])
    return make_part(vertices, faces, _cloth(rng), uv, specular=0.03, gloss=5.0)


def _cloth(rng: np.random.Generator) -> Floats:
    colour = rng.random(3) ** 1.6 * 0.7 + 0.02
    if rng.random() < 0.4:
        colour = np.repeat(rng.random() * 0.3 + 0.01, 3)
    cloth = np.empty((64, 64, 4), np.float32)
    cloth[..., :3] = colour * np.clip(1 + 0.12 * smooth_noise(rng, 64, 64, 10), 0.3, 2)[..., None]
    if rng.random() < 0.25:
        cloth[(np.arange(64) // 6) % 2 == 0, :, :3] = rng.random(3) * 0.6
    cloth[..., 3] = 0.2
    return cloth
