"""A stream's pictures: a sensor set for its scene, and frames developed fast, by a tone table and a tile of grain."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from hwsim.street.rendered.mesh import Floats
from hwsim.street.rendered.sensor import KNEE, Sensor

EXPOSED_MEAN = 0.21
"""What exposure brings a scene's mean to, in linear light."""

NIGHT_SHARE = 0.75
"""Scenes darker than that are brought up by this power of the lack: a night is left a night."""

NOISE_AT_GAIN_1 = 0.0035
"""Standard deviation after the tone curve, growing with the gain's root: photons' own noise."""

LEVELS, HEADROOM = 4096, 4
"""The tone table's steps for light up to 1, and how far beyond it goes."""

_GRAIN_MARGIN_PX = 64


def sensor_for(light: Floats, gain: float, jpeg_quality: int | None = None) -> Sensor:
    """A sensor set for a scene, float32 (h, w, 3) of linear RGB: to a middle brightness, half the way to a neutral
    white. gain: its amplification, 1 in daylight."""
    mean = np.clip(light.reshape(-1, 3), 0, 1.5).mean(axis=0) + np.float32(1e-4)
    grey = float(mean.mean())
    red, green, blue = (float((grey / v) ** 0.5) for v in mean)
    exposure = (EXPOSED_MEAN / grey) ** (1.0 if grey > EXPOSED_MEAN else NIGHT_SHARE)
    return Sensor(
        exposure=float(exposure),
        balance=(red, green, blue),
        noise=NOISE_AT_GAIN_1 * float(np.sqrt(gain)),
        jpeg_quality=jpeg_quality,
    )


def develop(light: Floats, sensor: Sensor, rng: np.random.Generator) -> NDArray[np.uint8]:
    """As `expose` makes a picture, without blur and without its cost: uint8 BGR (h, w, 3).

    light: float32 (h, w, 3), linear RGB; used up. rng: where this frame's grain lies.
    """
    height, width = light.shape[:2]
    for channel in range(3):
        light[..., channel] *= np.float32(sensor.exposure * sensor.balance[channel] * (LEVELS - 1))
    np.clip(light, 0, HEADROOM * (LEVELS - 1), out=light)
    toned = _tone_table(sensor.gamma, sensor.knee)[light.astype(np.uint16)]
    picture = np.ascontiguousarray(toned[..., ::-1])
    if sensor.noise:
        top, left = (int(v) for v in rng.integers(0, _GRAIN_MARGIN_PX, 2))
        lighter, darker = _grain(height, width, round(2 * 255 * sensor.noise) / 2)
        rows, columns = slice(top, top + height), slice(left, left + width)
        cv2.add(picture, lighter[rows, columns], dst=picture)
        cv2.subtract(picture, darker[rows, columns], dst=picture)
    if sensor.jpeg_quality is None:
        return picture
    _, packed = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, sensor.jpeg_quality])
    return np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR), np.uint8)


@lru_cache(maxsize=16)
def _tone_table(gamma: float, knee: bool) -> NDArray[np.uint8]:
    """From linear light in LEVELS steps a unit, HEADROOM of them, to bytes."""
    light = np.arange(HEADROOM * LEVELS) / (LEVELS - 1)
    pressed = light / (1 + KNEE * light) if knee else light
    return np.rint(255 * np.minimum(pressed, 1) ** (1 / gamma)).astype(np.uint8)


@lru_cache(maxsize=16)
def _grain(height: int, width: int, sigma: float) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """What to add and what to take away, a little larger than a frame, the same in every process."""
    shape = (height + _GRAIN_MARGIN_PX, width + _GRAIN_MARGIN_PX, 3)
    grain = np.rint(np.random.default_rng(17).standard_normal(shape, np.float32) * np.float32(sigma))
    return np.maximum(grain, 0).astype(np.uint8), np.maximum(-grain, 0).astype(np.uint8)
