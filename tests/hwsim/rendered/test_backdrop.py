"""What does not move: perspective is true, light falls where it should, and only what stands hides anybody."""

from __future__ import annotations

import functools
from dataclasses import replace

import numpy as np
import pytest
from hwsim.street.rendered.backdrop import Backdrop, draw_backdrop, light_street
from hwsim.street.rendered.illumination import Illumination
from hwsim.street.rendered.mesh import turn
from hwsim.street.rendered.plane import OPEN, Plane, paint_plane
from hwsim.street.rendered.rain import add_streaks, wet_glass
from hwsim.street.rendered.raster import FAR, Canvas
from hwsim.street.rendered.tilted_view import TiltedView
from hwsim.street.rendered.weather import NOON, SODIUM, WEATHERS, sample_weather

VIEW = TiltedView(200, 160, across_deg=50.0, height_cm=200.0, tilt_deg=8.0)


@functools.cache
def drawn(name: str) -> Backdrop:
    return draw_backdrop(VIEW, WEATHERS[name], seed=4, texel_cm=6.0)


def even() -> Illumination:
    return replace(light_street(NOON, np.random.default_rng(1)), sun=np.array([0, 1, 0, 0, 0, 0], np.float32))


def test_a_point_falls_where_a_pinhole_puts_it():
    column, row, depth = VIEW.project(np.array([[0.0, 200.0, -500.0]], np.float32))[0]
    assert column == pytest.approx(100.0)
    assert row == pytest.approx(80 - VIEW.focal_px * np.tan(np.deg2rad(8.0)), abs=0.01)
    assert depth == pytest.approx(500 * np.cos(np.deg2rad(8.0)), rel=1e-4)


def test_showing_a_model_is_projecting_its_points():
    rng = np.random.default_rng(2)
    points = rng.normal(0, 30, (50, 3)).astype(np.float32)
    rotation, place = turn(0.4, -0.2, 0.1), np.array([20, 100, -600], np.float32)
    shown = VIEW.show(points, points, rotation, place)
    wanted = VIEW.project(points @ rotation.T + place)
    assert np.allclose(shown.screen, wanted, rtol=1e-4, atol=0.02)
    assert shown.bounds_px[0] == pytest.approx(wanted[:, 0].min(), abs=0.02)


def test_rays_go_through_the_pixels_they_belong_to():
    points = VIEW.eye_cm + 300 * VIEW.rays().reshape(-1, 3)
    screen = VIEW.project(points).reshape(160, 200, 3)
    assert np.allclose(screen[..., 0], np.arange(200)[None] + 0.5, atol=0.05)
    assert np.allclose(screen[..., 1], np.arange(160)[:, None] + 0.5, atol=0.05)


def test_a_planes_texels_lie_in_true_perspective():
    texture = np.zeros((64, 64, 4), np.float32)
    texture[:32, :, :3] = 1.0
    floor = Plane((-500, 0, -200), (1, 0, 0), (0, 0, -1), (1000, 640), texture, 10.0)
    canvas = Canvas.blank(160, 200)
    paint_plane(canvas, floor, VIEW, 1.0, even())
    for z, bright in ((-460.0, True), (-490.0, True), (-560.0, False), (-760.0, False)):
        column, row, depth = VIEW.project(np.array([[10.0, 0.0, z]], np.float32))[0]
        assert (canvas.light[int(row), int(column)].mean() > 0.2) == bright
        assert canvas.depth[int(row), int(column)] == pytest.approx(depth, rel=0.03)


def test_what_is_open_in_a_texture_shows_what_is_behind():
    texture = np.full((8, 8, 4), OPEN, np.float32)
    canvas = Canvas.blank(160, 200, np.full((160, 200, 3), 0.5, np.float32))
    paint_plane(canvas, Plane((-500, 500, -400), (1, 0, 0), (0, -1, 0), (1000, 500), texture, 10.0), VIEW, 1.0, even())
    assert (canvas.light == 0.5).all()
    assert (canvas.depth == FAR).all()


def test_the_ground_hides_nobody_and_houses_do():
    depth = drawn("noon").depth
    assert (depth[150:, 60:140] == FAR).mean() > 0.9
    assert (depth[:60, :20] < FAR).any()


def test_the_same_seed_draws_the_same_street_and_another_another():
    again = draw_backdrop(VIEW, NOON, seed=4, texel_cm=6.0)
    assert np.array_equal(again.light, drawn("noon").light)
    other = draw_backdrop(VIEW, NOON, seed=5, texel_cm=6.0)
    assert np.abs(other.light - again.light).mean() > 0.02


def test_night_is_dark_and_its_lamps_are_warm():
    day, night = drawn("noon").light, drawn("sodium").light
    assert night.mean() < 0.5 * day.mean()
    red, _, blue = night.reshape(-1, 3).mean(axis=0)
    assert red > 2 * blue
    assert len(drawn("sodium").illumination.lamps) > 2
    assert len(drawn("noon").illumination.lamps) == 0


def test_somebody_under_a_lamp_is_lit_more_than_between_two():
    light = light_street(SODIUM, np.random.default_rng(3))
    x, _, z = light.lamps[1, :3]
    between = (light.lamps[1, 2] + light.lamps[2, 2]) / 2
    under, apart = (light.on_person(float(x), float(at), VIEW).lamps[:, 3:].sum() for at in (z, between))
    assert under > 1.15 * apart


def test_sampled_weathers_differ_and_keep_their_kind():
    rng = np.random.default_rng(6)
    drawn_by_lot = [sample_weather(rng) for _ in range(60)]
    assert {weather.name for weather in drawn_by_lot} == set(WEATHERS)
    assert all(weather.is_dark == WEATHERS[weather.name].is_dark for weather in drawn_by_lot)
    assert all((weather.rain > 0) <= (WEATHERS[weather.name].rain > 0) for weather in drawn_by_lot)


def test_glass_without_drops_changes_nothing_and_drops_change_where_they_are():
    picture = np.random.default_rng(7).random((160, 200, 3), np.float32)
    dry = wet_glass(np.random.default_rng(8), 200, 160, 0.0).look_through(picture)
    assert np.allclose(dry, picture, atol=1e-6)
    glass = wet_glass(np.random.default_rng(8), 200, 160, 1.0)
    changed = np.abs(glass.look_through(picture) - picture).max(axis=2) > 0.05
    assert 0 < changed.mean() < 0.5
    assert not changed[glass.clear[..., 0] == 1.0].any()


def test_heavier_rain_has_more_streaks():
    light, heavy = (np.full((160, 200, 3), 0.2, np.float32) for _ in range(2))
    for picture, rain in ((light, 0.2), (heavy, 1.0)):
        add_streaks(picture, np.random.default_rng(9), rain, np.ones(3, np.float32))
    touched = [(picture != 0.2).any(axis=2).mean() for picture in (light, heavy)]
    assert 0 < 2 * touched[0] < touched[1] < 0.9
