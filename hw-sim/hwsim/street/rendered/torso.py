"""The trunk's surfaces, standing at ease: garment, hips, skirt, collar, hood, scarf and bags."""

from __future__ import annotations

import numpy as np

from hwsim.street.rendered.clothes import TAILORING, Bag, Cut, Legwear, Outfit
from hwsim.street.rendered.mesh import Floats, Part, make_part, tube
from hwsim.street.rendered.skeleton import Bone, Skin, blend, follow
from hwsim.street.rendered.wall import wall

SIDES = 28

HEIGHTS_CM = (150.5, 149.0, 146.8, 144.3, 141.0, 137.0, 131.0, 124.0, 114.0, 106.0, 100.0, 94.0, 88.0, 82.0)
CENTRES_Z_CM = (-2.6, -2.6, -2.5, -2.2, -1.8, -1.2, -0.4, 0.0, 0.2, 0.2, 0.0, -0.3, -0.4, -0.3)
MALE_WIDTH_CM = (6.6, 10.0, 14.6, 17.2, 18.2, 18.4, 18.0, 17.3, 16.2, 15.8, 16.2, 16.8, 16.8, 16.0)
FEMALE_WIDTH_CM = (6.0, 9.0, 12.8, 15.0, 16.0, 16.2, 15.8, 15.0, 13.4, 14.2, 16.0, 17.4, 17.6, 16.8)
MALE_DEPTH_CM = (6.5, 7.4, 8.6, 9.6, 10.6, 11.4, 12.0, 11.8, 11.2, 10.8, 10.8, 11.0, 11.0, 10.4)
FEMALE_DEPTH_CM = (6.0, 6.8, 7.9, 9.0, 10.4, 11.8, 12.6, 11.4, 9.8, 10.0, 10.9, 11.6, 11.8, 11.2)
"""Outlines from the collar to the thighs, half widths and half depths, after anthropometric tables' means."""

Surface = tuple[Part, Skin]


def trunk(outfit: Outfit, masculine: bool, breadth: float) -> list[Surface]:
    """Everything that hangs on chest and pelvis, at 175 cm. breadth: girth against the mean."""
    surfaces = [_garment(outfit, masculine, breadth), _on_chest(_nape(outfit.skin))]
    if outfit.legwear not in (Legwear.SKIRT, Legwear.BARE):
        surfaces.append(_hips(outfit, masculine, breadth))
    elif outfit.legwear is Legwear.SKIRT:
        surfaces.append(_skirt(outfit, masculine, breadth))
    if outfit.hood is not None:
        surfaces.append(_hood(outfit.hood, breadth))
    if outfit.scarf is not None:
        surfaces += _scarf(outfit.scarf, breadth)
    return surfaces + _bag(outfit, breadth)


def outline(masculine: bool, height_cm: Floats) -> tuple[Floats, Floats, Floats]:
    """Half width, half depth and centre along z of the bare trunk at heights: float32 (n,) each."""
    widths, depths = (MALE_WIDTH_CM, MALE_DEPTH_CM) if masculine else (FEMALE_WIDTH_CM, FEMALE_DEPTH_CM)
    rising = HEIGHTS_CM[::-1]
    wide, deep, centre = (
        np.interp(height_cm, rising, values[::-1]).astype(np.float32) for values in (widths, depths, CENTRES_Z_CM)
    )
    return wide, deep, centre


def hanging(vertices: Floats) -> Skin:
    """Cloth below the hips: it follows the thigh on its side, the more the lower and the further out it hangs."""
    lower = blend(vertices[:, 1], 96.0, 64.0) * 0.95 * blend(np.abs(vertices[:, 0]), 0.0, 5.0)
    thigh = np.where(vertices[:, 0] > 0, Bone.THIGH_RIGHT, Bone.THIGH_LEFT)
    bones = np.stack([np.full(len(vertices), Bone.PELVIS), thigh], 1).astype(np.int32)
    return Skin(bones, lower.astype(np.float32))


def _nape(skin: Floats) -> Part:
    """What a collar shows inside it, below where the head's own neck ends."""
    return wall(skin, (153.0, 152.9, 150.0, 148.0), (0.1, 4.6, 5.4, 8.0), (0.1, 4.9, 5.6, 6.6), 0.0, -2.6, sides=20)


def _garment(outfit: Outfit, masculine: bool, breadth: float) -> Surface:
    tailoring = TAILORING[outfit.cut]
    upper = np.array([h for h in HEIGHTS_CM if h > tailoring.hem_cm + 1], np.float32)
    below = np.arange(76.0, tailoring.hem_cm, -7.0, dtype=np.float32)
    height = np.concatenate([upper, below, [np.float32(tailoring.hem_cm)]]).astype(np.float32)
    wide, deep, z = outline(masculine, height)
    flare = blend(height, 96.0, 50.0).astype(np.float32)
    ease = tailoring.ease_cm * blend(height, 151.0, 141.0).astype(np.float32) + np.float32(0.4)
    belly = np.exp(-(((height - 108) / 14) ** 2)).astype(np.float32) * max(0.0, breadth - 1.0) * 24
    wide = wide * breadth + ease + flare * (4.5 if outfit.cut is Cut.DRESS else 2.0)
    deep = deep * (0.5 + 0.5 * breadth) + ease + belly + flare * 3.5
    if outfit.cut is Cut.PUFFER:
        wide = wide + 0.6 * np.sin(height * 1.1).astype(np.float32)
    shade = (1 - 0.35 * np.exp(-(((height - 151) / 3.0) ** 2))).astype(np.float32)
    part = wall(outfit.top, height, wide, deep, 0.0, z, sides=SIDES, squareness=2.4, occlusion=shade)
    skin = follow(Bone.PELVIS, Bone.CHEST, blend(part.vertices[:, 1], 98, 116))
    hem = hanging(part.vertices)
    low = part.vertices[:, 1] < 92
    return part, Skin(
        np.where(low[:, None], hem.bones, skin.bones).astype(np.int32), np.where(low, hem.share, skin.share)
    )


def _hips(outfit: Outfit, masculine: bool, breadth: float) -> Surface:
    height = np.array([105, 100, 94, 88, 83, 79.5], np.float32)
    wide, deep, z = outline(masculine, height)
    narrowing = np.array([1, 1, 1, 1, 0.93, 0.72], np.float32)
    part = wall(
        outfit.legs,
        height,
        (wide * breadth + 0.3) * narrowing,
        (deep + 0.3) * narrowing,
        0.0,
        z,
        sides=SIDES,
        squareness=2.4,
    )
    return part, follow(Bone.PELVIS, Bone.PELVIS, np.zeros(len(part.vertices)))


def _skirt(outfit: Outfit, masculine: bool, breadth: float) -> Surface:
    height = np.array([106, 100, 94, 88, 80, 72, 64, 57], np.float32)
    wide, deep, z = outline(masculine, np.maximum(height, 86))
    flare = blend(height, 96, 57).astype(np.float32)
    part = wall(outfit.legs, height, wide * breadth + 0.6 + 5 * flare, deep + 0.6 + 6 * flare, 0.0, z, sides=SIDES)
    return part, hanging(part.vertices)


def _on_chest(part: Part) -> Surface:
    return part, follow(Bone.CHEST, Bone.CHEST, np.zeros(len(part.vertices)))


def _hood(texture: Floats, breadth: float) -> Surface:
    height = np.array([153.5, 153, 151, 148, 144.5, 141, 139.5], np.float32)
    wide = np.array([5.0, 8.0, 10.5, 12.0, 11.0, 7.5, 3.0], np.float32) * np.float32(breadth)
    deep = np.array([1.5, 3.2, 4.6, 5.4, 5.2, 3.8, 1.5], np.float32)
    z = np.array([-8.5, -8.6, -9, -9.8, -10.6, -11.2, -11.4], np.float32)
    return _on_chest(wall(texture, height, wide, deep, 0.0, z, sides=SIDES, occlusion=0.85))


def _scarf(texture: Floats, breadth: float) -> list[Surface]:
    height = np.array([154, 153.2, 151, 148.5, 146, 144.6], np.float32)
    wide = np.array([6.4, 8.4, 9.6, 10.4, 10.0, 8.0], np.float32) * np.float32(breadth)
    ring = wall(texture, height, wide, wide * 0.98, 0.0, -1.4, sides=SIDES, squareness=2.0)
    drop = np.array([147, 140, 130, 120, 114], np.float32)
    tail_wide = np.array([3.2, 4.0, 4.4, 4.6, 4.6], np.float32)
    tail = wall(texture, drop, tail_wide, np.full(5, 1.2), 5.0, np.array([9.0, 12.6, 14.2, 13.6, 13.2]), squareness=3.0)
    return [_on_chest(ring), _on_chest(tail)]


def _bag(outfit: Outfit, breadth: float) -> list[Surface]:
    out = TAILORING[outfit.cut].ease_cm + 1.0
    if outfit.bag is Bag.BACKPACK:
        return _backpack(outfit.bag_texture, out)
    if outfit.bag is Bag.SHOULDER:
        return _shoulder_bag(outfit.bag_texture, out, (17.5 + out) * breadth + 5.5)
    return []


def _backpack(texture: Floats, out_cm: float) -> list[Surface]:
    height = np.array([146, 145, 140, 130, 118, 108, 104, 103, 102.9])
    wide = np.array([6, 11, 13.5, 14.5, 15, 15, 13, 9, 0.1])
    deep = np.array([2, 5, 7, 8, 8.5, 8.5, 7, 4, 0.1])
    sack = wall(texture, height, wide, deep, 0.0, -18.5 - out_cm, sides=SIDES, squareness=3.0)
    straps = []
    for x in (-11.5, 11.5):
        path = [(x, 143.5, -11), (x, 148.8 + out_cm * 0.4, -3), (x, 146, 6 + out_cm), (x * 1.1, 136, 10.8 + out_cm)]
        path += [(x * 1.25, 124, 10.4 + out_cm), (x * 1.5, 116, 6 + out_cm)]
        straps.append(_band(texture, path, 2.0))
    return [_on_chest(sack), *straps]


def _shoulder_bag(texture: Floats, out_cm: float, side_cm: float) -> list[Surface]:
    height = np.array([96, 95, 90, 82, 75, 74, 73.9])
    wide = np.array([2, 4, 4.6, 4.8, 4.4, 2, 0.1])
    deep = np.array([6, 12, 14, 14.5, 14, 9, 0.1])
    sack = wall(texture, height, wide, deep, side_cm, 1.0, sides=16, squareness=4.0, specular=0.1)
    path = [(-9, 149.2 + out_cm * 0.5, -3), (-7.5, 145, 6.5 + out_cm), (-2, 134, 11.6 + out_cm)]
    path += [(6, 120, 11.6 + out_cm), (14, 106, 8.6 + out_cm), (side_cm, 95, 2)]
    on_pelvis = follow(Bone.PELVIS, Bone.PELVIS, np.zeros(len(sack.vertices)))
    return [(sack, on_pelvis), _band(texture, path, 1.8)]


def _band(texture: Floats, path: list[tuple[float, float, float]], radius_cm: float) -> Surface:
    vertices, faces = tube(np.array(path, np.float32), radius_cm, 8)
    return _on_chest(make_part(vertices, faces, texture, specular=0.04, two_sided=True))
