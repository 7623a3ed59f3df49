"""Clothes: what somebody wears, drawn by lot: cut, colours, patterns, and what is painted on the front."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TypeVar

import numpy as np

from hwsim.street.rendered.fabric import (
    BRIGHT,
    DENIM,
    HEIGHT_PX,
    LIGHT,
    SOBER,
    WIDTH_PX,
    Colour,
    Pattern,
    linear,
    pick,
    weave,
)
from hwsim.street.rendered.mesh import Floats, flat_texture

_Choice = TypeVar("_Choice")


class Cut(Enum):
    """The outermost thing on the chest."""

    T_SHIRT = "t-shirt"
    SHIRT = "shirt"
    SWEATER = "sweater"
    HOODIE = "hoodie"
    JACKET = "jacket"
    PUFFER = "puffer"
    SUIT = "suit"
    COAT = "coat"
    DRESS = "dress"
    WARNING_VEST = "warning vest"


@dataclass(frozen=True)
class Tailoring:
    """Where a cut ends above the ground at 175 cm of stature, how far it stands off the body, and its sleeve's share
    of the arm."""

    hem_cm: float
    ease_cm: float
    sleeve: float


TAILORING: dict[Cut, Tailoring] = {
    Cut.T_SHIRT: Tailoring(90.0, 0.8, 0.33),
    Cut.SHIRT: Tailoring(88.0, 1.0, 1.0),
    Cut.SWEATER: Tailoring(92.0, 1.6, 1.0),
    Cut.HOODIE: Tailoring(90.0, 2.2, 1.0),
    Cut.JACKET: Tailoring(88.0, 2.2, 1.0),
    Cut.PUFFER: Tailoring(84.0, 4.0, 1.0),
    Cut.SUIT: Tailoring(82.0, 1.8, 1.0),
    Cut.COAT: Tailoring(56.0, 2.6, 1.0),
    Cut.DRESS: Tailoring(52.0, 0.8, 0.45),
    Cut.WARNING_VEST: Tailoring(86.0, 3.0, 1.0),
}


class Legwear(Enum):
    """What is on the legs."""

    TROUSERS = "trousers"
    SLIM = "slim"
    SHORTS = "shorts"
    SKIRT = "skirt"
    BARE = "bare"


class Bag(Enum):
    """What is carried."""

    NONE = "none"
    BACKPACK = "backpack"
    SHOULDER = "shoulder"
    HAND = "hand"


@dataclass(frozen=True, eq=False)
class Outfit:
    """Everything worn. Textures: float32 (h, w, 4), linear RGB and shine; those of garments have their front at u 0."""

    cut: Cut
    top: Floats
    sleeve: Floats
    legwear: Legwear
    legs: Floats
    shoes: Floats
    skin: Floats
    scarf: Floats | None
    hood: Floats | None
    bag: Bag
    bag_texture: Floats


def choose_outfit(rng: np.random.Generator, masculine: bool, skin_linear: Colour, warmth: float = 0.5) -> Outfit:
    """skin_linear: linear RGB of the bare skin. warmth: 0 a winter's day, 1 a summer's; fewer coats as it grows."""
    cut = _choose_cut(rng, masculine, warmth)
    colour, second = _colours(rng, cut)
    pattern = _choose_pattern(rng, cut)
    body = weave(rng, colour, pattern, second)
    sleeve = weave(rng, colour, pattern if pattern is not Pattern.BLOCKS else Pattern.PLAIN, second)
    if cut is Cut.WARNING_VEST:
        sleeve = weave(rng, pick(rng, SOBER))
    _paint_front(rng, body, cut, colour)
    skin = flat_texture(skin_linear, 0.3)
    legwear = _choose_legwear(rng, cut, masculine, warmth)
    return Outfit(
        cut=cut,
        top=np.roll(body, -WIDTH_PX // 2, axis=1),
        sleeve=sleeve,
        legwear=legwear,
        legs=_legs_texture(rng, legwear, colour if cut is Cut.SUIT else None),
        shoes=flat_texture(pick(rng, SOBER, SOBER, LIGHT, BRIGHT[:2]), 0.5),
        skin=skin,
        scarf=weave(rng, pick(rng, SOBER, BRIGHT, LIGHT), _of(rng, Pattern.PLAIN, Pattern.CHECK, Pattern.RIBBED))
        if cut in (Cut.COAT, Cut.JACKET, Cut.PUFFER) and rng.random() < 0.35 * (1.3 - warmth)
        else None,
        hood=weave(rng, colour) if cut is Cut.HOODIE or (cut is Cut.PUFFER and rng.random() < 0.5) else None,
        bag=_of(
            rng, *[Bag.NONE] * 6, Bag.BACKPACK, Bag.SHOULDER, Bag.BACKPACK if masculine else Bag.SHOULDER, Bag.HAND
        ),
        bag_texture=weave(rng, pick(rng, SOBER, BRIGHT)),
    )


def _of(rng: np.random.Generator, *choices: _Choice) -> _Choice:
    return choices[int(rng.integers(len(choices)))]


def _choose_cut(rng: np.random.Generator, masculine: bool, warmth: float) -> Cut:
    cold, warm = 1.3 - warmth, 0.3 + warmth
    weights = {
        Cut.T_SHIRT: 1.6 * warm,
        Cut.SHIRT: 1.4 * warm,
        Cut.SWEATER: 1.5,
        Cut.HOODIE: 1.4,
        Cut.JACKET: 2.0 * cold,
        Cut.PUFFER: 1.2 * cold,
        Cut.SUIT: 0.9 if masculine else 0.5,
        Cut.COAT: 1.6 * cold,
        Cut.DRESS: 0.0 if masculine else 1.4 * warm,
        Cut.WARNING_VEST: 0.25,
    }
    chances = np.array(list(weights.values()))
    return list(weights)[int(rng.choice(len(chances), p=chances / chances.sum()))]


def _colours(rng: np.random.Generator, cut: Cut) -> tuple[Colour, Colour]:
    if cut is Cut.WARNING_VEST:
        return np.array([0.75, 0.85, 0.05], np.float32) if rng.random() < 0.6 else linear("f2641e"), linear("d8d8d0")
    palettes = {
        Cut.SUIT: (SOBER,),
        Cut.COAT: (SOBER, SOBER, LIGHT[:6]),
        Cut.JACKET: (SOBER, DENIM, BRIGHT),
        Cut.SHIRT: (LIGHT, LIGHT, DENIM, BRIGHT),
    }.get(cut, (SOBER, LIGHT, BRIGHT))
    return pick(rng, *palettes), pick(rng, SOBER, LIGHT, BRIGHT)


def _choose_pattern(rng: np.random.Generator, cut: Cut) -> Pattern:
    fitting = {
        Cut.PUFFER: (Pattern.QUILTED,),
        Cut.SUIT: (Pattern.PLAIN, Pattern.PLAIN, Pattern.STRIPES_DOWN),
        Cut.COAT: (Pattern.PLAIN, Pattern.PLAIN, Pattern.PLAIN, Pattern.CHECK),
        Cut.JACKET: (Pattern.PLAIN, Pattern.PLAIN, Pattern.PLAIN, Pattern.BLOCKS),
        Cut.SWEATER: (Pattern.PLAIN, Pattern.RIBBED, Pattern.STRIPES_ACROSS, Pattern.BLOCKS),
        Cut.SHIRT: (Pattern.PLAIN, Pattern.PLAIN, Pattern.CHECK, Pattern.STRIPES_DOWN, Pattern.DOTS),
        Cut.DRESS: (Pattern.PLAIN, Pattern.FLOWERS, Pattern.DOTS, Pattern.STRIPES_ACROSS),
        Cut.WARNING_VEST: (Pattern.PLAIN,),
    }.get(cut, (Pattern.PLAIN, Pattern.PLAIN, Pattern.STRIPES_ACROSS, Pattern.BLOCKS))
    return _of(rng, *fitting)


def _paint_front(rng: np.random.Generator, cloth: Floats, cut: Cut, colour: Colour) -> None:
    """Zips, buttons, lapels, prints and bands, on the middle columns of a garment's texture."""
    middle, seam = WIDTH_PX // 2, colour * 0.45
    if cut in (Cut.JACKET, Cut.PUFFER, Cut.HOODIE):
        if rng.random() < 0.75:
            cloth[:, middle - 1 : middle + 1, :3] = seam if rng.random() < 0.6 else linear("9a9a9a")
        for side in (-22, 22):
            row = int(HEIGHT_PX * 0.72)
            cloth[row : row + 22, middle + side - 1 : middle + side + 1, :3] = seam
    elif cut in (Cut.SUIT, Cut.COAT) or (cut is Cut.JACKET and rng.random() < 0.5):
        _paint_opening(rng, cloth, seam, depth=int(HEIGHT_PX * (0.36 if cut is Cut.SUIT else rng.uniform(0.1, 0.24))))
        rows = range(int(HEIGHT_PX * 0.42), int(HEIGHT_PX * 0.8), 16)
        for row in rows:
            cloth[row : row + 3, middle + 3 : middle + 6, :3] = seam * 0.6
    elif cut is Cut.SHIRT:
        cloth[:, middle - 3 : middle + 4, :3] *= 0.85
        for row in range(14, HEIGHT_PX - 10, 18):
            cloth[row : row + 2, middle : middle + 2, :3] = linear("d8d4c8")
        _paint_opening(rng, cloth, seam, depth=10)
    elif cut is Cut.WARNING_VEST:
        for row in (int(HEIGHT_PX * 0.5), int(HEIGHT_PX * 0.72)):
            cloth[row : row + 12, :, :3] = linear("d8d8d0")
        for side in (-24, 24):
            cloth[: HEIGHT_PX // 2, middle + side - 5 : middle + side + 5, :3] = linear("d8d8d0")
    elif cut in (Cut.T_SHIRT, Cut.SWEATER) and rng.random() < 0.4:
        row, wide, tall = int(HEIGHT_PX * 0.28), int(rng.integers(8, 26)), int(rng.integers(8, 28))
        print_colour = pick(rng, BRIGHT, LIGHT)
        cells = rng.random((max(2, tall // 5), max(2, wide // 3))) < 0.6
        mask = np.kron(cells, np.ones((5, 6)))[:tall, : 2 * wide]
        patch = cloth[row : row + mask.shape[0], middle - wide : middle - wide + mask.shape[1], :3]
        patch += (print_colour - patch) * mask[: patch.shape[0], : patch.shape[1], None]
    cloth[-4:, :, :3] *= 0.75
    if cut in (Cut.T_SHIRT, Cut.SWEATER, Cut.DRESS):
        cloth[:3, :, :3] *= 0.7


def _paint_opening(rng: np.random.Generator, cloth: Floats, seam: Colour, depth: int) -> None:
    """The V of an open collar: a shirt in it, now and then a tie, lapels along it."""
    middle, shirt = WIDTH_PX // 2, pick(rng, LIGHT, LIGHT, SOBER)
    tie = pick(rng, BRIGHT, SOBER) if rng.random() < 0.4 and depth > 30 else None
    for row in range(depth):
        half = max(1, round(13 * (1 - row / depth)))
        cloth[row, middle - half - 5 : middle + half + 5, :3] *= 0.72
        cloth[row, middle - half : middle + half, :3] = shirt
        cloth[row, [middle - half - 1, middle + half], :3] = seam
        if tie is not None:
            cloth[row, middle - 2 : middle + 3, :3] = tie


def _choose_legwear(rng: np.random.Generator, cut: Cut, masculine: bool, warmth: float) -> Legwear:
    if cut is Cut.DRESS:
        return Legwear.BARE
    if cut in (Cut.SUIT, Cut.WARNING_VEST):
        return Legwear.TROUSERS
    if not masculine and rng.random() < 0.25:
        return Legwear.SKIRT
    if cut is Cut.T_SHIRT and rng.random() < 0.5 * warmth:
        return Legwear.SHORTS
    return Legwear.SLIM if rng.random() < (0.35 if masculine else 0.6) else Legwear.TROUSERS


def _legs_texture(rng: np.random.Generator, legwear: Legwear, suit: Colour | None) -> Floats:
    if suit is not None:
        return weave(rng, suit)
    if legwear is Legwear.SKIRT:
        return weave(rng, pick(rng, SOBER, BRIGHT), _of(rng, Pattern.PLAIN, Pattern.CHECK, Pattern.FLOWERS))
    return weave(rng, pick(rng, SOBER, SOBER, DENIM, DENIM, LIGHT[1:2]))
