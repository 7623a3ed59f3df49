"""docs/operations.md leaves nothing out: exit codes, camera faults, lines of status, files."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from edge import errors
from edge.exits import Exit
from edge.status import status_lines
from edge.vision.capture import CameraState
from tests.systemd.units import FOLDER, PYTHON

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "operations.md").read_text(encoding="utf-8")
FAULTS = sorted(kind.reason for kind in errors.CameraError.__subclasses__())
VISION_FACTS = {
    "state": "running",
    "age_s": 0.0,
    "facts": dict.fromkeys(
        ("state", "deployment", "not_after_utc", "watchlist_entries", "gallery_locked", "pack", "runtime")
    ),
    "camera_error": "",
    "health": {
        "camera": "closed",
        "camera_retries": 0,
        "frames_per_s": 0.0,
        "statistics": {
            **dict.fromkeys(("frames_processed", "frames_read", "faces_seen", "faces_compared", "alerts"), 0),
            "faces_withheld": {},
        },
    },
}
LINK_FACTS = {"state": "running", "age_s": 0.0, "connected": True, "queued": 0, "expired": 0}
LABELS = [line.split()[0] for line in status_lines({"vision": VISION_FACTS, "link": LINK_FACTS})]


@pytest.mark.parametrize("code", Exit)
def test_every_exit_code_is_explained(code: Exit) -> None:
    assert re.search(rf"^\| {int(code)} \| ", TEXT, re.MULTILINE)


@pytest.mark.parametrize("fault", FAULTS)
def test_every_camera_fault_has_its_advice(fault: str) -> None:
    assert re.search(rf"^\| `{fault}` \| .+ \| .+ \|$", TEXT, re.MULTILINE)


@pytest.mark.parametrize("label", LABELS)
def test_every_line_of_status_is_explained(label: str) -> None:
    assert re.search(rf"^\| (`\w+`, )*`{label}`(, `\w+`)* \| ", TEXT, re.MULTILINE)


@pytest.mark.parametrize("state", ["closed", *(state.value for state in CameraState)])
def test_every_state_of_the_camera_is_named(state: str) -> None:
    (line,) = (line for line in TEXT.splitlines() if line.startswith("| `camera` |"))
    assert f"`{state}`" in line


def test_every_file_of_the_folder_is_put_somewhere() -> None:
    assert not [path.name for path in FOLDER.iterdir() if f"systemd/{path.name}" not in TEXT]
    assert f"venv --system-site-packages {Path(PYTHON).parents[1]}" in TEXT
