"""Whole deployments on real clips: who is on the list is found once, who is not is left alone."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from tests.e2e.deploying import Deployed, deploy
from tests.reference import reference_dir

pytestmark = [pytest.mark.real, pytest.mark.timeout(600)]

FILLER = 500
EARLY_FRAME = 2
PEOPLE_PX = {"walker-a": (55, 150), "walker-b": (165, 265), "walker-c": (290, 420)}
"""Columns of the early frame in which each of the three people of walking-and-pause stands."""


def read_frame(clip: Path, index: int) -> NDArray[np.uint8]:
    source = cv2.VideoCapture(str(clip))
    for _ in range(index):
        source.grab()
    taken, frame = source.read()
    source.release()
    assert taken
    return np.asarray(frame, np.uint8)


@pytest.fixture(scope="module")
def walkers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The three people of walking-and-pause, each enrolled from one early frame."""
    folder = tmp_path_factory.mktemp("walkers")
    frame = read_frame(reference_dir("footage", "walking-and-pause.gif"), EARLY_FRAME)
    for name, (left, right) in PEOPLE_PX.items():
        cv2.imwrite(str(folder / f"{name}.png"), frame[40:230, left:right])
    return folder


def with_filler(out: Path, pack: Path, clip: str, watchlist: Path, *more: object) -> Deployed:
    filler = ("--filler", reference_dir("faces", "lfw", "images"), "--filler-count", FILLER)
    return deploy(
        out,
        pack,
        "--camera",
        reference_dir("footage", clip),
        "--watchlist",
        watchlist,
        *filler,
        "--threshold",
        0.55,
        *more,
    )


def test_three_walkers_are_alerted_once_each_among_500_others(
    tmp_path: Path, street_pack_dir: Path, walkers: Path
) -> None:
    done = with_filler(tmp_path / "out", street_pack_dir, "walking-and-pause.gif", walkers)
    assert done.code == 0, done.output
    assert done.references == sorted(PEOPLE_PX)
    assert all(alert["similarity"] >= alert["threshold"] == 0.55 for alert in done.alerts)
    assert all(alert["frames_fused"] >= 2 for alert in done.alerts)
    assert done.summary["watchlist_entries"] == FILLER + 3
    assert (done.summary["alerts"], done.summary["people_alerted"]) == (3, 3)
    assert done.shown == done.references
    sheet = cv2.imread(str(done.out / "sheet.png"))
    assert sheet is not None
    assert min(sheet.shape[:2]) > 200


def test_faces_too_small_to_compare_are_seen_and_withheld(tmp_path: Path, street_pack_dir: Path, walkers: Path) -> None:
    done = with_filler(tmp_path / "out", street_pack_dir, "classroom.gif", walkers)
    assert done.code == 0, done.output
    assert done.alerts == []
    assert done.summary["faces_seen"] >= 4
    assert done.summary["faces_compared"] == 0
    assert done.summary["faces_withheld"] == {"too_small": done.summary["faces_seen"]}


def test_people_from_behind_are_taken_for_nobody(tmp_path: Path, street_pack_dir: Path, walkers: Path) -> None:
    done = with_filler(tmp_path / "out", street_pack_dir, "one-by-one.mp4", walkers, "--pace", "fast")
    assert done.code == 0, done.output
    assert done.alerts == []
    assert done.summary["frames_read"] == done.summary["frames_processed"] == 1394
    assert done.summary["frames_dropped"] == 0


def test_float_weights_find_the_walkers_too(tmp_path: Path, street_pack_dir: Path, walkers: Path) -> None:
    clip = reference_dir("footage", "walking-and-pause.gif")
    done = deploy(tmp_path / "out", street_pack_dir, "--camera", clip, "--watchlist", walkers, "--precision", "float32")
    assert done.code == 0, done.output
    assert done.references == sorted(PEOPLE_PX)
    assert done.summary["pack"]["precision"] == "float32"


def test_nothing_private_is_left_behind(tmp_path: Path, street_pack_dir: Path, walkers: Path) -> None:
    clip = reference_dir("footage", "walking-and-pause.gif")
    done = deploy(tmp_path / "out", street_pack_dir, "--camera", clip, "--watchlist", walkers)
    assert done.code == 0, done.output
    left = sorted(str(path.relative_to(done.out)) for path in done.out.rglob("*") if path.is_file())
    assert left == [
        "alerts.jsonl",
        "records.jsonl",
        "sheet.png",
        "site/log/fleet.log",
        "site/log/room.log",
        "site/log/van.log",
        "summary.json",
    ]
    for name in PEOPLE_PX:
        for log in ("van.log", "fleet.log"):
            assert name not in (done.out / "site" / "log" / log).read_text()
