"""What light falls where: sun, sky and street lamps over the street, and the shadow a row of houses throws."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hwsim.street.rendered.light import Lighting
from hwsim.street.rendered.mesh import Floats
from hwsim.street.rendered.tilted_view import TiltedView

LAMP_REACH_CM = 420.0
"""A street lamp gives its nominal light at this distance; it falls off with the square."""

FACE_HEIGHT_CM = 155.0
LAMPS_FELT = 2


@dataclass(frozen=True, eq=False)
class Illumination:
    """World space, linear RGB.

    sun: float32 (6,), unit direction towards it, then its colour; black where there is none. sky, ground: float32
    (3,), ambient light from above and below. lamps: float32 (k, 6), place in cm and colour of street lamps.
    shade_x_cm: left of it the houses' shadow lies; beyond_cm: over so much it sets in. shade_share: what sunlight is
    left in it.
    """

    sun: Floats
    sky: Floats
    ground: Floats
    lamps: Floats
    shade_x_cm: float
    shade_share: float
    beyond_cm: float = 80.0

    def sunlit(self, x_cm: float) -> float:
        """The share of sunlight at a place across the street."""
        into = np.clip((x_cm - self.shade_x_cm) / self.beyond_cm, 0, 1)
        return float(self.shade_share + (1 - self.shade_share) * into)

    def on_person(self, x_cm: float, z_cm: float, view: TiltedView) -> Lighting:
        """The light on somebody there, in the camera's space."""
        rows = []
        direction, colour = view.rotation @ self.sun[:3], self.sun[3:] * np.float32(self.sunlit(x_cm))
        if colour.max() > 0.01:
            rows.append(np.concatenate([direction, colour]))
        felt = []
        for post in self.lamps:
            way = post[:3] - np.array([x_cm, FACE_HEIGHT_CM, z_cm], np.float32)
            distance = float(np.linalg.norm(way))
            strength = min(2.5, (LAMP_REACH_CM / distance) ** 2)
            felt.append((-strength, distance, np.concatenate([view.rotation @ (way / distance), post[3:] * strength])))
        rows += [row for _, _, row in sorted(felt, key=lambda one: one[:2])[:LAMPS_FELT]]
        lamps = np.array(rows, np.float32).reshape(-1, 6)
        return Lighting(lamps, self.sky, self.ground, np.ascontiguousarray(view.rotation[:, 1]))
