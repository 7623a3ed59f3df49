"""Vehicles at the kerb: vans and cars as lofts, their windows, lamps and stripes painted on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from hwsim.street.rendered.fabric import BRIGHT, Colour, linear, pick
from hwsim.street.rendered.mesh import Floats, Part, flat_texture, make_part, tube, turn
from hwsim.street.rendered.solid import move_part
from hwsim.street.rendered.wall import wall

PAINTS = ("d9dadb", "1b1c20", "5a5e63", "8d9196", "22324f", "7b1d20", "c8c4ba", "2d4a3a")
ROWS_PX, COLUMNS_PX = 128, 512

VAN = np.array(
    # height, half width, half length, centre along
    [
        (236, 60, 190, -40),
        (232, 88, 220, -38),
        (222, 95, 226, -36),
        (190, 98, 236, -28),
        (150, 100, 250, -16),
        (118, 101, 262, -4),
        (104, 101, 272, 6),
        (70, 101, 276, 8),
        (45, 100, 276, 8),
        (30, 96, 268, 8),
    ],
    np.float32,
)
CAR = np.array(
    [
        (146, 50, 70, -20),
        (143, 64, 92, -20),
        (134, 70, 110, -18),
        (112, 78, 140, -10),
        (94, 84, 168, -2),
        (88, 86, 196, 0),
        (70, 88, 208, 2),
        (45, 88, 210, 2),
        (28, 85, 204, 2),
        (20, 80, 196, 2),
    ],
    np.float32,
)


def draw_vehicle(rng: np.random.Generator, is_van: bool, x_cm: float, z_cm: float, lit: bool) -> list[Part]:
    """One in the world, its nose or its tail to the camera. lit: its lamps are on."""
    shape = VAN if is_van else CAR
    paint = pick(rng, PAINTS) if rng.random() < 0.8 else pick(rng, BRIGHT)
    texture = _bodywork(rng, paint, shape, is_van, lit)
    shell = wall(
        texture, shape[:, 0], shape[:, 1], shape[:, 2], 0.0, shape[:, 3], sides=64, squareness=6.0, specular=0.25
    )
    parts = [replace(shell, gloss=24.0), _roof(shape, paint)]
    tyre = flat_texture((0.012, 0.012, 0.013), 0.2)
    radius = 34.0 if is_van else 31.0
    for side in (-1, 1):
        for along in (0.62, -0.58):
            out = float(shape[:, 1].max())
            path = [(side * (out - 20), radius, along * shape[-1, 2]), (side * (out + 1), radius, along * shape[-1, 2])]
            for circle, material in ((radius, tyre), (radius * 0.6, flat_texture((0.25, 0.25, 0.26), 1.0))):
                middle = np.array([path[0], path[1], path[1]], np.float32)
                middle[1:, 0] += side * (0.6 if circle < radius else 0.0)
                vertices, faces = tube(middle, np.array([circle, circle, 0.1]), 18)
                parts.append(make_part(vertices, faces, material, two_sided=True))
    heading = turn(0.0 if rng.random() < 0.6 else float(np.pi), 0.0, 0.0)
    place = np.array([x_cm, -10.0, z_cm], np.float32)
    return [move_part(part, heading, place) for part in parts]


def _roof(shape: Floats, paint: Colour) -> Part:
    """Closes the loft at its top."""
    height, wide, half, middle = shape[0]
    return wall(
        flat_texture(paint, 1.0), (height + 2, height), (0.1, wide), (0.1, half), 0.0, middle, sides=32, squareness=6.0
    )


def _bodywork(rng: np.random.Generator, paint: Colour, shape: Floats, is_van: bool, lit: bool) -> Floats:
    """Texture of the shell: nose at the first column, right side at a quarter, tail in the middle."""
    texture = np.empty((ROWS_PX, COLUMNS_PX, 4), np.float32)
    texture[..., :3], texture[..., 3] = paint, 1.0
    top, bottom = float(shape[0, 0]), float(shape[-1, 0])

    def fill(around: tuple[float, float], height_cm: tuple[float, float], colour: Colour, both: bool = True) -> None:
        """Shares of the way round, 0 the nose, 0.5 the tail; heights from the upper to the lower."""
        rows = slice(*(round((top - h) / (top - bottom) * ROWS_PX) for h in height_cm))
        for start, end in (around, (1 - around[1], 1 - around[0])) if both else (around,):
            columns = np.arange(round(start * COLUMNS_PX), round(end * COLUMNS_PX)) % COLUMNS_PX
            texture[rows, columns, :3] = colour

    glass = linear("1a2026")
    sill, lintel = (130.0, 205.0) if is_van else (98.0, 134.0)
    fill((-0.105, 0.105), (lintel, sill), glass, both=False)
    fill((0.14, 0.235 if is_van else 0.33), (lintel - 2, sill + 4), glass)
    if not is_van or rng.random() < 0.6:
        fill((0.4, 0.6), (lintel - 4, sill + 8), glass, both=False)
    for seam in (0.138, 0.24, 0.345):
        fill((seam, seam + 0.004), (lintel + 6, 45), paint * 0.4)
    fill((-0.5, 0.5), (bottom + 22, bottom), linear("202124"), both=False)
    lamp_colour = np.full(3, 3.0, np.float32) if lit else linear("c9cdd0")
    fill((0.075, 0.115), (86 if is_van else 76, 70 if is_van else 60), lamp_colour)
    fill((0.395, 0.42), (110 if is_van else 88, 80 if is_van else 66), linear("8c1216") * (3.0 if lit else 1.0))
    fill((-0.035, 0.035), (60, 50), linear("d8d8d0"), both=False)
    if is_van and rng.random() < 0.5:
        stripe = pick(rng, BRIGHT)
        fill((0.12, 0.38), (112, 92), stripe)
    if is_van:
        fill((0.494, 0.506), (lintel + 6, 45), paint * 0.4, both=False)
    return texture
