"""Draw the empty street: facades, shop fronts, pavement and sky, by casting a ray through every pixel."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from hwsim.street.view import CAMERA_HEIGHT_M, View
from hwsim.street.weather import Weather

LEFT_WALL_M, RIGHT_WALL_M, END_WALL_M = -6.2, 7.4, 62.0
STOREY_M, BAY_M, HOUSE_BAYS = 3.3, 2.3, 4
SUPERSAMPLE = 2
_STRIP_ROWS = 128

_Plane = NDArray[np.float32]


class _Scene:
    """The street's lottery: tables of random numbers looked up by house, bay or slab."""

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng([seed, 8])
        self.table = rng.random(4096).astype(np.float32)
        grain = cv2.GaussianBlur(rng.standard_normal((512, 512)).astype(np.float32), (0, 0), 1.1)
        self.grain = np.asarray(grain / grain.std(), np.float32)
        walls = [(150, 172, 190), (112, 128, 150), (92, 108, 150), (176, 186, 192), (128, 140, 138), (140, 160, 186)]
        self.walls = np.asarray([walls[i] for i in rng.permutation(len(walls))], np.float32)
        signs = [(60, 40, 120), (110, 70, 30), (40, 84, 50), (40, 40, 44), (30, 110, 170), (120, 120, 116)]
        self.signs = np.asarray([signs[i] for i in rng.permutation(len(signs))], np.float32)

    def lot(self, a: _Plane, b: _Plane | float, kind: int) -> _Plane:
        """A number 0..1 for every pair of whole numbers."""
        index = np.asarray(np.floor(a) * 73 + np.floor(b) * 157 + kind * 613, np.int64) & 4095
        return np.asarray(self.table[index], np.float32)

    def rough(self, a: _Plane, b: _Plane, per_m: float) -> _Plane:
        """Grain of mean 0 and deviation 1 in metres."""
        rows, columns = np.asarray(a * per_m, np.int64) & 511, np.asarray(b * per_m, np.int64) & 511
        return np.asarray(self.grain[rows, columns], np.float32)


def _band(value: _Plane, low: float, high: float) -> NDArray[np.bool_]:
    return np.asarray((value > low) & (value < high), np.bool_)


def _facade(scene: _Scene, along: _Plane, up: _Plane, side: int) -> _Plane:
    """A wall's colour, (n, 3), and where it ends against the sky as NaN. along, up: metres."""
    house = np.floor(along / (BAY_M * HOUSE_BAYS))
    bay, storey = along / BAY_M, up / STOREY_M
    across, rise = bay - np.floor(bay), storey - np.floor(storey)
    colour = scene.walls[np.asarray(house + side, np.int64) % len(scene.walls)]
    colour = colour * (1 + 0.05 * scene.rough(up, along, 26.0))[:, None]
    ground = storey < 1
    glass = np.where(
        ground, _band(across, 0.07, 0.93) & _band(rise, 0.14, 0.74), _band(across, 0.27, 0.73) & _band(rise, 0.22, 0.80)
    )
    frame = np.where(
        ground, _band(across, 0.04, 0.96) & _band(rise, 0.03, 0.78), _band(across, 0.23, 0.77) & _band(rise, 0.18, 0.84)
    )
    bars = ~ground & (_band(across, 0.49, 0.51) | _band(rise, 0.50, 0.52))
    colour = np.where(frame[:, None], np.float32(70) + 120 * scene.lot(house, side, 1)[:, None], colour)
    pane = (
        34 + 50 * scene.lot(bay, storey, 2 + side) + 60 * np.clip(rise - 0.2 * across, 0, 1) * scene.lot(bay, storey, 9)
    )
    tint = np.asarray((1.12, 1.0, 0.90), np.float32)
    colour = np.where((glass & ~bars)[:, None], pane[:, None] * tint, colour)
    sign = ground & _band(rise, 0.79, 0.95) & _band(across, 0.0, 1.0)
    shop = np.asarray(scene.lot(house, side, 5) * 6, np.int64) % len(scene.signs)
    colour = np.where(sign[:, None], scene.signs[shop], colour)
    cornice = (rise > 0.965) & ~ground
    colour = np.where(cornice[:, None], colour * 0.8, colour)
    height = STOREY_M * (3 + np.floor(3 * scene.lot(house, side, 7)))
    colour[up > height] = np.nan
    return np.asarray(colour, np.float32)


def _pavement(scene: _Scene, x: _Plane, z: _Plane) -> _Plane:
    """The ground's colour, (n, 3): slabs between two gutters, tarmac-grey rims along the walls."""
    row = z / 0.75
    column = x / 1.1 + 0.5 * (np.floor(row) % 2)
    tone = 168 + 16 * (scene.lot(column, row, 3) - 0.5) + 6 * scene.rough(x + 40, z, 60.0)
    fine = np.clip(14 / np.maximum(z, 1), 0, 1)
    joint = (np.abs(column - np.rint(column)) * 1.1 < 0.012) | (np.abs(row - np.rint(row)) * 0.75 < 0.014)
    tone = np.where(joint, tone * (1 - 0.32 * fine), tone)
    gutter = (np.abs(x + 4.3) < 0.14) | (np.abs(x - 5.2) < 0.14)
    tone = np.where(gutter, 96 + 5 * scene.rough(x + 40, z, 40.0), tone)
    return np.asarray(tone[:, None] * np.asarray((0.94, 0.98, 1.0), np.float32), np.float32)


def _sky(scene: _Scene, dx: _Plane, up: _Plane) -> _Plane:
    cloud = np.clip(
        0.5 + 0.5 * np.sin(9 * dx + 3 * np.sin(14 * up) + 6 * scene.table[5]) * np.cos(23 * up + 5 * dx), 0, 1
    )
    low, high = np.asarray((232, 226, 220), np.float32), np.asarray((214, 182, 150), np.float32)
    blend = np.clip(2.2 * up, 0, 1)[:, None] * (1 - 0.6 * cloud[:, None])
    return np.asarray(low + (high - low) * blend, np.float32)


def _cast(scene: _Scene, weather: Weather, dx: _Plane, down: _Plane) -> _Plane:
    """Colours (n, 3) of rays (dx, down, 1) from the camera."""
    far = np.float32(1e6)
    with np.errstate(divide="ignore"):
        ground = np.where(down > 0, CAMERA_HEIGHT_M / down, far)
        wall = np.where(dx < 0, LEFT_WALL_M / dx, np.where(dx > 0, RIGHT_WALL_M / dx, far))
    reach = np.minimum(np.minimum(ground, wall), END_WALL_M).astype(np.float32)
    x, up, z = dx * reach, CAMERA_HEIGHT_M - down * reach, reach
    colour = _sky(scene, dx, -down)
    is_ground, is_wall = reach == ground, (reach == wall) & (reach != ground)
    is_end = ~is_ground & ~is_wall
    lit = weather.sunlight(x)
    colour[is_ground] = _pavement(scene, x[is_ground], z[is_ground]) * lit[is_ground, None]
    for chosen, along, side, light in (
        (is_wall & (x < 0), z, 0, 0.60),
        (is_wall & (x > 0), z, 2, 0.98),
        (is_end, x + 100, 1, 0.80),
    ):
        facade = _facade(scene, along[chosen], up[chosen], side) * np.float32(light)
        colour[chosen] = np.where(np.isnan(facade), colour[chosen], facade)
    haze = (1 - np.exp(-np.clip(reach, 0, END_WALL_M) / 140))[:, None] * (is_ground | is_wall | is_end)[:, None]
    return np.asarray(colour + (np.asarray((226, 222, 216), np.float32) - colour) * haze, np.float32)


def draw_street(view: View, weather: Weather, seed: int) -> NDArray[np.uint8]:
    """The street without people, uint8 BGR (h, w, 3). The same seed gives the same pixels."""
    scene = _Scene(seed)
    width, height = view.width_px * SUPERSAMPLE, view.height_px * SUPERSAMPLE
    picture = np.empty((height, width, 3), np.uint8)
    columns = (np.arange(width, dtype=np.float32) + 0.5) / SUPERSAMPLE - view.width_px / 2
    for top in range(0, height, _STRIP_ROWS):
        rows = (np.arange(top, min(top + _STRIP_ROWS, height), dtype=np.float32) + 0.5) / SUPERSAMPLE - view.horizon_px
        dx, down = np.meshgrid(columns / view.focal_px, rows / view.focal_px)
        colours = _cast(scene, weather, dx.astype(np.float32).ravel(), down.astype(np.float32).ravel())
        picture[top : top + len(rows)] = np.clip(colours, 0, 255).reshape(len(rows), width, 3)
    small = cv2.resize(picture, (view.width_px, view.height_px), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.GaussianBlur(small, (0, 0), 0.7 * view.width_px / 1280 + 0.1), np.uint8)
