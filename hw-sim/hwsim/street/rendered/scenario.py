"""Scenarios: what a drawn street shows, as strict YAML; unknown keys are refused, and all mistakes told at once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from pydantic import Field, field_validator, model_validator

from edge.config_file import Section, load_yaml_model
from hwsim.errors import StreetInvalid
from hwsim.street.rendered.weather import WEATHERS, Weather
from hwsim.street.walk import DENSITY_MAX

OWN_SCENARIOS = Path(__file__).resolve().parents[3] / "scenarios"


class CameraSection(Section):
    """The van's camera. across_deg: field of view from left to right; tilt_deg: downwards; exposure_ms: how long each
    frame's shutter is open, which blurs what moves."""

    width_px: int = Field(640, ge=160, le=3840, multiple_of=2)
    height_px: int = Field(480, ge=160, le=2160, multiple_of=2)
    frames_per_s: float = Field(15.0, ge=1, le=60)
    across_deg: float = Field(44.0, ge=15, le=90)
    height_cm: float = Field(215.0, ge=80, le=450)
    tilt_deg: float = Field(6.0, ge=-10, le=30)
    exposure_ms: float = Field(8.0, gt=0, le=60)
    defocus: float = Field(1.0, ge=0, le=6, description="against a usual lens out of focus; 0 is a perfect one")
    jpeg_quality: int | None = Field(None, ge=10, le=100)


class WeatherSection(Section):
    """A named moment, and what is changed of it. rain: 0 none to 1 a downpour; gain: the sensor's amplification;
    warmth: 0 a winter's day to 1 a summer's, which is how people dress."""

    like: str = "noon"
    rain: float | None = Field(None, ge=0, le=1)
    gain: float | None = Field(None, ge=0.25, le=64)
    warmth: float | None = Field(None, ge=0, le=1)

    @field_validator("like")
    @classmethod
    def _known(cls, value: str) -> str:
        if value not in WEATHERS:
            raise ValueError(f"{value!r}: need one of {', '.join(WEATHERS)}")
        return value


class CrowdSection(Section):
    """Who passes. people: how many in all; density: how many are in view at once, on average, unless seconds says how
    long all have; wanted: how many of them are on the watchlist; absent: how many more are on it, and stay away."""

    people: int = Field(12, ge=1, le=2000)
    wanted: int = Field(4, ge=0, le=2000)
    absent: int = Field(0, ge=0, le=2000)
    density: float = Field(4.0, gt=0, le=DENSITY_MAX)
    seconds: float | None = Field(None, ge=2, le=7200)
    speed_m_s: float = Field(1.4, ge=0.4, le=4.0)
    away_share: float = Field(0.1, ge=0, le=1)
    glance_share: float = Field(0.4, ge=0, le=1)
    down_share: float = Field(0.06, ge=0, le=1)

    @model_validator(mode="after")
    def _wanted_pass(self) -> CrowdSection:
        if self.wanted > self.people:
            raise ValueError(f"wanted: {self.wanted} of {self.people} people; need at most as many as pass")
        return self


class Scenario(Section):
    """One street. The same scenario gives the same street; another seed other people in another street."""

    about: str = Field(min_length=1, max_length=200)
    seed: int = Field(0, ge=0, lt=1 << 31)
    camera: CameraSection = CameraSection()
    weather: WeatherSection = WeatherSection()
    crowd: CrowdSection = CrowdSection()

    def seen_in(self) -> Weather:
        """The weather, with what the scenario changes of it."""
        section = self.weather
        base = WEATHERS[section.like]
        return replace(
            base,
            rain=base.rain if section.rain is None else section.rain,
            gain=base.gain if section.gain is None else section.gain,
            warmth=base.warmth if section.warmth is None else section.warmth,
        )


def read_scenario(which: str, folder: Path = OWN_SCENARIOS) -> Scenario:
    """By a file's path, or by the name of one of the project's own.

    Raises: StreetInvalid where there is none; ConfigInvalid, with a line for every mistake in it.
    """
    path = Path(which)
    if path.suffix not in (".yaml", ".yml"):
        if which not in own_scenarios(folder):
            raise StreetInvalid(f"{which}: no such scenario; need a .yaml file, or {', '.join(own_scenarios(folder))}")
        path = folder / f"{which}.yaml"
    return load_yaml_model(path, Scenario)


def own_scenarios(folder: Path = OWN_SCENARIOS) -> list[str]:
    """Names of the project's own scenarios, in order."""
    return sorted(path.stem for path in folder.glob("*.yaml"))
