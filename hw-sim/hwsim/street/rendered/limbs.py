"""The limbs' surfaces, standing at ease: sleeves and arms, hands, legs and shoes. Made right, mirrored left."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hwsim.street.rendered.clothes import TAILORING, Bag, Cut, Legwear, Outfit
from hwsim.street.rendered.mesh import Floats, Part
from hwsim.street.rendered.skeleton import Bone, Skin, blend, follow, side
from hwsim.street.rendered.wall import wall

ARM_SIDES, LEG_SIDES = 12, 14

ARM = np.array(
    # height, centre x, half width, half depth
    [
        (147.2, 13.8, 0.8, 0.8),
        (146.6, 14.4, 3.0, 3.0),
        (145.0, 15.4, 4.6, 4.6),
        (142.4, 16.4, 5.4, 5.6),
        (139.0, 17.1, 5.7, 6.1),
        (134.0, 17.9, 5.4, 5.9),
        (126.0, 18.8, 4.9, 5.4),
        (119.0, 19.5, 4.5, 4.9),
        (114.0, 19.9, 4.3, 4.6),
        (109.0, 20.2, 4.2, 4.5),
        (102.0, 20.5, 3.9, 4.3),
        (95.0, 20.9, 3.3, 3.6),
        (90.0, 21.2, 2.8, 3.0),
    ],
    np.float32,
)
HAND = np.array(
    # height, half width, half depth, centre z
    [
        (91.0, 2.2, 2.7, 0.2),
        (88.0, 2.0, 3.4, 0.6),
        (84.5, 1.9, 4.2, 1.2),
        (80.5, 1.8, 4.3, 1.8),
        (76.5, 1.5, 3.6, 2.6),
        (73.0, 1.2, 2.6, 3.4),
        (71.5, 0.6, 1.4, 3.8),
    ],
    np.float32,
)
LEG = np.array(
    # height, half width, half depth, centre z
    [
        (99.0, 8.2, 9.0, 0.0),
        (93.0, 9.0, 10.2, -0.2),
        (86.0, 8.9, 10.0, -0.2),
        (77.0, 8.2, 9.0, 0.0),
        (67.0, 7.3, 7.9, 0.2),
        (58.0, 6.4, 6.8, 0.4),
        (53.0, 6.0, 6.3, 0.5),
        (48.0, 5.8, 6.0, 0.3),
        (43.0, 5.6, 5.8, -0.2),
        (35.0, 5.6, 6.0, -1.0),
        (26.0, 4.8, 5.0, -1.2),
        (17.0, 4.0, 4.1, -1.4),
        (10.0, 3.7, 3.9, -1.5),
        (5.5, 3.6, 3.9, -1.4),
    ],
    np.float32,
)
SHOE = np.array(
    # height, half width, half length, centre z
    [
        (12.0, 3.9, 4.3, -1.6),
        (9.5, 4.2, 5.2, -1.2),
        (7.5, 4.5, 7.4, 0.8),
        (5.5, 4.8, 10.4, 3.4),
        (3.2, 5.0, 12.6, 4.6),
        (1.5, 5.1, 13.2, 4.8),
        (0.0, 5.0, 13.0, 4.8),
    ],
    np.float32,
)

BARE_BELOW_CM = {Legwear.SHORTS: 70.0, Legwear.SKIRT: 68.0, Legwear.BARE: 60.0}
"""Legs under cloth are left out above that, where a stride would push them through it."""

Surface = tuple[Part, Skin]


def limbs(outfit: Outfit, shoulder_share: float, breadth: float) -> list[Surface]:
    """Both arms and both legs, at 175 cm. shoulder_share: the shoulders' breadth against the mean."""
    surfaces: list[Surface] = []
    for left in (False, True):
        surfaces += _arm(outfit, shoulder_share, breadth, left)
        surfaces += _leg(outfit, breadth, left)
    return surfaces


def _tapered(
    texture: Floats,
    rows: NDArray[np.float32],
    x_cm: Floats | float,
    z_cm: Floats | float,
    sides: int,
    left: bool,
    specular: float = 0.04,
    squareness: float = 2.1,
) -> Part:
    """A wall of rows (height, half width, half depth), on either side of the body."""
    return wall(
        texture,
        rows[:, 0],
        rows[:, 1],
        rows[:, 2],
        x_cm,
        z_cm,
        sides=sides,
        squareness=squareness,
        mirrored=left,
        specular=specular,
    )


def _arm(outfit: Outfit, shoulder_share: float, breadth: float, left: bool) -> list[Surface]:
    tailoring = TAILORING[outfit.cut]
    thick = np.float32(0.6 + 0.4 * breadth)
    ends_cm = 149.0 - 60.0 * tailoring.sleeve
    surfaces = []
    for texture, rows, ease in (
        (outfit.sleeve, ARM[ARM[:, 0] >= ends_cm - 1], 0.35 * tailoring.ease_cm + 0.3),
        (outfit.skin, ARM[ARM[:, 0] <= ends_cm + 12], 0.0),
    ):
        if len(rows) < 3 or (texture is outfit.skin and tailoring.sleeve == 1.0):
            continue
        padding = ease * blend(rows[:, 0], 147.5, 140.0).astype(np.float32)
        if outfit.cut is Cut.PUFFER:
            padding = padding + 0.5 * np.sin(rows[:, 0] * 0.9).astype(np.float32)
        shape = np.stack([rows[:, 0], rows[:, 2] * thick + padding, rows[:, 3] * thick + padding], 1)
        z = np.interp(rows[:, 0], (90.0, 114.0, 150.0), (0.3, -1.0, -1.6)).astype(np.float32)
        x = rows[:, 1] * np.float32(shoulder_share) + (breadth - 1) * 4
        part = _tapered(texture, shape, x, z, ARM_SIDES, left)
        surfaces.append((part, _arm_skin(part.vertices[:, 1], left)))
    x_hand = (float(ARM[-1, 1]) + 0.2) * shoulder_share + (breadth - 1) * 4
    palm = _tapered(outfit.skin, HAND[:, :3], x_hand, HAND[:, 3], 10, left, 0.1)
    thumb_rows = np.array([(88.5, 0.9, 1.0), (86, 1.2, 1.3), (82, 1.1, 1.2), (79, 0.6, 0.7)], np.float32)
    thumb = _tapered(outfit.skin, thumb_rows, x_hand - 1.2, np.array([3.6, 4.8, 6.0, 6.6]), 6, left, 0.1)
    hand = side(Bone.HAND_RIGHT, left)
    for part in (palm, thumb):
        surfaces.append((part, follow(side(Bone.FOREARM_RIGHT, left), hand, blend(part.vertices[:, 1], 91.5, 88.0))))
    if outfit.bag is Bag.HAND and left:
        rows = np.array(
            [(70, 3, 9), (69, 4.5, 14), (58, 5, 15), (46, 5, 15), (45, 4, 12), (44.9, 0.1, 0.1)], np.float32
        )
        sack = _tapered(outfit.bag_texture, rows, x_hand, 2.5, 14, left, squareness=4.0)
        surfaces.append((sack, follow(hand, hand, np.zeros(len(sack.vertices)))))
    return surfaces


def _arm_skin(height_cm: Floats, left: bool) -> Skin:
    """From the chest over the shoulder to the upper arm, and from the elbow down to the forearm."""
    upper, fore = side(Bone.UPPER_ARM_RIGHT, left), side(Bone.FOREARM_RIGHT, left)
    shoulder = follow(Bone.CHEST, upper, blend(height_cm, 148.5, 138.0))
    elbow = follow(upper, fore, blend(height_cm, 119.5, 108.5))
    above = height_cm > 128
    return Skin(
        np.where(above[:, None], shoulder.bones, elbow.bones).astype(np.int32),
        np.where(above, shoulder.share, elbow.share),
    )


def _leg(outfit: Outfit, breadth: float, left: bool) -> list[Surface]:
    thick = np.float32(0.55 + 0.45 * breadth)
    surfaces = []
    covered = outfit.legwear in (Legwear.TROUSERS, Legwear.SLIM)
    if outfit.legwear is Legwear.SHORTS:
        surfaces.append(_leg_part(outfit.legs, LEG[LEG[:, 0] > 50], thick, 1.6, left))
    loose = 0.9 if outfit.legwear is Legwear.TROUSERS else 0.2
    texture = outfit.legs if covered else outfit.skin
    rows = LEG if covered else LEG[LEG[:, 0] < BARE_BELOW_CM[outfit.legwear]]
    surfaces.append(_leg_part(texture, rows, thick, loose if covered else 0.0, left))
    shoe = _tapered(outfit.shoes, SHOE[:, :3], 9.0, SHOE[:, 3], 16, left, 0.12, 2.3)
    skin = follow(side(Bone.SHIN_RIGHT, left), side(Bone.FOOT_RIGHT, left), blend(shoe.vertices[:, 1], 12.0, 7.0))
    return [*surfaces, (shoe, skin)]


def _leg_part(texture: Floats, rows: NDArray[np.float32], thick: np.float32, loose_cm: float, left: bool) -> Surface:
    ease = loose_cm * blend(rows[:, 0], 95.0, 20.0).astype(np.float32)
    calf = (0.55 + 0.45 * thick) if loose_cm else thick
    girth = np.where(rows[:, 0] > 45, thick, calf).astype(np.float32)
    shape = np.stack([rows[:, 0], rows[:, 1] * girth + ease, rows[:, 2] * girth + ease], 1)
    part = _tapered(texture, shape, 9.0, rows[:, 3], LEG_SIDES, left)
    height = part.vertices[:, 1]
    thigh, shin, foot = (side(bone, left) for bone in (Bone.THIGH_RIGHT, Bone.SHIN_RIGHT, Bone.FOOT_RIGHT))
    hip = follow(Bone.PELVIS, thigh, blend(height, 99.5, 86.0))
    knee = follow(thigh, shin, blend(height, 55.5, 44.5))
    ankle = follow(shin, foot, 0.6 * blend(height, 9.0, 5.0))
    high, low = height > 70, height < 25
    bones = np.where(high[:, None], hip.bones, np.where(low[:, None], ankle.bones, knee.bones))
    share = np.where(high, hip.share, np.where(low, ankle.share, knee.share))
    return part, Skin(bones.astype(np.int32), share.astype(np.float32))
