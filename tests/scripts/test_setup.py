"""scripts/setup in a project of its own, with stand-ins for Python and pip: nothing on this machine is changed."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

SETUP = Path(__file__).resolve().parents[2] / "scripts" / "setup"
TOOLS = (
    "bash",
    "cat",
    "chmod",
    "cp",
    "cut",
    "dirname",
    "flock",
    "grep",
    "mkdir",
    "rm",
    "sed",
    "sha256sum",
    "tail",
    "wc",
)

PYTHON = """\
#!/bin/bash
echo "$*" >>"$CALLS"
case "$*" in
  *version_info*) echo "${STAND_IN_VERSION:-3.11.9}" ;;
  *ensurepip*) exit "${STAND_IN_NO_VENV:-0}" ;;
  *picamera2*) exit 1 ;;
  *_base_executable*) echo "$STAND_IN" ;;
  "-m venv --clear "*) rm -rf "${!#}" && mkdir -p "${!#}/bin" && cp "$STAND_IN" "${!#}/bin/python" ;;
  "-m pip "*) echo "pip was here: $*"; exit "${STAND_IN_PIP_EXIT:-0}" ;;
esac
"""


@dataclass
class Checkout:
    """A project with nothing but what scripts/setup reads, on a machine with nothing but `programs`."""

    folder: Path
    programs: Path
    calls: Path

    def setup(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        environment = {"PATH": str(self.programs), "CALLS": str(self.calls), "STAND_IN": str(self.programs / "python3")}
        self.calls.write_text("")
        return subprocess.run(
            [str(self.programs / "bash"), str(self.folder / "scripts" / "setup"), *arguments],
            cwd="/",
            env=environment | variables,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def pip_runs(self) -> list[str]:
        return [line for line in self.calls.read_text().splitlines() if line.startswith("-m pip")]


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    programs = tmp_path / "programs"
    programs.mkdir()
    for tool in TOOLS:
        found = shutil.which(tool)
        assert found is not None, tool
        (programs / tool).symlink_to(found)
    _program(programs / "python3", PYTHON)
    _program(programs / "mosquitto", "#!/bin/bash\n")
    _program(programs / "id", "#!/bin/bash\necho 1000\n")
    _program(programs / "apt-get", '#!/bin/bash\necho "apt-get $*" >>"$CALLS"\nexit 1\n')
    folder = tmp_path / "a folder with spaces"
    (folder / "scripts").mkdir(parents=True)
    shutil.copy(SETUP, folder / "scripts" / "setup")
    (folder / "pyproject.toml").write_text("[project]\n")
    (folder / "requirements").mkdir()
    for name in ("lock.txt", "lock-numpy1.txt", "lock-tflite-runtime.txt"):
        (folder / "requirements" / name).write_text(f"{name}==1\n")
    return Checkout(folder, programs, tmp_path / "calls")


def _program(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)


def test_fresh_checkout_gets_both_environments_with_hashes_required(checkout: Checkout):
    done = checkout.setup()
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("setup: ready (Python 3.11.9)\n")
    locked, project, tflite = checkout.pip_runs()
    assert locked.endswith("--require-hashes -r requirements/lock.txt")
    assert "--no-deps" in project
    assert project.endswith("--editable .")
    assert tflite.endswith("--require-hashes -r requirements/lock-tflite-runtime.txt")


def test_second_run_only_looks(checkout: Checkout):
    checkout.setup()
    done = checkout.setup()
    assert done.stdout == "setup: ready (Python 3.11.9)\n"
    assert "-m" not in checkout.calls.read_text()


@pytest.mark.parametrize(
    ("changed", "runs"),
    [("requirements/lock.txt", 2), ("requirements/lock-tflite-runtime.txt", 1), ("pyproject.toml", 1)],
)
def test_changed_file_renews_what_was_made_from_it(checkout: Checkout, changed: str, runs: int):
    checkout.setup()
    (checkout.folder / changed).write_text("changed\n")
    assert checkout.setup().returncode == 0
    assert len(checkout.pip_runs()) == runs


def test_another_python_renews_both_environments(checkout: Checkout):
    checkout.setup()
    checkout.setup(STAND_IN_VERSION="3.11.10")
    assert len(checkout.pip_runs()) == 3


def test_half_made_environment_never_counts_and_is_repaired(checkout: Checkout):
    failed = checkout.setup(STAND_IN_PIP_EXIT="1")
    assert failed.returncode == 2
    assert not (checkout.folder / ".venv" / ".stamp").exists()
    assert checkout.setup().returncode == 0
    assert len(checkout.pip_runs()) == 3


def test_environment_of_before_does_not_outlive_a_failed_renewal(checkout: Checkout):
    checkout.setup()
    (checkout.folder / "requirements" / "lock.txt").write_text("changed\n")
    checkout.setup(STAND_IN_PIP_EXIT="1")
    (checkout.folder / "requirements" / "lock.txt").write_text("lock.txt==1\n")
    checkout.setup()
    assert len(checkout.pip_runs()) == 2


def test_failed_step_is_named_with_the_end_of_its_log(checkout: Checkout):
    failed = checkout.setup(STAND_IN_PIP_EXIT="1")
    assert "this step failed: installing locked dependencies" in failed.stderr
    assert "| pip was here: -m pip install --require-hashes -r requirements/lock.txt" in failed.stderr
    assert "build/setup.log" in failed.stderr


@pytest.mark.parametrize("version", ["3.9.18", "3.15.0", "2.7.18"])
def test_unfit_python_is_named_with_the_versions_needed(checkout: Checkout, version: str):
    refused = checkout.setup(STAND_IN_VERSION=version)
    assert refused.returncode == 2
    assert f"is Python {version}; Python 3.10 to 3.14 is needed" in refused.stderr
    assert not (checkout.folder / ".venv").exists()


def test_python_above_3_11_goes_without_tflite_runtime_and_says_so(checkout: Checkout):
    done = checkout.setup(STAND_IN_VERSION="3.13.1")
    assert done.returncode == 0
    assert "no .venv-tflite: tflite-runtime has no build for Python 3.13" in done.stdout
    assert checkout.setup(STAND_IN_VERSION="3.13.1").stdout == "setup: ready (Python 3.13.1)\n"


def test_without_root_or_sudo_the_command_to_run_is_given(checkout: Checkout):
    refused = checkout.setup(STAND_IN_NO_VENV="1")
    assert refused.returncode == 2
    assert "apt-get install --no-install-recommends" in refused.stderr
    assert "python3.11-venv" in refused.stderr
    assert "apt-get" not in checkout.calls.read_text()
    assert not (checkout.folder / ".venv").exists()


def test_without_apt_the_missing_packages_are_named(checkout: Checkout):
    (checkout.programs / "apt-get").unlink()
    refused = checkout.setup(STAND_IN_NO_VENV="1")
    assert refused.returncode == 2
    assert "missing on this machine: python3.11-venv" in refused.stderr


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_read_only_checkout_is_refused_in_words(checkout: Checkout):
    checkout.folder.chmod(0o555)
    refused = checkout.setup()
    assert refused.returncode == 2
    assert "this folder cannot be written" in refused.stderr


def test_unknown_argument_shows_the_usage(checkout: Checkout):
    refused = checkout.setup("--frobnicate")
    assert refused.returncode == 2
    assert refused.stderr.startswith("Usage: scripts/setup")
    assert checkout.setup("--help").returncode == 0
