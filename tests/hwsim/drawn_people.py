"""Drawn heads in place of photographs: an oval in a colour of its own with eyes and a mouth, centred."""

from __future__ import annotations

import colorsys
from pathlib import Path

import cv2
import numpy as np
from hwsim.street.portraits import Portrait, centred_face, cut_portrait
from numpy.typing import NDArray

SIDE_PX = 150


def colour_of(number: int, count: int) -> tuple[int, int, int]:
    """BGR of one of count people; no two alike."""
    red, green, blue = colorsys.hsv_to_rgb(number / count, 0.9, 0.95)
    return round(255 * blue), round(255 * green), round(255 * red)


def draw_photograph(colour: tuple[int, int, int], plain: bool = False, background: int = 60) -> NDArray[np.uint8]:
    """uint8 BGR (150, 150, 3). plain: without eyes and mouth."""
    picture = np.full((SIDE_PX, SIDE_PX, 3), background, np.uint8)
    middle = SIDE_PX // 2
    cv2.ellipse(picture, (middle, middle), (31, 44), 0, 0, 360, colour, -1, cv2.LINE_AA)
    if not plain:
        for x in (-12, 12):
            cv2.circle(picture, (middle + x, middle - 10), 4, (20, 20, 20), -1, cv2.LINE_AA)
        cv2.ellipse(picture, (middle, middle + 20), (12, 4), 0, 0, 360, (40, 30, 90), -1, cv2.LINE_AA)
    return picture


def draw_portraits(count: int, plain: bool = False) -> tuple[Portrait, ...]:
    """People p00, p01, …, each in a colour of its own."""
    portraits = []
    for number in range(count):
        picture = draw_photograph(colour_of(number, count), plain)
        portraits.append(cut_portrait(f"p{number:02d}", picture, centred_face(picture)[0]))
    return tuple(portraits)


def write_people(folder: Path, photographs: dict[str, int]) -> Path:
    """folder/<person>/0.png, 1.png, … for each person and number; no two files alike. The folder."""
    total = sum(photographs.values())
    number = 0
    for person, count in photographs.items():
        (folder / person).mkdir(parents=True)
        for index in range(count):
            cv2.imwrite(str(folder / person / f"{index}.png"), draw_photograph(colour_of(number, total)))
            number += 1
    return folder
