"""A whole deployment on a drawn street: nobody in it is real, and everybody who is listed can be found."""

from __future__ import annotations

from pathlib import Path

import pytest
from hwsim.street.truth import read_truth

from tests.e2e.deploying import deploy

pytestmark = pytest.mark.timeout(300)

ROOT = Path(__file__).resolve().parents[2]
BRINGUP = ROOT / "models" / "packs" / "bringup"
DEMO = ROOT / "hw-sim" / "clips" / "demo"

SCENARIO = """\
about: Six people pass in ten seconds, three of them wanted.
seed: 31
camera: {across_deg: 36, exposure_ms: 4}
crowd: {people: 6, wanted: 3, absent: 3, seconds: 10, speed_m_s: 1.8, away_share: 0, glance_share: 1, down_share: 0}
"""


def test_listed_people_are_found_on_a_drawn_street_and_nobody_else_is_named(tmp_path: Path) -> None:
    scenario = tmp_path / "six.yaml"
    scenario.write_text(SCENARIO, encoding="utf-8")
    more = ("--filler-count", 4, "--pace", "fast", "--alerted-min", 0.6, "--false-max", 1)
    done = deploy(tmp_path / "out", BRINGUP, "--camera", f"rendered:{scenario}", *more)
    assert done.code == 0, done.output
    assert done.summary["people_passed"] == 6
    assert 2 <= done.summary["people_on_list"] <= 3
    assert done.summary["watchlist_entries"] >= 8
    assert done.summary["frames_dropped"] == 0
    assert done.summary["camera"] == "rendered:six"
    truth = read_truth(tmp_path / "out" / "truth.jsonl")
    assert len(truth.frames) == truth.header.frames == 150
    assert all(person.landmarks_px is not None for frame in truth.frames for person in frame.people)


def test_the_demo_finds_those_who_are_wanted_and_nobody_else(tmp_path: Path) -> None:
    clip = ("--camera", DEMO / "clip.mp4", "--truth", DEMO / "truth.jsonl", "--watchlist", DEMO / "watchlist")
    done = deploy(tmp_path / "out", BRINGUP, *clip, "--synthetic", "--pace", "fast", "--false-max", 0)
    assert done.code == 0, done.output
    assert (done.summary["people_passed"], done.summary["people_on_list"]) == (10, 5)
    assert done.summary["watchlist_entries"] == 20
    assert done.summary["frames_dropped"] == 0
    assert done.shown == done.references


def test_the_demo_with_real_people_on_its_list_is_refused(tmp_path: Path) -> None:
    done = deploy(tmp_path / "out", BRINGUP, "--camera", DEMO / "clip.mp4", "--watchlist", DEMO / "watchlist")
    assert done.code == 2, done.output
    assert "bring-up" in done.output
    assert not done.alerts
