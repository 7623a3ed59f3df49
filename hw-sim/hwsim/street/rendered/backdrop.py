"""The street without its people, made once for a scene: ground, houses, sky, vehicles, lamps and trees."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from hwsim.street.rendered.facade import Row, draw_row
from hwsim.street.rendered.furniture import LAMP_ARM_CM, LAMP_HEIGHT_CM, ball, bin_, bollard, lamp_post, tree
from hwsim.street.rendered.illumination import Illumination
from hwsim.street.rendered.mesh import Floats, Part
from hwsim.street.rendered.pavement import lay_ground
from hwsim.street.rendered.plane import Plane, paint_plane
from hwsim.street.rendered.raster import FAR, Canvas
from hwsim.street.rendered.solid import draw_solid
from hwsim.street.rendered.tilted_view import TiltedView
from hwsim.street.rendered.vehicle import draw_vehicle
from hwsim.street.rendered.weather import Weather

FINE = 2
"""Backdrops are drawn so many times as large and made small, against jagged edges."""

WALL_X_CM, KERB_X_CM, ACROSS_X_CM, END_Z_CM = -470.0, 360.0, 1250.0, -4600.0
HAZE_CM = 70000.0


@dataclass(frozen=True, eq=False)
class Backdrop:
    """light: float32 (h, w, 3), linear RGB. depth: float32 (h, w), cm, the nearest thing that stands in each pixel;
    the ground hides nobody. illumination: what lit it."""

    light: Floats
    depth: Floats
    illumination: Illumination


def light_street(weather: Weather, rng: np.random.Generator) -> Illumination:
    """The weather's light over the street, its lamps along the kerb."""
    posts = []
    if weather.is_dark:
        for z in np.arange(-150.0 - 500 * rng.random(), END_Z_CM, -rng.uniform(700, 1100)):
            posts.append([KERB_X_CM - 40 - LAMP_ARM_CM, LAMP_HEIGHT_CM, z, *weather.lamp])
    return Illumination(
        sun=weather.sun_row(),
        sky=np.array(weather.sky, np.float32),
        ground=np.array(weather.ground, np.float32),
        lamps=np.array(posts, np.float32).reshape(-1, 6),
        shade_x_cm=float(rng.uniform(-350, -60)) if weather.sun_bearing_deg < 0 else -2000.0,
        shade_share=0.15,
    )


def draw_backdrop(view: TiltedView, weather: Weather, seed: int, texel_cm: float = 2.0) -> Backdrop:
    """Any street, by its seed. texel_cm: how fine the houses are."""
    rng = np.random.default_rng([seed, 21])
    illumination = light_street(weather, rng)
    canvas = Canvas.blank(view.height_px * FINE, view.width_px * FINE, _sky(view, weather, rng))
    for plane in [*_houses(rng, weather, texel_cm), *lay_ground(rng, WALL_X_CM, KERB_X_CM, ACROSS_X_CM, weather.rain)]:
        paint_plane(canvas, plane, view, FINE, illumination)
    for part in _things(rng, weather):
        x, _, z = part.vertices.mean(axis=0)
        draw_solid(canvas, part, view, FINE, illumination.on_person(float(x), float(z), view))
    _add_haze(canvas, weather)
    depth = _standing(canvas.depth, view).reshape(view.height_px, FINE, view.width_px, FINE).min(axis=(1, 3))
    small = cv2.resize(canvas.light, (view.width_px, view.height_px), interpolation=cv2.INTER_AREA)
    return Backdrop(np.asarray(small, np.float32), np.ascontiguousarray(depth), illumination)


def _standing(depth: Floats, view: TiltedView) -> Floats:
    """The depth buffer with the ground taken out."""
    down = view.rays(FINE)[..., 1]
    ground = np.where(down < -1e-4, -np.float32(view.height_cm) / np.minimum(down, np.float32(-1e-4)), FAR)
    return np.where(depth > ground * np.float32(0.97), FAR, depth).astype(np.float32)


def _sky(view: TiltedView, weather: Weather, rng: np.random.Generator) -> Floats:
    """From the horizon to the zenith, with clouds by day: float32 (h, w, 3) at the fine size."""
    height, width = view.height_px * FINE, view.width_px * FINE
    rise = np.clip(view.rays(1.0)[..., 1] / 0.7, 0, 1)[..., None]
    sky = np.array(weather.horizon, np.float32) * (1 - rise) + np.array(weather.zenith, np.float32) * rise
    cells = np.asarray(rng.uniform(-1, 1, (12, 9)), np.float32)
    noise = cv2.resize(cells, (view.width_px, view.height_px), interpolation=cv2.INTER_CUBIC)
    cloud = np.clip(noise * 1.4, 0, 1)[..., None] * (0.1 if weather.is_dark else 0.5)
    sky = sky + (np.array(weather.horizon, np.float32) - sky) * cloud
    return np.asarray(cv2.resize(sky.astype(np.float32), (width, height)), np.float32)


def _houses(rng: np.random.Generator, weather: Weather, texel_cm: float) -> list[Plane]:
    lit = 0.45 if weather.is_dark else 0.0
    coarse = texel_cm * 2.5
    left = Row(texel_cm, 3600.0, lit=lit)
    right, end = Row(coarse, 4600.0, lit=lit), Row(coarse, 2400.0, lit=lit)
    top = left.tallest_cm
    start = float(rng.uniform(60, 200))
    planes = [
        Plane((WALL_X_CM, top, start), (0, 0, -1), (0, -1, 0), (5200.0, top), draw_row(rng, left), texel_cm),
        Plane((ACROSS_X_CM, top, start), (0, 0, -1), (0, -1, 0), (4800.0, top), draw_row(rng, right), coarse),
    ]
    if rng.random() < 0.75:
        corner = (WALL_X_CM - 100, top, END_Z_CM)
        planes.append(Plane(corner, (1, 0, 0), (0, -1, 0), (2000.0, top), draw_row(rng, end), coarse))
    return planes


def _things(rng: np.random.Generator, weather: Weather) -> list[Part]:
    parts: list[Part] = []
    z = float(rng.uniform(-1000, -620))
    while z > -3500:
        if rng.random() < 0.7:
            parts += draw_vehicle(rng, bool(rng.random() < 0.45), KERB_X_CM + 160, z, weather.is_dark)
        z -= float(rng.uniform(620, 1200))
    for post_z in np.arange(float(rng.uniform(-900, -500)), -3600.0, -900.0):
        parts += lamp_post(KERB_X_CM - 40, float(post_z), -1.0)
        if rng.random() < 0.35:
            parts += tree(rng, KERB_X_CM - 60, float(post_z) - 420)
    for _ in range(int(rng.integers(0, 6))):
        place = KERB_X_CM - 30, float(rng.uniform(-2500, -450))
        parts += bollard(rng, *place) if rng.random() < 0.7 else bin_(rng, *place)
    for _ in range(int(rng.integers(0, 4))):
        height = float(rng.uniform(90, 260))
        parts += ball(rng, WALL_X_CM + float(rng.uniform(20, 60)), height, float(rng.uniform(-2200, -500)))
    return parts


def _add_haze(canvas: Canvas, weather: Weather) -> None:
    """Air between: far things take on the horizon's colour, sooner in rain."""
    reach = HAZE_CM * (1 - 0.85 * weather.rain)
    share = np.where(canvas.depth < FAR, 1 - np.exp(-canvas.depth / reach), 0)[..., None]
    canvas.light[:] += (np.array(weather.horizon, np.float32) - canvas.light) * share.astype(np.float32)
