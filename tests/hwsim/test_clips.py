"""The clip that comes with the project: whole, small, and what its scenario still draws."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from hwsim.street.people import find_people
from hwsim.street.rendered.cast import cast_of
from hwsim.street.rendered.crowd import name_of
from hwsim.street.rendered.head.portrait import render_portrait
from hwsim.street.rendered.scenario import read_scenario
from hwsim.street.rendered.scene import RenderedStreet
from hwsim.street.truth import read_truth

DEMO = Path(__file__).parents[2] / "hw-sim" / "clips" / "demo"
CLIP_MAX_BYTES = 2_500_000
FRAME = 100


def test_the_clip_is_small_and_as_long_as_its_truth():
    truth = read_truth(DEMO / "truth.jsonl")
    assert (DEMO / "clip.mp4").stat().st_size <= CLIP_MAX_BYTES
    clip = cv2.VideoCapture(str(DEMO / "clip.mp4"))
    frames = 0
    while clip.grab():
        frames += 1
    assert frames == truth.header.frames == len(truth.frames)
    assert clip.get(cv2.CAP_PROP_FPS) == truth.header.frames_per_s


def test_those_wanted_pass_and_the_others_on_its_list_stay_away():
    cast = cast_of(read_scenario("demo"))
    truth = read_truth(DEMO / "truth.jsonl")
    listed = {person.person for person in find_people(DEMO / "watchlist")}
    assert listed == {name_of(identity) for identity in cast.wanted + cast.absent}
    assert listed & set(truth.header.people) == {name_of(identity) for identity in cast.wanted}
    assert {name_of(identity) for identity in cast.wanted} <= set(truth.people_passed())


def test_the_scenario_still_draws_the_clip_its_truth_and_its_photographs():
    scenario = read_scenario("demo")
    street = RenderedStreet(scenario)
    picture, seen = street.frame(FRAME)
    kept = read_truth(DEMO / "truth.jsonl").frames[FRAME].people
    assert [person.person for person in kept] == [person.person for person in seen.people]
    for was, now in zip(kept, seen.people, strict=True):
        assert np.allclose(was.landmarks_px, now.landmarks_px, atol=0.1)
        assert abs(was.visible - now.visible) < 0.03
    clip = cv2.VideoCapture(str(DEMO / "clip.mp4"))
    clip.set(cv2.CAP_PROP_POS_FRAMES, FRAME)
    found, shown = clip.read()
    assert found
    assert np.abs(shown.astype(int) - picture).mean() < 6
    identity = street.cast.wanted[0]
    photograph = cv2.imread(str(DEMO / "watchlist" / f"{name_of(identity)}.jpg"))
    assert np.abs(photograph.astype(int) - render_portrait(identity, identity.seed)).mean() < 4
