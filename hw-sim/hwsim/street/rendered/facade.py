"""Rows of houses as one texture: walls of many kinds, windows, doors, shop fronts and their signs."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from hwsim.street.rendered.fabric import BRIGHT, LIGHT, SOBER, linear, pick, smooth_noise
from hwsim.street.rendered.mesh import Floats
from hwsim.street.rendered.plane import OPEN

WALLS = ("8a4a38", "7a3f30", "a08a6c", "b9b0a0", "cfc8b8", "6f6c69", "c9b48c", "9c7f74", "d8d2c6", "8e9aa0", "b58d7a")
BRICK = frozenset(WALLS[:3])
STOREY_CM = 330.0
SHOP_CM = 380.0


@dataclass(frozen=True)
class Row:
    """How a row is drawn: centimetres a texel, its length, the tallest house, and the share of windows with light on
    inside (by night)."""

    texel_cm: float
    length_cm: float
    tallest_cm: float = 1400.0
    lit: float = 0.0

    def px(self, length_cm: float) -> int:
        return round(length_cm / self.texel_cm)


def draw_row(rng: np.random.Generator, row: Row) -> Floats:
    """float32 (h, w, 4), its top the tallest house's; linear RGB and own light, OPEN above the roofs."""
    texture = np.zeros((row.px(row.tallest_cm), row.px(row.length_cm), 4), np.float32)
    texture[..., 3] = OPEN
    left = 0
    while left < texture.shape[1] - 4:
        width = min(row.px(rng.uniform(520, 1300)), texture.shape[1] - left)
        if texture.shape[1] - left - width < row.px(400):
            width = texture.shape[1] - left
        storeys = int(rng.integers(1, 4))
        height = min(row.px(SHOP_CM + storeys * STOREY_CM + 60), texture.shape[0])
        _house(rng, texture[texture.shape[0] - height :, left : left + width], row, storeys)
        left += width
    return texture


def _house(rng: np.random.Generator, house: Floats, row: Row, storeys: int) -> None:
    code = WALLS[int(rng.integers(len(WALLS)))]
    height, width = house.shape[:2]
    house[...] = 0.0
    house[..., :3] = linear(code) * rng.uniform(0.75, 1.15) * rng.uniform(0.96, 1.04, 3)
    tone = 1 + 0.08 * smooth_noise(rng, (height, width), 6) + 0.03 * rng.standard_normal((height, width))
    house[..., :3] *= tone.astype(np.float32)[..., None]
    if code in BRICK or rng.random() < 0.2:
        course = max(2, row.px(8))
        house[::course, :, :3] *= 0.72
    trim = linear("d8d4c8") if rng.random() < 0.6 else pick(rng, SOBER)
    cornice = row.px(35)
    house[:cornice, :, :3] = trim * 0.8
    house[cornice : cornice + 2, :, :3] *= 0.5
    house[:, :2, :3] *= 0.6
    window_w, window_h = row.px(rng.uniform(80, 150)), row.px(rng.uniform(130, 200))
    bays = max(1, round(width / (window_w * rng.uniform(1.7, 2.6))))
    for storey in range(storeys):
        top = row.px(60 + storey * STOREY_CM + (STOREY_CM - 170) / 2)
        for bay in range(bays):
            middle = (bay + 0.5) * width / bays
            _window(rng, house, row, int(middle - window_w / 2), top, window_w, window_h, trim)
    _ground_floor(rng, house[height - row.px(SHOP_CM) :], row, trim)


def _glass(rng: np.random.Generator, height: int, width: int, lit: bool) -> Floats:
    """What a pane shows: sky above, dark below, curtains; by night now and then a lamp inside."""
    pane = np.zeros((height, width, 4), np.float32)
    shade = np.linspace(0.30, 0.05, height)[:, None] * (
        1 + 0.5 * smooth_noise(rng, (height, max(4, width)), 4)[:, :width]
    )
    pane[..., :3] = np.clip(shade, 0.015, 0.5)[..., None] * np.array([0.9, 1.0, 1.15], np.float32)
    if rng.random() < 0.5:
        edge = max(1, int(width * rng.uniform(0.12, 0.35)))
        curtain = pick(rng, LIGHT) * 0.6
        pane[:, :edge, :3], pane[:, -edge:, :3] = curtain, curtain
    if lit:
        pane[..., :3] = np.maximum(pane[..., :3], np.array([0.5, 0.4, 0.24], np.float32) * rng.uniform(0.4, 1.0))
        pane[..., 3] = rng.uniform(0.5, 1.1)
    return pane


def _window(
    rng: np.random.Generator, house: Floats, row: Row, left: int, top: int, width: int, height: int, trim: Floats
) -> None:
    right, bottom = min(left + width, house.shape[1] - 2), min(top + height, house.shape[0] - 2)
    left = max(2, left)
    if right - left < 4 or bottom - top < 4:
        return
    edge = max(1, row.px(8))
    house[max(0, top - edge) : bottom + edge, max(0, left - edge) : right + edge, :3] = trim
    house[top:bottom, left:right] = _glass(rng, bottom - top, right - left, rng.random() < row.lit)
    middle = (left + right) // 2
    bar = max(1, row.px(4))
    house[top:bottom, middle : middle + bar, :3] = trim * 0.9
    house[(top + bottom) // 2 : (top + bottom) // 2 + bar, left:right, :3] = trim * 0.9
    house[top : top + bar, left:right, :3] *= 0.5
    house[bottom + edge : bottom + 2 * edge, left - edge : right + edge, :3] *= 0.55


def _ground_floor(rng: np.random.Generator, front: Floats, row: Row, trim: Floats) -> None:
    height, width = front.shape[:2]
    door_w, door_h = row.px(100), row.px(215)
    shop = rng.random() < 0.65 and width > row.px(400)
    door_left = int(rng.integers(row.px(20), max(row.px(20) + 1, width - door_w - row.px(20))))
    if shop:
        colour = pick(rng, SOBER, BRIGHT)
        front[row.px(30) :, :, :3] = colour * 0.8
        front[row.px(30) : row.px(36), :, :3] = trim
        glass_top, glass_bottom = row.px(110), height - row.px(55)
        for left, right in (
            (row.px(20), door_left - row.px(15)),
            (door_left + door_w + row.px(15), width - row.px(20)),
        ):
            if right - left > row.px(60):
                pane = _glass(rng, glass_bottom - glass_top, right - left, rng.random() < row.lit * 1.4)
                _display(rng, pane)
                front[glass_top:glass_bottom, left:right] = pane
        _sign(rng, front[row.px(40) : row.px(98), row.px(15) : width - row.px(15)], row.lit > 0)
    else:
        front[-row.px(60) :, :, :3] *= 0.7
        for left in range(row.px(60), width - row.px(150), row.px(260)):
            if abs(left + row.px(60) - door_left - door_w / 2) > row.px(140):
                _window(rng, front, row, left, row.px(120), row.px(120), row.px(150), trim)
    top = height - door_h
    front[top - row.px(8) :, door_left - row.px(8) : door_left + door_w + row.px(8), :3] = trim * 0.8
    front[top:, door_left : door_left + door_w, :3] = pick(rng, SOBER, BRIGHT) * 0.8
    panel = _glass(rng, row.px(80), max(4, door_w - row.px(40)), rng.random() < row.lit)
    into = front[top + row.px(20) : top + row.px(20) + panel.shape[0], door_left + row.px(20) :][:, : panel.shape[1]]
    into[...] = panel[: into.shape[0], : into.shape[1]]


def _display(rng: np.random.Generator, pane: Floats) -> None:
    """Goods behind the glass: boxes, balls and posters."""
    height, width = pane.shape[:2]
    colours = np.ascontiguousarray(pane[..., :3])
    for _ in range(int(rng.integers(2, 9))):
        x, y = int(rng.integers(0, width)), int(rng.integers(height // 4, height))
        size, colour = int(rng.integers(3, max(4, height // 4))), [float(v) for v in pick(rng, BRIGHT, LIGHT) * 0.5]
        if rng.random() < 0.5:
            cv2.rectangle(colours, (x, y), (x + size, min(height, y + 2 * size)), colour, -1)
        else:
            cv2.circle(colours, (x, y), size, colour, -1)
    pane[..., :3] = colours


def _sign(rng: np.random.Generator, board: Floats, night: bool) -> None:
    """A board with strokes like letters; by night it may shine."""
    height, width = board.shape[:2]
    if height < 6 or width < 20:
        return
    board[..., :3] = pick(rng, SOBER, BRIGHT, LIGHT)
    ink = pick(rng, LIGHT, BRIGHT)
    if night and rng.random() < 0.5:
        board[..., 3] = 0.5
    letter, gap = max(3, int(height * rng.uniform(0.35, 0.6))), 0
    x = int(rng.integers(4, max(5, width // 4)))
    for _ in range(int(rng.integers(4, 12))):
        if x + letter > width - 4:
            break
        glyph = rng.random((5, 3)) < 0.6
        cells = np.kron(glyph, np.ones((max(1, letter // 5), max(1, letter // 5)), bool))
        patch = board[(height - cells.shape[0]) // 2 :, x:, :3][: cells.shape[0], : cells.shape[1]]
        patch[cells[: patch.shape[0], : patch.shape[1]]] = ink
        gap = max(1, letter // 5) if rng.random() < 0.85 else letter
        x += cells.shape[1] + gap
