"""The passes of a drawn street: those wanted come towards the camera, nobody jumps, heads turn like heads."""

from __future__ import annotations

import functools
import itertools

import numpy as np
from hwsim.street.rendered.composition import Present
from hwsim.street.rendered.crowd import TURN_AT_MOST_RAD, Crowd, CrowdPlan, name_of
from hwsim.street.rendered.head.identity import sample_identity
from hwsim.street.rendered.tilted_view import TiltedView

PLAN = CrowdPlan(
    seed=5, density=4.0, lasts_s=None, speed_m_s=1.4, away_share=1.0, glance_share=1.0, down_share=0.0, warmth=0.5
)
PEOPLE = tuple(sample_identity(seed) for seed in range(300, 306))
WANTED = frozenset(identity.seed for identity in PEOPLE[:2])
STEP_S = 0.25


@functools.cache
def passes() -> dict[str, list[tuple[float, Present]]]:
    crowd = Crowd(PEOPLE, WANTED, TiltedView(320, 240), PLAN)
    found: dict[str, list[tuple[float, Present]]] = {}
    for time_s in np.arange(0, crowd.lasts_s, STEP_S):
        for present in crowd.at(float(time_s)):
            found.setdefault(present.person, []).append((float(time_s), present))
    return found


def is_coming(person: str) -> bool:
    pass_ = passes()[person]
    return pass_[-1][1].moment.z_cm > pass_[0][1].moment.z_cm


def test_everyone_passes_once():
    assert set(passes()) == {name_of(identity) for identity in PEOPLE}
    for pass_ in passes().values():
        times = [time_s for time_s, _ in pass_]
        assert np.allclose(np.diff(times), STEP_S)


def test_those_wanted_come_towards_the_camera_and_the_others_go():
    coming = {person for person in passes() if is_coming(person)}
    assert coming == {name_of(identity) for identity in PEOPLE if identity.seed in WANTED}


def test_they_walk_at_about_the_speed_asked_for_and_look_where_they_go():
    speeds = []
    for pass_ in passes().values():
        for (_, before), (_, after) in itertools.pairwise(pass_):
            way = np.array([after.moment.x_cm - before.moment.x_cm, after.moment.z_cm - before.moment.z_cm])
            heading = np.array([np.sin(before.moment.heading_rad), np.cos(before.moment.heading_rad)])
            assert way @ heading > 0.99 * np.linalg.norm(way)
            assert np.allclose(way / STEP_S, before.speed_cm_s, rtol=0.02, atol=0.5)
            speeds.append(np.linalg.norm(way) / STEP_S / 100)
    assert 1.1 < np.mean(speeds) < 1.7


def test_heads_turn_no_faster_or_further_than_heads_do():
    for pass_ in passes().values():
        yaws = np.array([present.moment.head_yaw_rad for _, present in pass_])
        assert np.abs(yaws).max() <= TURN_AT_MOST_RAD + 0.25
        assert np.abs(np.diff(yaws)).max() < 0.6


def test_strides_follow_the_way_walked():
    for pass_ in passes().values():
        steps = np.diff([present.moment.stride for _, present in pass_]) % 1.0
        assert np.ptp(steps) < 0.02
        assert 0.05 < steps.mean() < 0.6
