"""The list of a simulated deployment: built by the product's build, whoever cannot be enrolled left out by name."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import cv2
import pytest
from hwsim.deploy.lists import Listed, build_list
from hwsim.deploy.wanted import Wanted
from hwsim.errors import DeploymentRefused

from provisioning.built_list import read_built
from provisioning.built_people import references_of
from tests.vision.made import picture, template_of
from tests.vision.made_van import MadeRuntime, made_pack


def photograph(path: Path, *people: int) -> Path:
    """Made people side by side."""
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), picture(*((k, 10 + 90 * place, 30, 60) for place, k in enumerate(people))))
    return path


@pytest.fixture
def wanted(tmp_path: Path) -> Wanted:
    """Two people on the list, one of them a folder of two photographs; three fillers, the first of them nobody."""
    photograph(tmp_path / "list" / "first.png", 1)
    photograph(tmp_path / "list" / "second" / "front.png", 2)
    photograph(tmp_path / "list" / "second" / "later.bmp", 2)
    for name, people in {"a": (), "b": (3,), "c": (4,), "first": (5,)}.items():
        photograph(tmp_path / "filler" / f"{name}.png", *people)
    return Wanted(
        camera=tmp_path / "clip.mp4",
        street=None,
        watchlist_dir=tmp_path / "list",
        filler_dir=None,
        filler_count=None,
        pack_dir=tmp_path,
        precision="int8",
        threshold=0.6,
        subjects="synthetic",
        truth=None,
        out=tmp_path / "out",
        pace="fast",
        pictures=False,
        faults=(),
        keep=False,
        alerted_share_min=0.0,
        false_alerts_max=0,
    )


def built(wanted: Wanted, runtime: MadeRuntime | None = None) -> Listed:
    return build_list(wanted, wanted.out / "lists", made_pack(), runtime or MadeRuntime(), io.StringIO())


def test_everybody_in_the_folder_is_an_entry_of_the_built_list(wanted: Wanted):
    listed = built(wanted)
    ids = references_of(listed.build)
    assert set(ids) == set(listed.photographs) == {"first", "second"}
    entries = read_built(listed.build)
    for name, k in (("first", 1), ("second", 2)):
        assert entries.vectors[entries.ids.index(ids[name])] @ template_of(k) == pytest.approx(1)
    assert listed.photographs["first"] == (wanted.watchlist_dir / "first.png").resolve()
    assert (listed.filler, listed.refused, listed.alike) == (0, {}, ())


def test_who_cannot_be_enrolled_is_left_out_and_named_with_the_reason(wanted: Wanted):
    photograph(wanted.watchlist_dir / "third.png", 6, 7)
    listed = built(wanted)
    assert set(listed.photographs) == {"first", "second"}
    assert "third.png: 2 faces" in listed.refused["third"]


def test_filler_that_cannot_be_enrolled_is_replaced_and_nobody_is_looked_at_twice(wanted: Wanted):
    runtime = MadeRuntime()
    listed = built(replace(wanted, filler_dir=wanted.watchlist_dir.parent / "filler", filler_count=2), runtime)
    assert set(listed.photographs) == {"first", "second", "b", "c"}
    assert (listed.filler, listed.refused) == (2, {})
    assert sum(detector.runs for detector in runtime.detectors) == 6


def test_more_filler_than_there_is_is_refused_with_the_numbers(wanted: Wanted):
    filler = wanted.watchlist_dir.parent / "filler"
    with pytest.raises(DeploymentRefused, match=r"--filler-count 3: only 2 of 3"):
        built(replace(wanted, filler_dir=filler, filler_count=3))


def test_a_list_of_nobody_is_refused_and_says_why(wanted: Wanted, tmp_path: Path):
    photograph(tmp_path / "nobody" / "wall.png")
    with pytest.raises(DeploymentRefused, match=r"none of its 1 people could be enrolled: wall: wall\.png: no face"):
        built(replace(wanted, watchlist_dir=tmp_path / "nobody"))


@pytest.mark.parametrize("other", ["first.bmp", "first/front.png"])
def test_two_files_or_folders_of_one_name_are_refused_by_name(wanted: Wanted, other: str):
    photograph(wanted.watchlist_dir / other, 1)
    with pytest.raises(DeploymentRefused, match="first: more than one file or folder"):
        built(wanted)


def test_who_may_be_one_person_is_told(wanted: Wanted):
    photograph(wanted.watchlist_dir / "again.bmp", 1)
    ((similarity, *names),) = built(wanted).alike
    assert (names, similarity > 0.6) == (["again", "first"], True)
