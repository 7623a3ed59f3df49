"""Whole deployments on a street of real faces: recall with its count, false alerts, and the parts killed mid-run."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.deploying import Deployed, cast, deploy
from tests.reference import reference_dir

pytestmark = [pytest.mark.real, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory, street_pack_dir: Path) -> Path:
    """60 people, 20 of them on a list of 500."""
    images = reference_dir("faces", "lfw", "images")
    return cast(tmp_path_factory.mktemp("crowd") / "cast", street_pack_dir, images, 60, 20, 480, seed=7)


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory, street_pack_dir: Path) -> Path:
    """14 people, 7 of them on a list of 27."""
    images = reference_dir("faces", "lfw", "images")
    return cast(tmp_path_factory.mktemp("few") / "cast", street_pack_dir, images, 14, 7, 20, seed=3)


FPIR_1_PERCENT = 0.475
"""What `lfr-models threshold street --watchlist 500 --fpir 0.01` answers, int8."""


def on_street(out: Path, pack: Path, people: Path, *more: object) -> Deployed:
    return deploy(
        out,
        pack,
        *("--camera", "street", "--people", people / "street", "--watchlist", people / "watchlist"),
        *("--filler", people / "filler", *more),
    )


def test_four_of_five_listed_people_are_found_with_at_most_one_false_alert(
    tmp_path: Path, street_pack_dir: Path, crowd: Path
) -> None:
    done = on_street(
        tmp_path / "out", street_pack_dir, crowd, "--pace", "fast", "--seed", 7, "--threshold", FPIR_1_PERCENT
    )
    assert done.code == 0, done.output
    summary = done.summary
    assert (summary["people_passed"], summary["people_on_list"], summary["watchlist_entries"]) == (60, 20, 500)
    assert summary["people_alerted"] + summary["people_missed"] == 20
    assert summary["people_alerted"] >= 16
    assert summary["false_alerts"] <= 1
    assert summary["tpir"]["low"] < summary["tpir"]["value"] < summary["tpir"]["high"]
    assert summary["frames_dropped"] == 0
    assert summary["faces_seen"] == summary["alerts"] + sum(summary["faces_withheld"].values())
    assert all(alert["right"] == (alert["really"] == alert["reference"]) for alert in done.alerts)


@pytest.mark.parametrize("fault", ["broker@4+10", "room@4+10", "link@9"])
def test_every_alert_arrives_once_though_a_part_is_killed_in_mid_run(
    tmp_path: Path, street_pack_dir: Path, few: Path, fault: str
) -> None:
    given = ("--seed", 3, "--threshold", 0.55, "--alerted-min", "0.1", "--fault", fault)
    done = on_street(tmp_path / "out", street_pack_dir, few, *given)
    assert done.code == 0, done.output
    part = fault.partition("@")[0]
    assert done.summary["faults"] == [f"{part} killed (kill -9)", f"{part} started again"]
    assert_all_arrived_once(done)


def test_a_vision_half_killed_in_mid_run_opens_the_deployment_again(
    tmp_path: Path, street_pack_dir: Path, few: Path
) -> None:
    given = ("--seed", 3, "--threshold", 0.55, "--alerted-min", "0.1", "--fault", "vision@4")
    done = on_street(tmp_path / "out", street_pack_dir, few, *given)
    assert done.code == 0, done.output
    assert_all_arrived_once(done)


def assert_all_arrived_once(done: Deployed) -> None:
    """Every alert that the van counted in its signed record arrived, and was shown once."""
    assert done.summary["alerts"] == len(done.alerts) > 0
    assert sorted(alert["sequence"] for alert in done.alerts) == list(range(1, len(done.alerts) + 1))
    assert len({alert["event_id"] for alert in done.alerts}) == len(done.alerts)
    assert done.shown == done.references
    assert done.summary["van_alerts"] == len(done.alerts)
    assert done.summary["false_alerts"] == 0
