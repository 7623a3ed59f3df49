"""A body: its surfaces and skeleton made once for a person and a day, and put into any moment of a stride."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hwsim.street.body import Build
from hwsim.street.rendered.clothes import Outfit
from hwsim.street.rendered.gait import Manner, walk_pose
from hwsim.street.rendered.limbs import limbs
from hwsim.street.rendered.mesh import Floats, Part
from hwsim.street.rendered.skeleton import Bone, Skeleton, Skin, move_skin
from hwsim.street.rendered.torso import trunk

HEAD_TOP_CM = 11.5
NECK_BASE_CM = 13.5
"""The crown above the head's origin, and the neck's end below it: heads are one size, bodies are scaled to them."""

STATURE_CM = 175.0
ORIGIN_CM = np.array([0.0, STATURE_CM - HEAD_TOP_CM, -1.0], np.float32)


@dataclass(frozen=True, eq=False)
class Posed:
    """A body at one moment, feet on the ground. vertices, normals: float32 (n, 3), body space. head_cm: float32 (3,),
    where the head's origin comes to. chest: float32 (3, 3), how the trunk is turned."""

    vertices: Floats
    normals: Floats
    head_cm: Floats
    chest: Floats


@dataclass(frozen=True, eq=False)
class Body:
    """parts with their slices of the vertices at ease, which two bones each move."""

    parts: tuple[Part, ...]
    spans: tuple[slice, ...]
    vertices: Floats
    normals: Floats
    skin: Skin
    skeleton: Skeleton
    manner: Manner
    neck_cm: Floats
    soles: NDArray[np.int64]

    def at(self, stride: float) -> Posed:
        """stride: share of two steps, 0..1."""
        rotations, offsets = self.skeleton.pose(walk_pose(stride, self.manner))
        moved, turned = np.empty_like(self.vertices), np.empty_like(self.normals)
        move_skin(self.vertices, self.normals, self.skin.bones, self.skin.share, rotations, offsets, moved, turned)
        lowest = moved[self.soles, 1].min()
        moved[:, 1] -= lowest
        head = rotations[Bone.CHEST] @ self.neck_cm + offsets[Bone.CHEST]
        head[1] += NECK_BASE_CM - lowest
        return Posed(moved, turned, head, rotations[Bone.CHEST])


def build_body(build: Build, masculine: bool, outfit: Outfit, manner: Manner) -> Body:
    """Everything but the head, its neck's end at the collar."""
    scale = (build.stature_m * 100 - HEAD_TOP_CM - NECK_BASE_CM) / (STATURE_CM - HEAD_TOP_CM - NECK_BASE_CM)
    shoulder_share = 1.02 if masculine else 0.91
    surfaces = trunk(outfit, masculine, build.breadth) + limbs(outfit, shoulder_share, build.breadth)
    parts = tuple(part for part, _ in surfaces)
    ends = np.cumsum([len(part.vertices) for part in parts])
    starts = ends - [len(part.vertices) for part in parts]
    vertices = np.concatenate([part.vertices for part in parts]) * np.float32(scale)
    return Body(
        parts=parts,
        spans=tuple(slice(int(start), int(end)) for start, end in zip(starts, ends, strict=True)),
        vertices=np.ascontiguousarray(vertices, np.float32),
        normals=np.concatenate([part.normals for part in parts]),
        skin=Skin(
            np.concatenate([skin.bones for _, skin in surfaces]), np.concatenate([skin.share for _, skin in surfaces])
        ),
        skeleton=Skeleton.sized(float(scale), shoulder_share),
        manner=manner,
        neck_cm=np.array([0.0, ORIGIN_CM[1] - NECK_BASE_CM, ORIGIN_CM[2]], np.float32) * np.float32(scale),
        soles=np.flatnonzero(vertices[:, 1] < 2.0 * scale),
    )
