"""Backgrounds that are no street: colours, shapes, patterns, and things a detector could take for a face."""

from __future__ import annotations

import cv2
import numpy as np

from hwsim.street.rendered.fabric import BRIGHT, LIGHT, SOBER, linear, pick
from hwsim.street.rendered.mesh import Floats

SKINS = ("e8c4a8", "c68e6a", "8d5a3b", "5a3825", "d9a98a")
SHAPES_AT_MOST, LIKENESSES_AT_MOST = 14, 5


def draw_clutter(rng: np.random.Generator, width_px: int, height_px: int) -> Floats:
    """float32 (h, w, 3), linear RGB."""
    down = np.linspace(0, 1, height_px, dtype=np.float32)[:, None, None]
    picture = (pick(rng, SOBER, LIGHT, BRIGHT) * (1 - down) + pick(rng, SOBER, LIGHT) * down).astype(np.float32)
    picture = np.ascontiguousarray(np.broadcast_to(picture, (height_px, width_px, 3)))
    for _ in range(int(rng.integers(2, SHAPES_AT_MOST))):
        _shape(rng, picture)
    blur = float(rng.uniform(0, 4))
    if blur > 0.5:
        picture = np.asarray(cv2.GaussianBlur(picture, (0, 0), blur), np.float32)
    for _ in range(int(rng.integers(0, LIKENESSES_AT_MOST))):
        _likeness(rng, picture)
    return np.clip(picture, 0.002, 1.2)


def _colour(rng: np.random.Generator) -> tuple[float, float, float]:
    red, green, blue = (float(v) for v in pick(rng, SOBER, LIGHT, BRIGHT))
    return red, green, blue


def _shape(rng: np.random.Generator, picture: Floats) -> None:
    height, width = picture.shape[:2]
    x, y = int(rng.integers(-width // 4, width)), int(rng.integers(-height // 4, height))
    wide, tall = int(rng.integers(3, width)), int(rng.integers(3, height))
    kind = int(rng.integers(5))
    if kind == 0:
        cv2.rectangle(picture, (x, y), (x + wide, y + tall), _colour(rng), -1)
    elif kind == 1:
        cv2.ellipse(
            picture, (x, y), (wide // 3 + 1, tall // 3 + 1), float(rng.uniform(0, 180)), 0, 360, _colour(rng), -1
        )
    elif kind == 2:
        cv2.line(picture, (x, y), (x + wide, y + tall), _colour(rng), int(rng.integers(1, 9)), cv2.LINE_AA)
    elif kind == 3:
        cells = int(rng.integers(2, 24))
        grid = rng.standard_normal((cells, cells)).astype(np.float32)
        picture *= 1 + 0.35 * cv2.resize(grid, (width, height), interpolation=cv2.INTER_LINEAR)[..., None]
    else:
        step, colour = int(rng.integers(4, 24)), _colour(rng)
        for k in range(x, x + wide, step):
            cv2.line(picture, (k, y), (k, y + tall), colour, max(1, step // 3))


def _likeness(rng: np.random.Generator, picture: Floats) -> None:
    """Round things: balls, plain ovals in the colours of skin, discs with marks, clocks, patterns of dots."""
    height, width = picture.shape[:2]
    x, y = int(rng.integers(0, width)), int(rng.integers(0, height))
    radius = int(np.exp(rng.uniform(np.log(4), np.log(height / 4))))
    skin = linear(SKINS[int(rng.integers(len(SKINS)))]) * float(rng.uniform(0.4, 1.2))
    base = tuple(float(v) for v in (skin if rng.random() < 0.6 else pick(rng, BRIGHT, LIGHT)))
    axes = (radius, round(radius * float(rng.uniform(0.9, 1.5))))
    cv2.ellipse(picture, (x, y), axes, float(rng.normal() * 15), 0, 360, base, -1, cv2.LINE_AA)
    kind = int(rng.integers(5))
    dark = tuple(0.25 * v for v in base)
    if kind == 1:
        cv2.ellipse(picture, (x, y - radius // 2), (radius, radius // 2), 0, 180, 360, dark, -1, cv2.LINE_AA)
    elif kind == 2:
        for _ in range(int(rng.integers(2, 7))):
            spot = (x + int(rng.normal() * radius / 2), y + int(rng.normal() * radius / 2))
            cv2.circle(picture, spot, max(1, radius // 7), dark, -1, cv2.LINE_AA)
    elif kind == 3:
        for angle in rng.uniform(0, 2 * np.pi, 2):
            end = (x + int(0.8 * radius * np.cos(angle)), y + int(0.8 * radius * np.sin(angle)))
            cv2.line(picture, (x, y), end, dark, max(1, radius // 10), cv2.LINE_AA)
    elif kind == 4:
        for row in (-0.4, 0.0, 0.4):
            start, end = (x - radius // 2, y + int(row * radius)), (x + radius // 2, y + int(row * radius))
            cv2.line(picture, start, end, dark, max(1, radius // 8), cv2.LINE_AA)
