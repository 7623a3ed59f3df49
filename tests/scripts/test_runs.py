"""scripts/test adds up what its parts said and fails when one does; scripts/demo needs nothing but this folder."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    (folder / "scripts").mkdir(parents=True)
    for name in ("test", "demo"):
        shutil.copy(SCRIPTS / name, folder / "scripts" / name)
    _program(folder / "scripts" / "check", "exit ${CHECK_CODE:-0}")
    return folder


def _program(path: Path, *lines: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(("#!/bin/bash", *lines, "")))
    path.chmod(0o755)


def _pytest_that_says(checkout: Path, environment: str, line: str, code: int = 0) -> None:
    says = (f"echo '===== {line} in 1.25s (0:00:01) ====='", f"exit {code}")
    _program(checkout / environment / "bin" / "python", "echo '12 passed in a line of its own'", *says)
    (checkout / environment / ".stamp").touch()


def _run(checkout: Path, script: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(checkout / "scripts" / script)],
        cwd="/",
        env=os.environ | variables,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_last_line_is_the_sum_of_both_runs(checkout: Path):
    _pytest_that_says(checkout, ".venv", "41 passed, 3 skipped, 1 warning")
    _pytest_that_says(checkout, ".venv-tflite", "9 passed, 1 skipped")
    done = _run(checkout, "test")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1].startswith("==== 50 passed, 4 skipped, 1 warning in ")


@pytest.mark.parametrize("environment", [".venv", ".venv-tflite"])
def test_failure_in_either_run_fails_the_whole(checkout: Path, environment: str):
    _pytest_that_says(checkout, ".venv", "5 passed")
    _pytest_that_says(checkout, ".venv-tflite", "5 passed")
    _pytest_that_says(checkout, environment, "1 failed, 4 passed, 2 errors", code=1)
    done = _run(checkout, "test")
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1].startswith("==== 1 failed, 2 errors, 9 passed in ")


def test_failed_check_fails_the_whole_and_the_tests_still_run(checkout: Path):
    _pytest_that_says(checkout, ".venv", "5 passed")
    done = _run(checkout, "test", CHECK_CODE="1")
    assert done.returncode == 1
    assert "test: failed: check" in done.stderr
    assert done.stdout.splitlines()[-1].startswith("==== 5 passed in ")


def test_run_left_out_for_want_of_tflite_runtime_is_said(checkout: Path):
    _pytest_that_says(checkout, ".venv", "5 passed")
    done = _run(checkout, "test")
    assert done.returncode == 0
    assert "left out: no .venv-tflite" in done.stdout


def test_demo_without_an_environment_says_what_to_run(checkout: Path):
    refused = _run(checkout, "demo")
    assert refused.returncode == 2
    assert "make demo" in refused.stderr


def test_demo_needs_nothing_from_outside_the_project(checkout: Path):
    _program(checkout / ".venv" / "bin" / "lfr-sim", 'printf "%s\\n" "$@"')
    given = _run(checkout, "demo").stdout.split()
    assert given[0] == "deploy"
    assert not [argument for argument in given if argument.startswith(("..", "/"))]
    for option in ("--camera", "--truth", "--watchlist"):
        assert (SCRIPTS.parent / given[given.index(option) + 1]).exists()
