"""Walking: every joint's angle at a moment of the stride.

Joint curves after Winter, Biomechanics and Motor Control of Human Movement, and Perry, Gait Analysis: degrees at
shares of a stride that begins as the heel strikes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hwsim.street.rendered.mesh import Floats, turn
from hwsim.street.rendered.skeleton import Bone, side

SHARES = (0.0, 0.08, 0.15, 0.3, 0.42, 0.52, 0.6, 0.68, 0.75, 0.85, 0.93, 1.0)
HIP_DEG = (27.0, 25.0, 21.0, 6.0, -6.0, -11.0, -6.0, 8.0, 19.0, 29.0, 29.0, 27.0)
KNEE_DEG = (4.0, 13.0, 17.0, 9.0, 5.0, 12.0, 34.0, 57.0, 60.0, 38.0, 10.0, 4.0)
ANKLE_DEG = (0.0, -6.0, 0.0, 6.0, 10.0, 4.0, -14.0, -12.0, -3.0, 1.0, 0.0, 0.0)


@dataclass(frozen=True)
class Manner:
    """How somebody walks: length of step and swing of the arms against the mean, bend of the elbows, a lean ahead."""

    step: float
    swing: float
    elbow_deg: float
    lean_deg: float
    hands_in_pockets: bool

    @classmethod
    def sample(cls, rng: np.random.Generator) -> Manner:
        return cls(
            step=float(rng.uniform(0.85, 1.12)),
            swing=float(rng.uniform(0.4, 1.2)),
            elbow_deg=float(rng.uniform(8, 28)),
            lean_deg=float(rng.uniform(-1.5, 5)),
            hands_in_pockets=bool(rng.random() < 0.12),
        )


def walk_pose(stride: float, manner: Manner) -> dict[Bone, Floats]:
    """Each bone's own turn at a share of the stride 0..1."""
    cycle = 2 * np.pi * stride
    pelvis, chest = 0.07 * float(np.cos(cycle)), -0.13 * float(np.cos(cycle)) * manner.swing
    turns = {
        Bone.PELVIS: turn(pelvis, 0.0, 0.03 * float(np.sin(cycle))),
        Bone.CHEST: turn(chest - pelvis, float(np.deg2rad(manner.lean_deg)), -0.03 * float(np.sin(cycle))),
    }
    for left in (False, True):
        at = (stride + 0.5) % 1.0 if left else stride
        hip, knee, ankle = (float(np.interp(at, SHARES, curve)) for curve in (HIP_DEG, KNEE_DEG, ANKLE_DEG))
        turns[side(Bone.THIGH_RIGHT, left)] = _bend(-hip * manner.step)
        turns[side(Bone.SHIN_RIGHT, left)] = _bend(knee)
        turns[side(Bone.FOOT_RIGHT, left)] = _bend(-ankle)
        turns |= _arm(at, manner, left)
    return turns


def _arm(at: float, manner: Manner, left: bool) -> dict[Bone, Floats]:
    outward = -1.0 if left else 1.0
    if manner.hands_in_pockets:
        return {
            side(Bone.UPPER_ARM_RIGHT, left): turn(0.0, 0.35, 0.16 * outward),
            side(Bone.FOREARM_RIGHT, left): turn(0.0, -0.55, -0.35 * outward),
        }
    swing = -float(np.cos(2 * np.pi * at))
    return {
        side(Bone.UPPER_ARM_RIGHT, left): turn(0.0, -0.30 * manner.swing * swing + 0.03, 0.07 * outward),
        side(Bone.FOREARM_RIGHT, left): _bend(-manner.elbow_deg - 14 * manner.swing * max(0.0, swing)),
        side(Bone.HAND_RIGHT, left): turn(0.0, -0.15, -0.05 * outward),
    }


def _bend(angle_deg: float) -> Floats:
    sine, cosine = float(np.sin(np.deg2rad(angle_deg))), float(np.cos(np.deg2rad(angle_deg)))
    return np.array([[1, 0, 0], [0, cosine, -sine], [0, sine, cosine]], np.float32)
