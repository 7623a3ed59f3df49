"""A person's head as parts to draw: built once for an identity, once more for each look, kept while in use."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from hwsim.street.rendered.head.ears import ear_parts, neck_part
from hwsim.street.rendered.head.eyes import paint_eyes
from hwsim.street.rendered.head.hair import Place, beard_parts, hair_parts
from hwsim.street.rendered.head.hairline import paint_hair
from hwsim.street.rendered.head.hairstyle import BeardStyle, HairStyle
from hwsim.street.rendered.head.identity import Identity
from hwsim.street.rendered.head.look import Look
from hwsim.street.rendered.head.shape import Shape
from hwsim.street.rendered.head.skin import paint_skin
from hwsim.street.rendered.head.skull import Skull, build_skull, skull_faces, skull_uv
from hwsim.street.rendered.head.texels import Texels, lay_texels
from hwsim.street.rendered.head.warp import express, warp
from hwsim.street.rendered.head.worn import glasses_parts, hat_parts
from hwsim.street.rendered.mesh import Floats, Part, make_part

PEOPLE_KEPT, LOOKS_KEPT = 48, 48
"""Built heads held at once: about 3.5 MB for each person and 2 MB for each look."""

_FACE_TOP_CM = 5.6
_FACE_FRONT_CM = -1.3
_CHIN_CM = 1.2


@dataclass(frozen=True, eq=False)
class Head:
    """Head coordinates: centimetres, x to the picture's right, y up, z to the viewer, zero between and behind the eyes.

    landmarks_cm: float32 (5, 3), eye, eye, nose tip, mouth corner, mouth corner, left to right in a frontal picture.
    face_cm: float32 (k, 3), the face's outline: surface points in front of the ears, from 5.6 cm above the eyes, the
    upper forehead, to the chin. A face's box in a picture is the least upright rectangle about their projections.
    """

    parts: tuple[Part, ...]
    landmarks_cm: Floats
    face_cm: Floats


@dataclass(frozen=True, eq=False)
class _Bare:
    skull: Skull
    texels: Texels
    skin: Floats


@lru_cache(maxsize=PEOPLE_KEPT)
def _bare(identity: Identity) -> _Bare:
    skull = build_skull(identity.shape)
    texels = lay_texels(skull.vertices, np.random.default_rng([identity.seed, 2]))
    return _Bare(skull, texels, paint_skin(texels, identity.shape, identity.complexion))


@lru_cache(maxsize=LOOKS_KEPT)
def _haired(identity: Identity, style: HairStyle, beard: BeardStyle, hair: tuple[float, float, float]) -> Floats:
    bare = _bare(identity)
    texture = bare.skin.copy()
    paint_hair(
        texture, bare.skull.vertices, bare.texels, identity.shape, identity.complexion, style, beard, np.asarray(hair)
    )
    return texture


@lru_cache(maxsize=PEOPLE_KEPT)
def _beside(identity: Identity) -> tuple[Part, ...]:
    skin, shape = identity.complexion.skin, identity.shape
    ears = ear_parts(_bare(identity).skull, shape, skin, _placer(shape))
    return (*ears, neck_part(skin, identity.sex == "male", shape.fat))


@lru_cache(maxsize=LOOKS_KEPT)
def _hair(identity: Identity, style: HairStyle, hair: tuple[float, float, float], under_hat: bool) -> tuple[Part, ...]:
    return tuple(hair_parts(_bare(identity).skull, style, np.asarray(hair), _placer(identity.shape), under_hat))


def _placer(shape: Shape) -> Place:
    def place(points: NDArray[np.float64]) -> Floats:
        return warp(points, shape)

    return place


@lru_cache(maxsize=LOOKS_KEPT)
def build_head(identity: Identity, look: Look) -> Head:
    """A head with ears, hair, neck and what is worn on it."""
    bare, shape = _bare(identity), identity.shape
    skull = bare.skull
    texture = _haired(identity, look.hairstyle, look.beard, look.hair).copy()
    paint_eyes(texture, bare.texels, shape, identity.complexion, look.gaze)
    moved = express(skull.vertices, shape, look.expression)

    place = _placer(shape)
    face = make_part(
        place(moved), skull_faces(), texture, skull_uv(), skull.occlusion, specular=0.16, gloss=14.0, wrap=0.3
    )
    parts = [
        face,
        *_beside(identity),
        *_hair(identity, look.hairstyle, look.hair, look.hat is not None),
        *beard_parts(skull, shape, look.beard, identity.complexion.beard, moved, place),
    ]
    if look.hat is not None:
        parts += hat_parts(skull, look.hat, place)
    if look.glasses is not None:
        parts += glasses_parts(shape, look.glasses, look.tinted, place)
    landmarks = place(express(skull.landmarks, shape, look.expression))
    return Head(tuple(parts), landmarks, _outline(face, skull, shape))


def _outline(face: Part, skull: Skull, shape: Shape) -> Floats:
    x_y_z = skull.vertices
    inside = (
        (x_y_z[:, 1] < shape.eye_y_cm + _FACE_TOP_CM)
        & (x_y_z[:, 1] > shape.chin_y_cm - _CHIN_CM)
        & (x_y_z[:, 2] > _FACE_FRONT_CM)
    )
    return np.ascontiguousarray(face.vertices[inside])
