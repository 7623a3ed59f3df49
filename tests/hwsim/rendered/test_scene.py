"""A drawn street: the same frames each time, and a truth that agrees with them."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from hwsim.street.camera import StreetCamera
from hwsim.street.rendered.scene import RenderedStreet
from hwsim.street.truth import Truth, read_truth, truth_line

from tests.fake_clock import FakeClock
from tests.hwsim.rendered.scenes import small_scenario, small_street

REFERENCE = Path(__file__).with_name("reference.png")
REFERENCE_FRAME = 18
FAR_OFF, FAR_OFF_SHARE = 2, 0.002
"""What another processor's arithmetic may change: at most this share of the bytes by more than that."""


def test_the_same_scenario_gives_the_same_pixels_in_any_order():
    one, other = small_street(), RenderedStreet(small_scenario())
    for index in (20, 3, 20):
        picture, truth = one.frame(index)
        again, truth_again = other.frame(index)
        assert np.array_equal(picture, again)
        assert truth == truth_again


def test_another_seed_gives_another_street_and_other_people():
    one, other = small_street(), RenderedStreet(small_scenario(seed=12))
    assert not set(one.header.people) & set(other.header.people)
    assert np.abs(one.frame(0)[0].astype(int) - other.frame(0)[0]).mean() > 5


def test_the_reference_scene_looks_as_it_did():
    picture, _ = small_street().frame(REFERENCE_FRAME)
    wanted = cv2.imread(str(REFERENCE))
    off = np.abs(picture.astype(int) - wanted) > FAR_OFF
    assert off.mean() <= FAR_OFF_SHARE


def test_frames_follow_one_another_at_the_scenarios_rate():
    header = small_street().header
    assert header.frames == 40
    assert [small_street().frame(i)[1].taken_s for i in (0, 1, 39)] == [0.0, 0.2, 7.8]
    assert [small_street().frame(i)[1].frame for i in (0, 39)] == [0, 39]


def test_everyone_passes_and_those_wanted_show_their_faces():
    street = small_street()
    truth = Truth(street.header, [street.frame(i)[1] for i in range(street.header.frames)])
    wanted = {f"person-{identity.seed:07d}" for identity in street.cast.wanted}
    assert wanted <= set(truth.people_passed(width_min_px=12))
    assert len(street.header.people) == 4


def test_landmarks_lie_in_the_box_eyes_over_nose_over_mouth():
    seen = [person for i in range(0, 40, 2) for person in small_street().frame(i)[1].people if person.visible > 0.9]
    assert len(seen) > 10
    for person in seen:
        assert person.landmarks_px is not None
        points = np.array(person.landmarks_px)
        low = np.array([person.left_px, person.top_px])
        high = low + np.array([person.width_px, person.height_px])
        assert (points > low - 1).all()
        assert (points < high + 1).all()
        assert points[:2, 1].mean() < points[2, 1] < points[3:, 1].mean()


def test_the_street_is_a_camera_like_any_other():
    clock = FakeClock()
    camera = StreetCamera(small_street(), "fast", clock, clock.pause, lores=False)
    geometry = camera.open()
    assert (geometry.width_px, geometry.height_px, geometry.frames_per_s) == (320, 240, 5.0)
    first = camera.read(1.0)
    assert first is not None
    assert first.main.shape == (240, 320, 3)
    assert first.main.dtype == np.uint8
    first.main[:] = 0
    assert small_street().frame(0)[0].any()
    assert camera.truth().frames[0].taken_s == first.taken_s


@pytest.mark.parametrize("weather", ["rain", "sodium", "against-sun"])
def test_every_kind_of_weather_can_be_seen_through(weather: str):
    picture, _ = small_street(weather=weather).frame(10)
    assert 15 < picture.mean() < 200
    assert picture.std() > 15


def test_truth_lines_hold_landmarks_and_are_read_back(tmp_path: Path):
    street = small_street()
    frames = [street.frame(i)[1] for i in range(0, 40, 8)]
    path = tmp_path / "truth.jsonl"
    path.write_text("".join(map(truth_line, [street.header, *frames])), encoding="utf-8")
    assert list(read_truth(path).frames) == frames
    assert "landmarks_px" in json.loads(path.read_text().splitlines()[-1])["people"][0]
