"""The ground: slabs, setts or asphalt for those on foot, a road with its lines, a kerb between them."""

from __future__ import annotations

import numpy as np

from hwsim.street.rendered.fabric import linear, smooth_noise
from hwsim.street.rendered.mesh import Floats
from hwsim.street.rendered.plane import Plane

TEXEL_CM = 2.0
TILE_PX = 240
FAR_CM = 6000.0
BEHIND_CM = 100.0
"""The ground reaches so far ahead of the camera, and a little behind it."""


def lay_ground(
    rng: np.random.Generator, wall_x_cm: float, kerb_x_cm: float, across_x_cm: float, wet: float
) -> list[Plane]:
    """From the houses on the left over the kerb to those across the road. wet: 0 dry, 1 rain stands on it."""
    darker = 1.0 - 0.45 * wet
    paving = _paving(rng)
    road = _asphalt(rng, linear(("3a3b3e", "2f3033", "46474a")[int(rng.integers(3))]))
    paving[..., :3] *= darker
    road[..., :3] *= darker
    marked = np.concatenate([road, road], axis=1)
    kerb = _asphalt(rng, linear("8d8c87"))
    kerb[::60, :, :3] *= 0.6
    strips = [(wall_x_cm, kerb_x_cm, 0.0, paving), (kerb_x_cm + 15, across_x_cm - 250, -10.0, _lines(rng, marked))]
    strips += [(kerb_x_cm, kerb_x_cm + 15, 0.0, kerb), (across_x_cm - 250, across_x_cm, 0.0, paving)]
    planes = [
        Plane((left, y, BEHIND_CM), (1, 0, 0), (0, 0, -1), (right - left, FAR_CM), texture, TEXEL_CM, 0.8 * wet)
        for left, right, y, texture in strips
    ]
    step = Plane((kerb_x_cm + 15, 0, BEHIND_CM), (0, 0, -1), (0, -1, 0), (FAR_CM, 10.0), kerb, TEXEL_CM)
    return [*planes, step]


def _asphalt(rng: np.random.Generator, colour: Floats) -> Floats:
    shape = (TILE_PX, TILE_PX)
    ground = np.zeros((*shape, 4), np.float32)
    grain = 0.10 * rng.standard_normal(shape).astype(np.float32)
    ground[..., :3] = colour
    ground[..., :3] *= (1 + grain + 0.10 * smooth_noise(rng, shape, 4) + 0.08 * smooth_noise(rng, shape, 11))[..., None]
    return ground


def _paving(rng: np.random.Generator) -> Floats:
    colour = linear(("a8a49b", "989691", "b3a894", "8f8a86", "a39184")[int(rng.integers(5))])
    ground = _asphalt(rng, colour)
    kind = int(rng.integers(4))
    if kind == 3:
        return ground
    deep, wide = ((30, 30), (24, 40), (8, 12))[kind]
    for row in range(0, TILE_PX, deep):
        shift = wide // 2 if row // deep % 2 and kind else 0
        for column in range(0, TILE_PX, wide):
            tone = float(1 + rng.normal() * 0.07)
            columns = (np.arange(column, column + wide) + shift) % TILE_PX
            ground[row : row + deep, columns, :3] *= tone
            ground[row : row + deep, columns[0], :3] *= 0.62
        ground[row, :, :3] *= 0.62
    for _ in range(int(rng.integers(0, 30))):
        row, column = (int(v) for v in rng.integers(0, TILE_PX - 4, 2))
        ground[row : row + 2, column : column + 3, :3] *= 0.7
    return ground


def _lines(rng: np.random.Generator, road: Floats) -> Floats:
    """The road's own marks: a line along the kerb, dashes further out."""
    paint = linear("d9d7cc") if rng.random() < 0.6 else linear("d2b23a")
    marked = road.copy()
    for column in (12, 18):
        marked[:, column : column + 4, :3] = paint * rng.uniform(0.6, 1.0)
    marked[: TILE_PX // 2, 150:156, :3] = linear("d9d7cc")
    return marked
