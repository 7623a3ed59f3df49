"""Who is where, and when: a schedule of passes drawn from a seed."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from hwsim.errors import StreetInvalid
from hwsim.street.body import Build

FAR_M = 12.0
NEAR_M = (1.35, 1.9)
"""Where passes begin and end: faces of some 16 px to some 70 to 100 px as they leave, at 1280 px across."""

SPEED_M_S = (1.6, 2.2)
STEP_LENGTH_M = 0.72
START_X_M = 3.0
BODY_HALF_M = 0.45
FADE_S = 0.4
"""Those who come out of the distance come out of its haze; nobody pops up."""

LANES = 6
DENSITY_MAX = 20.0


class Edged(Protocol):
    """A camera of which passes need to know just where its picture ends; `View` is one."""

    def edge_m(self, z_m: float) -> float:
        """How far from the middle the picture ends at a distance."""


@dataclass(frozen=True)
class Stance:
    """A walker at one moment: place on the ground, speed along x and z, phase of the stride 0..1, presence 0..1."""

    x_m: float
    z_m: float
    speed_x_m_s: float
    speed_z_m_s: float
    stride: float
    presence: float


@dataclass(frozen=True)
class Walk:
    """One pass of one person: a straight line from far away past the camera, out of the picture on one side."""

    person: str
    starts_s: float
    takes_s: float
    from_m: tuple[float, float]
    to_m: tuple[float, float]
    build: Build
    strides: float
    stride_at_start: float
    seed: int

    @property
    def ends_s(self) -> float:
        return self.starts_s + self.takes_s

    def at(self, time_s: float) -> Stance | None:
        """None before the pass and after it."""
        passed = (time_s - self.starts_s) / self.takes_s
        if not 0 <= passed < 1:
            return None
        (x0, z0), (x1, z1) = self.from_m, self.to_m
        return Stance(
            x_m=x0 + (x1 - x0) * passed,
            z_m=z0 + (z1 - z0) * passed,
            speed_x_m_s=(x1 - x0) / self.takes_s,
            speed_z_m_s=(z1 - z0) / self.takes_s,
            stride=(self.stride_at_start + self.strides * passed) % 1.0,
            presence=min(1.0, passed * self.takes_s / FADE_S),
        )


@dataclass(frozen=True)
class Schedule:
    """Every pass, by start, and how long the street lasts."""

    walks: tuple[Walk, ...]
    lasts_s: float

    def in_view(self, time_s: float) -> list[tuple[Walk, Stance]]:
        """Those on their way at a moment, the furthest first."""
        present = [(walk, stance) for walk in self.walks if (stance := walk.at(time_s)) is not None]
        return sorted(present, key=lambda one: -one[1].z_m)


def plan(people: Sequence[str], view: Edged, seed: int, density: float = 5.5, lasts_s: float | None = None) -> Schedule:
    """One pass for each person, in an order drawn by lot.

    density: people in view at once, on average; lasts_s: total length instead, to which the density then bends.
    Raises: StreetInvalid when the length is too short for everyone to pass.
    """
    rng = np.random.default_rng([seed, 3])
    order = [people[i] for i in rng.permutation(len(people))]
    sides = _by_turns(rng, len(order), 2)
    lanes = _by_turns(rng, len(order), LANES)
    passes = [_line(person, seed, view, lane, side) for person, lane, side in zip(order, lanes, sides, strict=True)]
    takes_s = [walk.takes_s for walk in passes]
    longest_s, mean_s = max(takes_s), sum(takes_s) / len(takes_s)
    if not 0 < density <= DENSITY_MAX:
        raise StreetInvalid(f"density {density:g}: need above 0 and at most {DENSITY_MAX:g} people in view at once")
    gap_s = mean_s / density
    if lasts_s is not None:
        gap_s = (lasts_s - longest_s) / len(order)
        if gap_s <= 0 or mean_s / gap_s > DENSITY_MAX:
            need_s = longest_s + len(order) * mean_s / DENSITY_MAX
            raise StreetInvalid(f"{lasts_s:g} s for {len(order)} people: need at least {need_s:.0f} s, or fewer people")
    walks = tuple(
        Walk(**{**vars(walk), "starts_s": gap_s * (i + 0.6 * float(rng.random()))}) for i, walk in enumerate(passes)
    )
    return Schedule(walks, lasts_s if lasts_s is not None else max(walk.ends_s for walk in walks))


def _by_turns(rng: np.random.Generator, count: int, ways: int) -> list[int]:
    """Each way once before any comes again, so that followers seldom walk in each other's line of sight."""
    rounds = [rng.permutation(ways) for _ in range(count // ways + 1)]
    return [int(way) for way in np.concatenate(rounds)[:count]]


def _line(person: str, seed: int, view: Edged, lane: int, side: int) -> Walk:
    own_seed = zlib.crc32(person.encode())
    rng = np.random.default_rng([seed, 4, own_seed])
    near_m = float(rng.uniform(*NEAR_M))
    x0 = ((lane + float(rng.random())) / LANES * 2 - 1) * START_X_M
    x1 = (1 if side else -1) * (view.edge_m(near_m) + BODY_HALF_M)
    length_m = float(np.hypot(x1 - x0, FAR_M - near_m))
    takes_s = length_m / float(rng.uniform(*SPEED_M_S))
    return Walk(
        person=person,
        starts_s=0.0,
        takes_s=takes_s,
        from_m=(x0, FAR_M),
        to_m=(x1, near_m),
        build=Build(float(np.clip(rng.normal(1.71, 0.08), 1.52, 1.92)), float(rng.uniform(0.92, 1.12))),
        strides=length_m / (2 * STEP_LENGTH_M),
        stride_at_start=float(rng.random()),
        seed=own_seed,
    )
