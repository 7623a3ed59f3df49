"""What is worn on a head: glasses, clear or dark, and hats."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hwsim.street.rendered.head.draws import Draws
from hwsim.street.rendered.head.hair import Place
from hwsim.street.rendered.head.hairline import smoothstep
from hwsim.street.rendered.head.identity import Glasses
from hwsim.street.rendered.head.shape import Shape
from hwsim.street.rendered.head.skull import Skull, skull_faces, skull_uv
from hwsim.street.rendered.mesh import Part, flat_texture, grid_faces, make_part, tube

HATS = ("beanie", "cap", "brimmed")
_LENS = (0.015, 0.015, 0.018)
_RIM_POINTS = 25
_FULL_TURN = 2 * np.pi


@dataclass(frozen=True)
class Hat:
    """`colour` is linear RGB; `line_y_cm` is how low it sits on the forehead."""

    kind: str
    colour: tuple[float, float, float]
    line_y_cm: float


def sample_hat(draws: Draws) -> Hat:
    red, green, blue = (draws.generator.random(3) ** 1.5 * 0.6 + 0.02).tolist()
    return Hat(draws.pick(HATS, (0.4, 0.4, 0.2)), (red, green, blue), draws.around(4.4, 0.8))


def glasses_parts(shape: Shape, glasses: Glasses, tinted: bool, place: Place) -> list[Part]:
    """Rims, bridge and arms; with `tinted`, dark lenses."""
    wide, high, rim = glasses.half_width_cm, glasses.half_height_cm, glasses.rim_cm
    frame = flat_texture(glasses.colour, 2.0)
    front_z = shape.nose_z_cm - 1.55
    middle_y = shape.eye_y_cm - glasses.drop
    middle_x = wide + 0.85
    angle = np.linspace(0, _FULL_TURN, _RIM_POINTS)
    power = 2 / glasses.squareness
    rim_x = np.sign(np.cos(angle)) * np.abs(np.cos(angle)) ** power * wide
    rim_y = np.sign(np.sin(angle)) * np.abs(np.sin(angle)) ** power * high

    def bar(path: NDArray[np.float64], radius: float) -> Part:
        vertices, faces = tube(path, radius, 5)
        return make_part(place(vertices.astype(np.float64)), faces, frame, specular=0.3, gloss=25.0, two_sided=True)

    parts = [
        bar(
            np.array(
                [[-0.9, middle_y + 0.3, front_z], [0, middle_y + 0.55, front_z + 0.15], [0.9, middle_y + 0.3, front_z]]
            ),
            rim,
        )
    ]
    for side in (-1, 1):
        x = side * middle_x + rim_x
        ring = np.stack([x, middle_y + rim_y, front_z - 0.015 * x**2], 1)
        hinge = (side * (middle_x + wide), middle_y + 0.5 * high, front_z - 0.5)
        temple_x = side * shape.skull_width
        arm = np.array([hinge, (7.9 * temple_x, middle_y + 0.6, 3.0), (8.2 * temple_x, middle_y + 0.4, -1.0)])
        parts += [bar(ring, rim), bar(arm, 0.9 * rim)]
        if tinted:
            centre = np.array([[side * middle_x, middle_y, front_z]])
            corners = np.concatenate([centre, ring[:-1]])
            edge = np.arange(_RIM_POINTS - 1)
            fan = np.stack([0 * edge, 1 + edge, 1 + (edge + 1) % (_RIM_POINTS - 1)], 1).astype(np.int32)
            normals = np.array([[0, 0, 1.0]]) + 0.1 * (corners - centre)
            parts.append(
                make_part(
                    place(corners), fan, flat_texture(_LENS, 3.0), normals=normals.astype(np.float32),
                    specular=0.35, gloss=20.0, two_sided=True,
                )
            )  # fmt: skip
    return parts


def hat_parts(skull: Skull, hat: Hat, place: Place) -> list[Part]:
    y, z = skull.vertices[:, 1], skull.vertices[:, 2]
    depth = y - (hat.line_y_cm + np.where(z < 0, 0.35 * z, 0.0))
    ribbed = 1.0 if hat.kind == "beanie" else 0.0
    lift = np.where(depth > 0, 1.0 * smoothstep(0, 0.35, depth) + 0.6 * ribbed * np.clip(depth / 5, 0, 1), 2.0 * depth)
    faces = skull_faces()
    kept = faces[(depth[faces] > -1).any(1)]
    shade = np.clip(0.85 + 0.22 * ribbed * np.sin(skull_uv()[:, 0] * 260), 0.4, 1.1)
    vertices = place(skull.vertices + skull.normals * lift[:, None])
    parts = [make_part(vertices, kept, flat_texture(hat.colour, 0.1), None, shade, specular=0.05, gloss=6.0)]
    if hat.kind == "beanie":
        return parts
    half_turn = 1.1 if hat.kind == "cap" else np.pi
    reach = (8.0, 11.5, 15.0) if hat.kind == "cap" else (8.0, 11.0, 14.0)
    bearing = np.linspace(-half_turn, half_turn, 33)
    rows = [
        np.stack(
            [
                (7.6 if hat.kind == "cap" else 0.86 * r) * np.sin(bearing) * (0.95 if k else 1.0),
                hat.line_y_cm + 0.5 - (0.25 + 0.36 * np.sin(bearing) ** 2 * (hat.kind == "cap")) * k,
                -0.8 + r * 0.98 * np.cos(bearing) + 0.8 * (k > 0),
            ],
            1,
        )
        for k, r in enumerate(reach)
    ]
    brim = flat_texture(0.9 * np.asarray(hat.colour), 0.1)
    grid = grid_faces(3, 33, wrap=False)
    return [*parts, make_part(place(np.concatenate(rows)), grid, brim, specular=0.05, gloss=6.0, two_sided=True)]
