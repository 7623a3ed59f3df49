"""lfr-sim street --scenario: clip, truth, sheet and photographs, and refusals that say what to do."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import pytest
from hwsim.cli import main
from hwsim.street.people import find_people
from hwsim.street.truth import read_truth

SCENARIO = """\
about: two people, one of them wanted
seed: 21
camera: {width_px: 320, height_px: 240, frames_per_s: 3}
crowd: {people: 2, wanted: 1, absent: 1, seconds: 5, speed_m_s: 4.0}
"""


@pytest.fixture
def scenario(tmp_path: Path) -> Path:
    path = tmp_path / "two.yaml"
    path.write_text(SCENARIO, encoding="utf-8")
    return path


def test_clip_truth_sheet_and_photographs_are_written(
    scenario: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    out = tmp_path / "out"
    assert main(["street", "--scenario", str(scenario), "--out", str(out), "--filler", "2", "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    truth = read_truth(out / "truth.jsonl")
    assert summary["frames"] == truth.header.frames == len(truth.frames) == 15
    clip = cv2.VideoCapture(str(out / "clip.mp4"))
    shown = 0
    while clip.grab():
        shown += 1
    assert shown == 15
    assert cv2.imread(str(out / "sheet.png")) is not None
    listed = {person.person for person in find_people(out / "watchlist")}
    filler = {person.person for person in find_people(out / "filler")}
    assert (len(listed), len(filler), len(listed & set(truth.header.people))) == (2, 2, 1)
    assert not filler & (listed | set(truth.header.people))
    photograph = cv2.imread(str(next((out / "watchlist").iterdir())))
    assert photograph.shape == (600, 480, 3)
    assert sorted(path.name for path in out.iterdir()) == [
        "clip.mp4",
        "filler",
        "sheet.png",
        "truth.jsonl",
        "watchlist",
    ]


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (["--out", "clip.mp4"], "is a folder"),
        (["--count", "3"], "the scenario says all that"),
        (["--size", "320x180"], "the scenario says all that"),
        (["--filler", "6000"], "at most 5000"),
    ],
)
def test_what_does_not_go_with_a_scenario_is_refused(
    scenario: Path, tmp_path: Path, more: list[str], says: str, capsys: pytest.CaptureFixture[str]
):
    assert main(["street", "--scenario", str(scenario), "--out", str(tmp_path / "out"), *more]) == 2
    assert says in capsys.readouterr().err.replace("\n", " ")


def test_filler_without_a_scenario_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["street", "--people", str(tmp_path), "--filler", "3", "--out", "clip.mp4"]) == 2
    assert "--scenario" in capsys.readouterr().err
