"""Moments a street is seen at: noon to sodium light, dry or in rain; named, or drawn from around the names."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from hwsim.street.rendered.mesh import Floats

Rgb = tuple[float, float, float]

SUN_MIN_HEIGHT_DEG = 4.0


@dataclass(frozen=True)
class Weather:
    """Linear RGB; a white wall in full light comes to about 1.

    sun_bearing_deg: 0 behind the camera, 90 at its right; sun_height_deg: over the horizon. sky, ground: light from
    above and below. zenith, horizon: the sky as it is seen. lamp: the street lamps' light at their nominal distance.
    rain: 0 none to 1 a downpour. gain: the sensor's amplification, 1 in daylight.
    """

    name: str
    sun: Rgb
    sun_bearing_deg: float
    sun_height_deg: float
    sky: Rgb
    ground: Rgb
    zenith: Rgb
    horizon: Rgb
    lamp: Rgb = (0.0, 0.0, 0.0)
    rain: float = 0.0
    gain: float = 1.0
    warmth: float = 0.5

    @property
    def is_dark(self) -> bool:
        """Whether lamps and windows are lit."""
        return max(self.lamp) > 0.05

    def sun_row(self) -> Floats:
        """World space: unit direction towards the sun, then its colour: float32 (6,)."""
        bearing, height = np.deg2rad(self.sun_bearing_deg), np.deg2rad(self.sun_height_deg)
        direction = (np.sin(bearing) * np.cos(height), np.sin(height), np.cos(bearing) * np.cos(height))
        return np.array([*direction, *self.sun], np.float32)


NOON = Weather(
    "noon", (1.05, 0.98, 0.86), 35, 55, (0.30, 0.35, 0.44), (0.20, 0.19, 0.16), (0.26, 0.48, 0.90), (0.80, 0.90, 1.02),
    warmth=0.9,
)  # fmt: skip
MORNING = Weather(
    "morning", (1.15, 0.86, 0.55), -60, 20, (0.26, 0.31, 0.40), (0.17, 0.15, 0.13), (0.34, 0.54, 0.90),
    (1.0, 0.92, 0.78),
    warmth=0.5,
)  # fmt: skip
AGAINST_SUN = Weather(
    "against-sun", (1.2, 1.0, 0.72), 155, 28, (0.30, 0.34, 0.40), (0.22, 0.20, 0.17), (0.55, 0.68, 0.92),
    (1.3, 1.2, 1.0),
    warmth=0.6,
)  # fmt: skip
OVERCAST = Weather(
    "overcast", (0.10, 0.10, 0.10), 20, 60, (0.62, 0.65, 0.70), (0.26, 0.26, 0.26), (0.72, 0.75, 0.80),
    (0.86, 0.87, 0.88),
    gain=1.3, warmth=0.35,
)  # fmt: skip
RAIN = Weather(
    "rain", (0.04, 0.04, 0.04), 20, 60, (0.50, 0.53, 0.58), (0.17, 0.18, 0.19), (0.50, 0.53, 0.58), (0.62, 0.64, 0.67),
    rain=0.7, gain=2.5, warmth=0.15,
)  # fmt: skip
DUSK = Weather(
    "dusk", (0.10, 0.06, 0.05), -100, 5, (0.27, 0.28, 0.40), (0.12, 0.11, 0.13), (0.10, 0.14, 0.30), (0.55, 0.36, 0.30),
    lamp=(0.34, 0.25, 0.13), gain=5.0, warmth=0.4,
)  # fmt: skip
SODIUM = Weather(
    "sodium", (0.0, 0.0, 0.0), 0, 60, (0.075, 0.06, 0.05), (0.07, 0.045, 0.02), (0.012, 0.013, 0.02),
    (0.05, 0.035, 0.02),
    lamp=(0.95, 0.52, 0.13), gain=12.0, warmth=0.35,
)  # fmt: skip
LED_NIGHT = Weather(
    "led-night", (0.0, 0.0, 0.0), 0, 60, (0.07, 0.075, 0.085), (0.05, 0.05, 0.05), (0.010, 0.013, 0.022),
    (0.035, 0.04, 0.05),
    lamp=(0.74, 0.78, 0.76), gain=10.0, warmth=0.35,
)  # fmt: skip
RAINY_NIGHT = replace(SODIUM, name="rainy-night", rain=0.8, gain=14.0, warmth=0.1)

WEATHERS: dict[str, Weather] = {
    weather.name: weather
    for weather in (NOON, MORNING, AGAINST_SUN, OVERCAST, RAIN, DUSK, SODIUM, LED_NIGHT, RAINY_NIGHT)
}


def sample_weather(rng: np.random.Generator) -> Weather:
    """A moment around one of the named ones: its sun moved, its light stronger or weaker and of another tint."""
    names = list(WEATHERS)
    base = WEATHERS[names[int(rng.integers(len(names)))]]
    tint = np.clip(1 + rng.normal(size=3) * [0.06, 0.02, 0.08], 0.8, 1.2)
    level = float(rng.uniform(0.6, 1.35))

    def varied(colour: Rgb, share: float) -> Rgb:
        red, green, blue = (float(v) for v in np.asarray(colour) * tint * share)
        return red, green, blue

    return replace(
        base,
        sun=varied(base.sun, level),
        sun_bearing_deg=base.sun_bearing_deg + float(rng.uniform(-50, 50)),
        sun_height_deg=max(SUN_MIN_HEIGHT_DEG, base.sun_height_deg + float(rng.uniform(-18, 18))),
        sky=varied(base.sky, level * float(rng.uniform(0.8, 1.2))),
        ground=varied(base.ground, level * float(rng.uniform(0.7, 1.3))),
        zenith=varied(base.zenith, 1.0),
        horizon=varied(base.horizon, 1.0),
        lamp=varied(base.lamp, level),
        rain=float(np.clip(base.rain + rng.normal() * 0.15, 0, 1)) if base.rain else 0.0,
        gain=base.gain * float(rng.uniform(0.6, 1.8)),
    )
