"""Small drawn streets for tests."""

from __future__ import annotations

import functools

from hwsim.street.rendered.scenario import CameraSection, CrowdSection, Scenario, WeatherSection
from hwsim.street.rendered.scene import RenderedStreet


def small_scenario(seed: int = 11, weather: str = "noon", people: int = 4, seconds: float = 8.0) -> Scenario:
    """320x240, 5 frames a second, everybody in a few seconds."""
    return Scenario(
        about="a small street for tests",
        seed=seed,
        camera=CameraSection(width_px=320, height_px=240, frames_per_s=5.0),
        weather=WeatherSection(like=weather),
        crowd=CrowdSection(people=people, wanted=2, absent=1, seconds=seconds, speed_m_s=3.0, away_share=0.5),
    )


@functools.cache
def small_street(seed: int = 11, weather: str = "noon") -> RenderedStreet:
    return RenderedStreet(small_scenario(seed, weather))
