"""From light to bytes: the fast way gives what the plain one does, and noise is as strong as it is said to be."""

from __future__ import annotations

import numpy as np
import pytest
from hwsim.street.rendered.exposure import EXPOSED_MEAN, develop, sensor_for
from hwsim.street.rendered.sensor import Sensor, expose


def ramp() -> np.ndarray:
    light = np.linspace(0, 1.6, 64 * 96 * 3, dtype=np.float32).reshape(64, 96, 3)
    return np.ascontiguousarray(light)


@pytest.mark.parametrize("knee", [False, True])
def test_a_table_develops_as_the_formula_does(knee: bool):
    sensor = Sensor(exposure=1.3, balance=(1.1, 1.0, 0.85), gamma=2.2, knee=knee)
    rng = np.random.default_rng(1)
    slow, fast = expose(ramp(), sensor, rng), develop(ramp(), sensor, rng)
    bright = slow > 20
    assert np.abs(slow.astype(int) - fast)[bright].max() <= 1
    assert np.abs(slow.astype(int) - fast).max() <= 6


@pytest.mark.parametrize("noise", [0.01, 0.04])
def test_noise_is_as_strong_as_it_is_said_to_be(noise: float):
    grey = np.full((64, 96, 3), 0.2, np.float32)
    rng = np.random.default_rng(2)
    noisy = develop(grey.copy(), Sensor(noise=noise), rng).astype(float)
    other = develop(grey.copy(), Sensor(noise=noise), rng)
    assert noisy.std() == pytest.approx(255 * noise, rel=0.15)
    assert not np.array_equal(noisy, other)


def test_a_scene_is_exposed_to_a_middle_brightness_and_a_night_stays_darker():
    day, night = np.full((8, 8, 3), 0.6, np.float32), np.full((8, 8, 3), 0.01, np.float32)
    assert sensor_for(day, 1.0).exposure * 0.6 == pytest.approx(EXPOSED_MEAN, rel=0.01)
    assert 0.01 < sensor_for(night, 9.0).exposure * 0.01 < 0.6 * EXPOSED_MEAN
    assert sensor_for(night, 9.0).noise > 2 * sensor_for(day, 1.0).noise


def test_colour_casts_are_evened_out_half_the_way():
    sodium = np.full((8, 8, 3), (0.4, 0.2, 0.05), np.float32)
    red, green, blue = sensor_for(sodium, 1.0).balance
    assert red < green < blue
    assert 0.4 * red > 0.2 * green > 0.05 * blue


def test_jpeg_leaves_its_traces():
    rng = np.random.default_rng(3)
    plain, packed = (develop(ramp(), Sensor(jpeg_quality=quality), rng) for quality in (None, 20))
    assert plain.shape == packed.shape
    assert not np.array_equal(plain, packed)
