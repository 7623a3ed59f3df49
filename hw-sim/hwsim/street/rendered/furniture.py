"""What stands on a pavement: street lamps, bollards, bins, trees, and things as round as heads."""

from __future__ import annotations

import numpy as np

from hwsim.street.rendered.fabric import BRIGHT, LIGHT, SOBER, linear, pick, smooth_noise
from hwsim.street.rendered.mesh import Floats, Part, flat_texture, make_part, tube
from hwsim.street.rendered.solid import move_part
from hwsim.street.rendered.wall import wall

LAMP_HEIGHT_CM = 520.0
LAMP_ARM_CM = 90.0
STILL = np.eye(3, dtype=np.float32)


def lamp_post(x_cm: float, z_cm: float, arm: float) -> list[Part]:
    """arm: -1 or 1, the side its head leans to."""
    steel = flat_texture(linear("3b4044"), 0.8)
    path = [(0, 0, 0), (0, 120, 0), (0, 121, 0), (0, LAMP_HEIGHT_CM - 40, 0), (arm * 30, LAMP_HEIGHT_CM, 0)]
    path += [(arm * LAMP_ARM_CM, LAMP_HEIGHT_CM + 6, 0)]
    vertices, faces = tube(np.array(path, np.float32), np.array([9, 8, 6, 4.5, 4, 3.5]), 12)
    post = make_part(vertices, faces, steel, two_sided=True, specular=0.2)
    head = wall(steel, (LAMP_HEIGHT_CM + 12, LAMP_HEIGHT_CM + 8, LAMP_HEIGHT_CM), (4, 22, 24), (3, 10, 11), arm * 92.0)
    return _at([post, head], x_cm, z_cm)


def bollard(rng: np.random.Generator, x_cm: float, z_cm: float) -> list[Part]:
    texture = flat_texture(pick(rng, SOBER), 0.6)
    return _at(
        [wall(texture, (100, 98, 90, 86, 84, 0), (2, 7, 8.5, 8.5, 6.5, 7), (2, 7, 8.5, 8.5, 6.5, 7))], x_cm, z_cm
    )


def bin_(rng: np.random.Generator, x_cm: float, z_cm: float) -> list[Part]:
    texture = flat_texture(pick(rng, SOBER, BRIGHT), 0.5)
    return _at([wall(texture, (112, 110, 96, 94, 0), (8, 26, 28, 24, 22), (8, 26, 28, 24, 22))], x_cm, z_cm)


def ball(rng: np.random.Generator, x_cm: float, y_cm: float, z_cm: float) -> list[Part]:
    """A ball, a globe lamp, a balloon: as round as a head, and about as large, on whatever holds it."""
    radius = float(rng.uniform(8, 20))
    angle = np.linspace(0.02, np.pi - 0.02, 12)
    squash = float(rng.uniform(0.8, 1.4))
    wide = radius * np.sin(angle)
    colour = pick(rng, LIGHT, BRIGHT) if rng.random() < 0.5 else linear("c08a6c") * rng.uniform(0.4, 1.1)
    globe = wall(flat_texture(colour, 0.8), radius * squash * np.cos(angle), wide, wide, sides=18, squareness=2.0)
    stick, faces = tube(np.array([(0, -y_cm, 0), (0, -radius * squash * 0.9, 0)], np.float32), 2.5, 8)
    parts = [globe, make_part(stick, faces, flat_texture(pick(rng, SOBER)), two_sided=True)]
    return [move_part(part, STILL, np.array([x_cm, y_cm, z_cm], np.float32)) for part in parts]


def tree(rng: np.random.Generator, x_cm: float, z_cm: float) -> list[Part]:
    bark = flat_texture(linear("54483c"), 0.1)
    trunk = wall(bark, (330, 200, 40, 0), (7, 10, 12, 17), (7, 10, 12, 17))
    leaf = linear(("3f5a2c", "566b2f", "2e4a2a", "7a6a2a")[int(rng.integers(4))])
    leaves = np.empty((64, 96, 4), np.float32)
    speckle = 1 + 0.45 * smooth_noise(rng, (64, 96), 30) + 0.25 * rng.standard_normal((64, 96))
    leaves[..., :3], leaves[..., 3] = leaf * np.clip(speckle, 0.15, 2)[..., None], 0.1
    parts = [trunk]
    for _ in range(5):
        radius = float(rng.uniform(70, 120))
        angle = np.linspace(0.05, np.pi - 0.05, 10)
        ragged = radius * np.sin(angle) * (1 + 0.12 * rng.standard_normal(10))
        crown = wall(leaves, radius * np.cos(angle), ragged, ragged, sides=16, occlusion=np.linspace(1.1, 0.4, 10))
        place = np.array([rng.uniform(-70, 70), rng.uniform(350, 480), rng.uniform(-70, 70)], np.float32)
        parts.append(move_part(crown, STILL, place))
    return _at(parts, x_cm, z_cm)


def _at(parts: list[Part], x_cm: float, z_cm: float) -> list[Part]:
    place: Floats = np.array([x_cm, 0.0, z_cm], np.float32)
    return [move_part(part, STILL, place) for part in parts]
