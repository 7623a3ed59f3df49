"""lfr-sim street: files that appear whole, a summary, and refusals that say what to do."""

from __future__ import annotations

import json

import cv2
import pytest
from hwsim.cli import main
from hwsim.street.clip import write_clip
from hwsim.street.compose import StreetComposer, StreetPlan
from hwsim.street.truth import read_truth

from tests.hwsim.drawn_people import draw_portraits, write_people


@pytest.fixture
def people(tmp_path):
    return write_people(tmp_path / "people", {f"p{i}": 2 for i in range(4)})


@pytest.fixture
def arguments(people, tmp_path):
    """No packs there: faces are taken to be centred."""
    size = ["--size", "320x180", "--fps", "5", "--packs", str(tmp_path / "no-packs")]
    return ["street", "--people", str(people), "--out", str(tmp_path / "out" / "clip.mp4"), *size]


def test_the_clip_its_truth_and_its_sheet_are_written(arguments, tmp_path, capsys):
    sheet = tmp_path / "out" / "sheet.png"
    assert main([*arguments, "--count", "3", "--sheet", str(sheet), "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    truth = read_truth(tmp_path / "out" / "clip.jsonl")
    assert summary["people"] == len(truth.header.people) == 3
    assert summary["frames"] == truth.header.frames == len(truth.frames)
    assert summary["faces_found_by"] == "assumed centred"
    clip = cv2.VideoCapture(str(tmp_path / "out" / "clip.mp4"))
    shown = 0
    while clip.grab():
        shown += 1
    assert shown == truth.header.frames
    assert cv2.imread(str(sheet)).shape[:2] == (3 * 360, 3 * 640)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["clip.jsonl", "clip.mp4", "sheet.png"]


def test_the_same_seed_writes_the_same_truth(arguments, tmp_path):
    texts = []
    for name in ("one", "two"):
        truth = tmp_path / f"{name}.jsonl"
        assert main([*arguments, "--seed", "9", "--seconds", "12", "--truth", str(truth)]) == 0
        texts.append(truth.read_bytes())
    assert texts[0] == texts[1]
    assert read_truth(tmp_path / "one.jsonl").header.frames == 60


def test_a_broken_off_clip_leaves_nothing_behind(tmp_path):
    def stop(done: int) -> None:
        if done == 5:
            raise KeyboardInterrupt

    street = StreetComposer(draw_portraits(1), StreetPlan(1, 160, 160, 5.0))
    with pytest.raises(KeyboardInterrupt):
        write_clip(street, tmp_path / "clip.mp4", tmp_path / "clip.jsonl", progress=stop)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (["--people", "nowhere"], "no folder here"),
        (["--out", "clip.avi"], "clips are mp4"),
        (["--count", "9"], "4 of 4 people"),
        (["--seconds", "2"], "need at least"),
        (["--density", "99"], "at most 20"),
        (["--pack", "street"], "pack.yaml"),
    ],
)
def test_what_cannot_be_composed_is_refused_with_a_reason(arguments, more, says, capsys):
    assert main([*arguments, *more]) == 2
    error = capsys.readouterr().err
    assert "lfr-sim:" in error
    assert says in error.replace("\n", " ")


@pytest.mark.parametrize(
    "more",
    [
        ["--size", "big"],
        ["--size", "321x180"],
        ["--size", "99999x2"],
        ["--fps", "0"],
        ["--fps", "nan"],
        ["--seconds", "inf"],
        ["--count", "0"],
        ["--seed", "-1"],
        ["--seconds", "9", "--density", "3"],
    ],
)
def test_arguments_out_of_bounds_are_refused(arguments, more, capsys):
    with pytest.raises(SystemExit) as caught:
        main([*arguments, *more])
    assert caught.value.code == 2
    assert "usage" in capsys.readouterr().err
