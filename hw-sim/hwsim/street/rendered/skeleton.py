"""The skeleton: bones with their joints, a pose worked out along them, and skin that follows two bones a vertex."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numba import njit
from numpy.typing import NDArray

from hwsim.street.rendered.mesh import Floats


class Bone(IntEnum):
    """Parents before their children. Body space: centimetres, x to the image's right, y up from the ground, z ahead."""

    PELVIS = 0
    CHEST = 1
    UPPER_ARM_RIGHT = 2
    UPPER_ARM_LEFT = 3
    FOREARM_RIGHT = 4
    FOREARM_LEFT = 5
    HAND_RIGHT = 6
    HAND_LEFT = 7
    THIGH_RIGHT = 8
    THIGH_LEFT = 9
    SHIN_RIGHT = 10
    SHIN_LEFT = 11
    FOOT_RIGHT = 12
    FOOT_LEFT = 13


PARENTS: tuple[int, ...] = (-1, 0, 1, 1, 2, 3, 4, 5, 0, 0, 8, 9, 10, 11)

JOINTS_CM: dict[Bone, tuple[float, float, float]] = {
    Bone.PELVIS: (0.0, 98.0, 0.0),
    Bone.CHEST: (0.0, 108.0, 0.0),
    Bone.UPPER_ARM_RIGHT: (17.3, 142.5, -1.0),
    Bone.FOREARM_RIGHT: (20.2, 114.0, -1.0),
    Bone.HAND_RIGHT: (21.3, 89.5, 0.5),
    Bone.THIGH_RIGHT: (9.0, 91.0, 0.0),
    Bone.SHIN_RIGHT: (9.0, 50.0, 0.3),
    Bone.FOOT_RIGHT: (9.0, 8.0, -1.5),
}
"""Standing at ease, 175 cm tall; the left side mirrors the right."""


def side(bone: Bone, left: bool) -> Bone:
    """A right bone's namesake on the left, where wanted."""
    return Bone(bone + 1) if left else bone


@dataclass(frozen=True, eq=False)
class Skeleton:
    """joints_cm: float32 (bones, 3), where each bone turns, standing at ease."""

    joints_cm: Floats

    @classmethod
    def sized(cls, scale: float, shoulder_share: float) -> Skeleton:
        """scale: against 175 cm; shoulder_share: the shoulders' breadth against the mean."""
        joints = np.zeros((len(Bone), 3), np.float32)
        for bone, place in JOINTS_CM.items():
            joints[bone] = place
            if place[0] > 0:
                joints[bone, 0] *= shoulder_share if place[1] > 80 and bone not in (Bone.THIGH_RIGHT,) else 1.0
                joints[side(bone, left=True)] = joints[bone] * [-1, 1, 1]
        return cls(joints * np.float32(scale))

    def pose(self, turns: Mapping[Bone, Floats]) -> tuple[Floats, Floats]:
        """Each bone's rotation and offset, float32 (bones, 3, 3) and (bones, 3), so that a point at ease p comes to
        rotation @ p + offset. turns: each bone's own rotation against its parent; none where not given."""
        rotations = np.empty((len(Bone), 3, 3), np.float32)
        places = np.empty((len(Bone), 3), np.float32)
        still = np.eye(3, dtype=np.float32)
        for bone in Bone:
            parent, own = PARENTS[bone], turns.get(bone, still)
            if parent < 0:
                rotations[bone], places[bone] = own, self.joints_cm[bone]
                continue
            rotations[bone] = rotations[parent] @ own
            arm = self.joints_cm[bone] - self.joints_cm[parent]
            places[bone] = rotations[parent] @ arm + places[parent]
        offsets = places - np.einsum("bij,bj->bi", rotations, self.joints_cm)
        return rotations, offsets.astype(np.float32)


@dataclass(frozen=True, eq=False)
class Skin:
    """Which bones move a vertex. bones: int32 (n, 2). share: float32 (n,), how much the second one does."""

    bones: NDArray[np.int32]
    share: Floats


def follow(first: Bone, second: Bone, share: NDArray[np.floating]) -> Skin:
    """Every vertex between the same two bones."""
    pair = np.tile(np.array([first, second], np.int32), (len(share), 1))
    return Skin(pair, np.clip(share, 0, 1).astype(np.float32))


def blend(at_cm: NDArray[np.floating], start_cm: float, end_cm: float) -> NDArray[np.float64]:
    """0 at start, 1 at end, smoothly (start may be above end)."""
    t = np.clip((np.asarray(at_cm, np.float64) - start_cm) / (end_cm - start_cm), 0, 1)
    return t * t * (3 - 2 * t)


@njit(cache=True)
def move_skin(  # type: ignore[no-untyped-def]
    vertices, normals, bones, share, rotations, offsets, moved, turned
):  # fmt: skip
    """Vertices and normals (n, 3), at ease, into their places in a pose; moved and turned take the results."""
    for k in range(vertices.shape[0]):
        a, b, t = bones[k, 0], bones[k, 1], share[k]
        s = np.float32(1) - t
        for i in range(3):
            p = s * offsets[a, i] + t * offsets[b, i]
            n = np.float32(0)
            for j in range(3):
                m = s * rotations[a, i, j] + t * rotations[b, i, j]
                p += m * vertices[k, j]
                n += m * normals[k, j]
            moved[k, i] = p
            turned[k, i] = n
