"""A deployment on a drawn street: its camera, its lists, and the refusals that need no van."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hwsim.cli import main
from hwsim.deploy.drawn import draw_lists
from hwsim.deploy.wanted import DrawnWanted
from hwsim.errors import StreetInvalid
from hwsim.street.people import find_people
from hwsim.street.truth import read_truth
from hwsim.vision_main import open_street

from edge.config import Settings
from tests.fake_clock import FakeClock

SCENARIO = """\
about: Two people pass.
seed: 22
camera: {width_px: 320, height_px: 240, frames_per_s: 2}
crowd: {people: 2, wanted: 1, absent: 2, seconds: 4, speed_m_s: 4.0}
"""


@pytest.fixture
def scenario(tmp_path: Path) -> Path:
    path = tmp_path / "two.yaml"
    path.write_text(SCENARIO, encoding="utf-8")
    return path


def settings_of(tmp_path: Path) -> Settings:
    path = str(tmp_path / "any")
    return Settings.model_validate(
        {
            "device": {"id": "van-1", "fleet": "fleet-1", "state_dir": path, "runtime_dir": path},
            "camera": {"kind": "file", "path": path, "pace": "fast"},
            "inference": {"pack_dir": path},
            "broker": {"host": "localhost", "ca_file": path, "cert_file": path, "key_file": path},
            "keys": {"signing_key_file": path, "root_file": path},
        }
    )


def test_the_camera_shows_the_scenario_and_its_truth_grows_with_it(scenario: Path, tmp_path: Path):
    spec, truth_file = tmp_path / "street.json", tmp_path / "truth.jsonl"
    spec.write_text(json.dumps({"scenario": str(scenario), "truth_file": str(truth_file)}))
    camera = open_street(spec, settings_of(tmp_path), FakeClock())
    geometry = camera.open()
    assert (geometry.width_px, geometry.lores_width_px) == (320, 0)
    captures = 0
    while (capture := camera.read(1.0)) is not None:
        assert capture.lores is None
        captures += 1
        assert len(read_truth(truth_file).frames) == captures
    assert captures == read_truth(truth_file).header.frames == 8


@pytest.mark.parametrize("spec", [{"scenario": "day"}, {"scenario": 3, "truth_file": "x"}, {"truth_file": "x"}])
def test_a_spec_that_says_too_little_is_refused(spec: dict, tmp_path: Path):
    path = tmp_path / "street.json"
    path.write_text(json.dumps(spec))
    with pytest.raises(StreetInvalid, match=r"street\.json"):
        open_street(path, settings_of(tmp_path), FakeClock())


def test_lists_are_drawn_of_those_wanted_those_absent_and_filler(scenario: Path, tmp_path: Path):
    done: list[tuple[str, int, int]] = []
    about = draw_lists(DrawnWanted(str(scenario), tmp_path / "people", 2), lambda *said: done.append(said))
    assert about == "Two people pass."
    assert len(find_people(tmp_path / "people" / "watchlist")) == 3
    assert len(find_people(tmp_path / "people" / "filler")) == 2
    assert done[-1] == ("filler", 2, 2)


def test_lists_that_are_given_are_not_drawn_again(scenario: Path, tmp_path: Path):
    draw_lists(DrawnWanted(str(scenario), None, 0), lambda *said: pytest.fail("drew a list"))
    assert not (tmp_path / "people").exists()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--camera", "rendered:nowhere"], "no such scenario"),
        (["--camera", "clip.mp4"], "--watchlist FOLDER is missing"),
        (["--camera", "street"], "--watchlist FOLDER is missing"),
        (["--camera", "rendered:day", "--filler", "somewhere"], "--filler-count"),
        (["--camera", "rendered:day", "--watchlist", "nowhere"], "no such folder"),
    ],
)
def test_what_cannot_be_deployed_is_refused_with_a_reason(
    arguments: list[str], says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    pack = tmp_path / "packs" / "some"
    pack.mkdir(parents=True)
    (pack / "pack.yaml").touch()
    where = ["--packs", str(pack.parent), "--pack", "some", "--out", str(tmp_path / "out"), "--headless"]
    assert main(["deploy", *arguments, *where]) == 2
    assert says in capsys.readouterr().err.replace("\n", " ")
