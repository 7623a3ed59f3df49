"""Who walks where and when in a drawn street: the schedule's passes, and how each person holds the head."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from hwsim.street.rendered.composition import Present
from hwsim.street.rendered.figure import Figure, Moment, dress
from hwsim.street.rendered.head.identity import Identity
from hwsim.street.rendered.head.look import sample_look
from hwsim.street.rendered.tilted_view import TiltedView
from hwsim.street.walk import SPEED_M_S, Stance, Walk, plan

FIGURES_HELD = 40
PLANNED_SPEED_M_S = sum(SPEED_M_S) / 2
"""What the schedule's passes are planned at on average; another speed is that street, slower or faster."""

TURN_AT_MOST_RAD = 1.1
GLANCE_S = 1.6


@dataclass(frozen=True)
class CrowdPlan:
    """density: people in view at once, on average, unless lasts_s says how long everyone has. away_share: of those who
    are free to, so many walk away from the camera. glance_share: so many look at the camera once. down_share: so many
    look down, as at a telephone."""

    seed: int
    density: float
    lasts_s: float | None
    speed_m_s: float
    away_share: float
    glance_share: float
    down_share: float
    warmth: float


def name_of(identity: Identity) -> str:
    """The reference of a drawn person: what a watchlist and the truth call them."""
    return f"person-{identity.seed:07d}"


class Crowd:
    """Everybody's passes; any moment can be asked for."""

    def __init__(
        self, passing: Sequence[Identity], facing: frozenset[int], view: TiltedView, wanted: CrowdPlan
    ) -> None:
        """facing: seeds of those who must come towards the camera. Raises: StreetInvalid."""
        self._plan = wanted
        self._people = {name_of(identity): identity for identity in passing}
        self._hurry = wanted.speed_m_s / PLANNED_SPEED_M_S
        lasts_s = None if wanted.lasts_s is None else wanted.lasts_s * self._hurry
        self._schedule = plan(list(self._people), view, wanted.seed, wanted.density, lasts_s)
        rng = np.random.default_rng([wanted.seed, 41])
        self._away = {
            name
            for name, identity in sorted(self._people.items())
            if rng.random() < wanted.away_share and identity.seed not in facing
        }
        self._figure = lru_cache(maxsize=FIGURES_HELD)(self._dress)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(sorted(self._people))

    @property
    def lasts_s(self) -> float:
        return self._schedule.lasts_s / self._hurry

    def at(self, time_s: float) -> list[Present]:
        """Everyone on their way at a moment."""
        present = []
        for walk in self._schedule.walks:
            planned_s = time_s * self._hurry
            away = walk.person in self._away
            stance = walk.at(2 * walk.starts_s + walk.takes_s - planned_s if away else planned_s)
            if stance is not None and stance.presence > 0:
                present.append(self._present(walk, stance, away, time_s))
        return present

    def _dress(self, person: str) -> Figure:
        identity = self._people[person]
        rng = np.random.default_rng([self._plan.seed, 42, identity.seed])
        return dress(identity, sample_look(identity, rng), rng, self._plan.warmth)

    def _present(self, walk: Walk, stance: Stance, away: bool, time_s: float) -> Present:
        sign = -1.0 if away else 1.0
        speed = sign * 100 * self._hurry * stance.speed_x_m_s, -sign * 100 * self._hurry * stance.speed_z_m_s
        heading = float(np.arctan2(speed[0], speed[1]))
        x_cm, z_cm = 100 * stance.x_m, -100 * stance.z_m
        yaw, pitch = self._gaze(walk, heading, time_s, float(np.arctan2(-x_cm, -z_cm)))
        stride = stance.stride if not away else 1 - stance.stride
        moment = Moment(x_cm, z_cm, heading, stride % 1.0, yaw, pitch)
        return Present(walk.person, self._figure(walk.person), moment, speed, stance.presence)

    def _gaze(self, walk: Walk, heading_rad: float, time_s: float, to_camera_rad: float) -> tuple[float, float]:
        """Yaw and pitch of the head against the body: it wanders, and now and then turns to the camera."""
        rng = np.random.default_rng([self._plan.seed, 43, walk.seed])
        slow, fast = rng.uniform(3.0, 6.0), rng.uniform(1.3, 2.4)
        start, other = rng.uniform(0, 2 * np.pi, 2)
        yaw = 0.16 * np.sin(2 * np.pi * time_s / slow + start) + 0.07 * np.sin(2 * np.pi * time_s / fast + other)
        pitch = 0.05 + 0.04 * np.sin(2 * np.pi * time_s / slow + other)
        if rng.random() < self._plan.down_share:
            return float(yaw) * 0.4, float(pitch) + 0.42
        glances, at_share = rng.random() < self._plan.glance_share, rng.uniform(0.45, 0.8)
        if glances:
            since_s = abs(time_s - (walk.starts_s + at_share * walk.takes_s) / self._hurry)
            share = 0.5 + 0.5 * np.cos(np.pi * min(1.0, since_s / GLANCE_S))
            wanted = (to_camera_rad - heading_rad + np.pi) % (2 * np.pi) - np.pi
            yaw = (1 - share) * yaw + share * float(np.clip(wanted, -TURN_AT_MOST_RAD, TURN_AT_MOST_RAD))
            pitch = (1 - share) * pitch - share * 0.08
        return float(yaw), float(pitch)
