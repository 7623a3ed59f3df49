"""A drawn street as a source of frames: any frame by its number, with the truth about everyone in it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hwsim.errors import StreetInvalid
from hwsim.street.rendered.backdrop import Backdrop, draw_backdrop
from hwsim.street.rendered.cast import Cast, cast_of
from hwsim.street.rendered.composition import Seen, Shutter, compose
from hwsim.street.rendered.crowd import Crowd, CrowdPlan, name_of
from hwsim.street.rendered.exposure import develop, sensor_for
from hwsim.street.rendered.mesh import Floats
from hwsim.street.rendered.rain import WetGlass, add_streaks, wet_glass
from hwsim.street.rendered.scenario import Scenario
from hwsim.street.rendered.tilted_view import TiltedView
from hwsim.street.rendered.weather import Weather
from hwsim.street.truth import FRAMES_MAX, PersonSeen, TruthFrame, TruthHeader

FACING_NONE, FACING_FULL = 0.05, 0.5
"""A face turned away counts as seen in full up to 60 degrees, and less from there to almost a profile."""


class RenderedStreet:
    """A scenario's street; any frame can be asked for, in any order, and comes out the same each time."""

    def __init__(self, scenario: Scenario) -> None:
        """Draws the street without its people, which takes about a second. Raises: StreetInvalid."""
        camera, crowd = scenario.camera, scenario.crowd
        self._scenario = scenario
        self._weather: Weather = scenario.seen_in()
        self._view = TiltedView(camera.width_px, camera.height_px, camera.across_deg, camera.height_cm, camera.tilt_deg)
        self.cast: Cast = cast_of(scenario)
        self._crowd = Crowd(
            self.cast.passing,
            frozenset(identity.seed for identity in self.cast.wanted),
            self._view,
            CrowdPlan(
                seed=scenario.seed,
                density=crowd.density,
                lasts_s=crowd.seconds,
                speed_m_s=crowd.speed_m_s,
                away_share=crowd.away_share,
                glance_share=crowd.glance_share,
                down_share=crowd.down_share,
                warmth=self._weather.warmth,
            ),
        )
        frames = int(np.ceil(self._crowd.lasts_s * camera.frames_per_s))
        if not 0 < frames <= FRAMES_MAX:
            raise StreetInvalid(f"{frames} frames: need at least 1 and at most {FRAMES_MAX}; ask for fewer people")
        self._backdrop: Backdrop = draw_backdrop(self._view, self._weather, scenario.seed)
        self._sensor = sensor_for(self._backdrop.light, self._weather.gain, camera.jpeg_quality)
        self._shutter = Shutter(camera.exposure_ms / 1000, camera.defocus)
        self._glass: WetGlass | None = None
        if self._weather.rain:
            rng = np.random.default_rng([scenario.seed, 52])
            self._glass = wet_glass(rng, camera.width_px, camera.height_px, self._weather.rain)
        self.header = TruthHeader(
            seed=scenario.seed,
            frames_per_s=camera.frames_per_s,
            width_px=camera.width_px,
            height_px=camera.height_px,
            frames=frames,
            people=tuple(sorted(name_of(identity) for identity in self.cast.passing)),
        )

    def frame(self, index: int) -> tuple[NDArray[np.uint8], TruthFrame]:
        """Frame number index: uint8 BGR (h, w, 3), the caller's own, and who is in it."""
        time_s = index / self._scenario.camera.frames_per_s
        rng = np.random.default_rng([self._scenario.seed, 53, index])
        light, seen = compose(self._backdrop, self._view, self._crowd.at(time_s), self._shutter)
        light = self._through_rain(light, rng)
        picture = develop(light, self._sensor, rng)
        people = sorted((_person_seen(one) for one in seen if _counts(one)), key=lambda one: one.person)
        return picture, TruthFrame(frame=index, taken_s=round(time_s, 6), people=tuple(people))

    def _through_rain(self, light: Floats, rng: np.random.Generator) -> Floats:
        if self._glass is None:
            return light
        add_streaks(light, rng, self._weather.rain, np.array(self._weather.horizon, np.float32))
        return self._glass.look_through(light)


def _counts(seen: Seen) -> bool:
    return seen.face.facing > FACING_NONE and min(seen.face.box_px[2:]) > 1


def _person_seen(seen: Seen) -> PersonSeen:
    left, top, width, height = (round(side, 2) for side in seen.face.box_px)
    turned = (seen.face.facing - FACING_NONE) / (FACING_FULL - FACING_NONE)
    points = [(round(float(x), 2), round(float(y), 2)) for x, y in seen.face.landmarks_px]
    return PersonSeen(
        person=seen.person,
        left_px=left,
        top_px=top,
        width_px=width,
        height_px=height,
        visible=round(seen.visible * min(1.0, max(0.0, turned)), 3),
        landmarks_px=(points[0], points[1], points[2], points[3], points[4]),
    )
