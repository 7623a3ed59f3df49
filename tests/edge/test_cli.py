"""lfr-edge: what its commands print, for people and for machines, and what their exit codes say."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from pathlib import Path

import pytest

from edge import cli
from edge.clock import SystemClock, utc_text
from edge.exits import Exit
from tests.edge.configuration import changed, good_configuration, written
from tests.edge.made_status import LINK, VISION


def run(*arguments: object) -> int:
    return cli.main([str(argument) for argument in arguments])


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return written(tmp_path, good_configuration())


@pytest.fixture
def wrong(tmp_path: Path) -> Path:
    """Three mistakes: an id, a bound, an unknown key."""
    configuration = changed("device.id", "Van 1")
    configuration["camera"] |= {"frames_per_s": 1000, "resolution": "4k"}
    return written(tmp_path, configuration)


def say_now(config: Path, ago: timedelta = timedelta(0)) -> None:
    for half, status in (("vision", VISION), ("link", LINK)):
        file = config.parent / "state" / half / "status.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(status | {"written_at_utc": utc_text(SystemClock().now_utc() - ago)}))


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"], ["check", "--help"], ["status", "--help"]])
def test_help_answers_and_exits_0(arguments: list[str], capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as leaving:
        run(*arguments)
    assert leaving.value.code == 0
    assert capsys.readouterr().out.startswith("usage: lfr-edge")


def test_help_names_every_exit_code(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit):
        run("--help")
    said = set(map(int, re.findall(r"^  (\d)  ", capsys.readouterr().out, re.MULTILINE)))
    assert said == set(map(int, Exit))


@pytest.mark.parametrize("arguments", [[], ["fly"], ["check"], ["check", "--config"]])
def test_wrong_usage_exits_2(arguments: list[str], capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as leaving:
        run(*arguments)
    assert leaving.value.code == Exit.REFUSED
    assert "lfr-edge" in capsys.readouterr().err


def test_check_says_a_good_file_is_good_and_what_it_sets(config: Path, capsys: pytest.CaptureFixture[str]):
    assert run("check", "--config", config) == Exit.ENDED
    out = capsys.readouterr().out
    assert "good" in out
    for word in ("van-1", "fleet-1", "clip.mp4", "street int8", "broker.example:8883"):
        assert word in out


def test_check_reports_three_mistakes_at_once_each_with_its_path(wrong: Path, capsys: pytest.CaptureFixture[str]):
    assert run("check", "--config", wrong) == Exit.REFUSED
    error = capsys.readouterr().err
    assert "3 mistakes" in error
    for path in ("device.id", "camera.frames_per_s", "camera.resolution"):
        assert f"\n  {path}: " in error


def test_check_json_lists_the_mistakes_and_nothing_else(wrong: Path, capsys: pytest.CaptureFixture[str]):
    assert run("check", "--json", "--config", wrong) == Exit.REFUSED
    said = json.loads(capsys.readouterr().out)
    assert set(said) == {"good", "mistakes"}
    assert said["good"] is False
    assert [mistake.split(":")[0] for mistake in said["mistakes"]] == [
        "device.id",
        "camera.frames_per_s",
        "camera.resolution",
    ]


def test_check_json_of_a_file_that_is_not_there_is_one_mistake(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert run("check", "--json", "--config", tmp_path / "none.yaml") == Exit.REFUSED
    (mistake,) = json.loads(capsys.readouterr().out)["mistakes"]
    assert "none.yaml" in mistake


def test_check_json_of_a_good_file_is_the_whole_configuration(config: Path, capsys: pytest.CaptureFixture[str]):
    assert run("check", "--json", "--config", config) == Exit.ENDED
    said = json.loads(capsys.readouterr().out)
    assert said["good"] is True
    assert said["settings"]["camera"]["stall_timeout_s"] == 3.0
    assert said["settings"]["device"]["state_dir"] == str(config.parent / "state")


@pytest.mark.parametrize("command", ["run", "status"])
def test_every_command_refuses_a_bad_configuration_with_all_its_mistakes(wrong, command, capsys):
    assert run(command, "--config", wrong) == Exit.REFUSED
    assert "3 mistakes" in capsys.readouterr().err


def test_run_refuses_a_folder_that_cannot_hold_the_pipe_without_a_traceback(tmp_path: Path, capsys):
    config = written(tmp_path, changed("device.runtime_dir", "x" * 120))
    assert run("run", "--config", config) == Exit.REFUSED
    assert "device.runtime_dir" in capsys.readouterr().err


def test_status_of_halves_that_never_ran_is_absent_and_exits_1(config: Path, capsys: pytest.CaptureFixture[str]):
    assert run("status", "--config", config) == cli.EXIT_SILENT
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith("vision  absent: ")
    assert second.startswith("link    absent: ")
    assert second.endswith("is lfr-edge running?")


def test_status_of_running_halves_exits_0_and_shows_them(config: Path, capsys: pytest.CaptureFixture[str]):
    say_now(config)
    assert run("status", "--config", config) == Exit.ENDED
    out = capsys.readouterr().out
    assert "vision  running" in out
    assert "link    running" in out


def test_status_of_silent_halves_exits_1_and_says_since_when(config: Path, capsys: pytest.CaptureFixture[str]):
    say_now(config, ago=timedelta(minutes=2))
    assert run("status", "--config", config) == cli.EXIT_SILENT
    assert re.search(r"vision  silent, heard 12\d s ago", capsys.readouterr().out)


def test_status_json_has_both_halves_with_state_and_age(config: Path, capsys: pytest.CaptureFixture[str]):
    say_now(config)
    assert run("status", "--json", "--config", config) == Exit.ENDED
    said = json.loads(capsys.readouterr().out)
    assert set(said) == {"vision", "link"}
    assert all(half["state"] == "running" and half["age_s"] >= 0 for half in said.values())
