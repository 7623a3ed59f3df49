"""Scenarios: ours are all sound, and what does not do is refused with every mistake in it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hwsim.errors import StreetInvalid
from hwsim.street.rendered.scenario import Scenario, own_scenarios, read_scenario
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge.errors import ConfigInvalid

SOUND = """\
about: a street
seed: 3
camera: {width_px: 640, height_px: 480}
weather: {like: rain, rain: 0.4}
crowd: {people: 5, wanted: 2, density: 3}
"""


def read(text: str, tmp_path: Path) -> Scenario:
    path = tmp_path / "scenario.yaml"
    path.write_text(text, encoding="utf-8")
    return read_scenario(str(path))


@pytest.mark.parametrize("name", own_scenarios())
def test_each_of_our_own_scenarios_is_sound(name: str):
    scenario = read_scenario(name)
    assert scenario.about.endswith(".")
    assert scenario.crowd.wanted > 0


def test_there_are_scenarios_by_day_and_night_and_in_rain():
    assert {"day", "dusk", "night-sodium", "rain", "crowd"} <= set(own_scenarios())


def test_what_is_written_is_what_is_seen(tmp_path: Path):
    scenario = read(SOUND, tmp_path)
    assert (scenario.seed, scenario.crowd.people, scenario.camera.width_px) == (3, 5, 640)
    assert (scenario.seen_in().name, scenario.seen_in().rain) == ("rain", 0.4)


def test_all_mistakes_are_told_at_once(tmp_path: Path):
    text = (
        "about: x\nseed: -1\ncolour: red\ncamera: {width_px: 3}\nweather: {like: snow}\ncrowd: {people: 2, wanted: 9}\n"
    )
    with pytest.raises(ConfigInvalid) as caught:
        read(text, tmp_path)
    for key in ("seed", "colour", "camera.width_px", "weather.like", "crowd"):
        assert key in str(caught.value)


@pytest.mark.parametrize(
    "line",
    [
        "crowd: {density: 0}",
        "crowd: {seconds: .inf}",
        "crowd: {people: 1.5}",
        "camera: {frames_per_s: 0}",
        "camera: {tilt_deg: 80}",
        "camera: {width_px: 641}",
        "weather: {rain: 2}",
        "weather: {like: 3}",
        "seed: '3'",
        "camera: {width_px: 640, width_px: 320}",
        "- a list",
    ],
)
def test_what_is_out_of_bounds_is_refused(line: str, tmp_path: Path):
    with pytest.raises(ConfigInvalid):
        read(f"about: x\n{line}\n", tmp_path)


def test_an_unknown_name_is_refused_with_those_there_are():
    with pytest.raises(StreetInvalid, match="night-sodium"):
        read_scenario("nowhere")


def test_a_name_cannot_lead_out_of_the_folder():
    with pytest.raises(StreetInvalid):
        read_scenario("../scenarios/day")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_text_is_read_or_refused_by_name(data: st.DataObject, tmp_path: Path):
    start = data.draw(st.integers(0, len(SOUND)))
    end = data.draw(st.integers(start, min(len(SOUND), start + 12)))
    text = SOUND[:start] + data.draw(st.text(max_size=12)) + SOUND[end:]
    try:
        scenario = read(text.encode("utf-8", "replace").decode(), tmp_path)
    except (ConfigInvalid, StreetInvalid):
        return
    assert scenario.crowd.wanted <= scenario.crowd.people
