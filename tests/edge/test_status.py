"""Status: what a half last said, how old it is, and never a crash over what is on disk."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge.clock import utc_text
from edge.link.status import LinkReport, write_status
from edge.status import STALE_AFTER_S, read_status, status_lines
from tests.edge.made_status import LINK, VISION
from tests.fake_clock import FakeClock


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def write(folder: Path, half: str, content: Any) -> None:
    (folder / half).mkdir(exist_ok=True)
    data = content if isinstance(content, bytes) else json.dumps(content).encode()
    (folder / half / "status.json").write_bytes(data)


def both(folder: Path, clock: FakeClock, **vision: Any) -> dict[str, Any]:
    now = {"written_at_utc": utc_text(clock.now_utc())}
    write(folder, "vision", VISION | now | vision)
    write(folder, "link", LINK | now)
    return read_status(folder, clock)


@pytest.mark.parametrize(
    ("age_s", "state"), [(0, "running"), (STALE_AFTER_S, "running"), (STALE_AFTER_S + 0.1, "silent")]
)
def test_a_half_is_running_until_it_was_silent_for_too_long(tmp_path: Path, clock: FakeClock, age_s: float, state: str):
    both(tmp_path, clock)
    clock.advance(age_s)
    status = read_status(tmp_path, clock)
    assert status["vision"]["state"] == status["link"]["state"] == state
    assert status["vision"]["age_s"] == pytest.approx(age_s)


def test_a_half_that_never_wrote_is_absent_with_the_file_it_would_write(tmp_path: Path, clock: FakeClock):
    status = read_status(tmp_path, clock)
    assert status["link"] == {"state": "absent", "file": str(tmp_path / "link" / "status.json")}


@pytest.mark.parametrize(
    "content", [b"", b"{", b"\xff", b"[]", b"3", b'"text"', {}, {"written_at_utc": 7}, {"written_at_utc": "yesterday"}]
)
def test_a_file_that_says_nothing_sensible_is_unreadable_and_no_crash(tmp_path: Path, clock: FakeClock, content: Any):
    write(tmp_path, "vision", content)
    status = read_status(tmp_path, clock)
    assert status["vision"]["state"] == "unreadable"
    assert status_lines(status)[0] == f"vision  unreadable: {tmp_path / 'vision' / 'status.json'}"


def test_a_half_is_silent_only_after_three_of_its_own_intervals(tmp_path: Path, clock: FakeClock):
    write(tmp_path, "vision", VISION | {"written_at_utc": utc_text(clock.now_utc() - timedelta(seconds=250))})
    assert read_status(tmp_path, clock, interval_s=100)["vision"]["state"] == "running"
    assert read_status(tmp_path, clock, interval_s=80)["vision"]["state"] == "silent"


@given(st.binary(max_size=60))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_on_disk_are_no_crash(tmp_path: Path, content: bytes):
    write(tmp_path, "link", content)
    assert status_lines(read_status(tmp_path, FakeClock()))


@pytest.mark.parametrize("missing", ["facts", "health", "camera_error"])
def test_a_status_of_another_version_is_no_crash(tmp_path: Path, clock: FakeClock, missing: str):
    now = {"written_at_utc": utc_text(clock.now_utc())}
    write(tmp_path, "vision", {key: value for key, value in (VISION | now).items() if key != missing})
    assert status_lines(read_status(tmp_path, clock))[0].startswith("vision  running")


def test_a_person_reads_state_camera_frames_faces_and_why_withheld(tmp_path: Path, clock: FakeClock):
    text = "\n".join(status_lines(both(tmp_path, clock)))
    for words in (
        "watching, deployment market, until 2030-01-01T00:00:00.000Z",
        "500 entries, locked",
        "street 1 int8 on ai-edge-litert 2.3.0",
        "delivering, 2 retries",
        "950 of 1000 at 14.9/s",
        "40 seen, 31 compared, 3 alerts",
        "below_threshold 28, too_small 9",
        "broker     connected",
        "2 waiting, 0 expired",
    ):
        assert words in text


def test_why_a_van_is_suspended_is_told(tmp_path: Path, clock: FakeClock):
    facts = VISION["facts"] | {"state": "suspended", "suspended_because": "by command of the room: two false alerts"}
    assert "suspended  by command of the room: two" in "\n".join(status_lines(both(tmp_path, clock, facts=facts)))


def test_a_gallery_that_is_not_locked_stands_out(tmp_path: Path, clock: FakeClock):
    facts = VISION["facts"] | {"gallery_locked": False}
    assert "NOT LOCKED" in "\n".join(status_lines(both(tmp_path, clock, facts=facts)))


def test_a_camera_s_fault_is_told(tmp_path: Path, clock: FakeClock):
    assert "no frame in 3 s" in "\n".join(status_lines(both(tmp_path, clock, camera_error="no frame in 3 s")))


def test_what_link_writes_is_what_status_reads(tmp_path: Path, clock: FakeClock):
    fields = LinkReport.__annotations__
    values = {name: {"bool": False, "int": 7, "str": "refused"}[str(kind)] for name, kind in fields.items()}
    (tmp_path / "link").mkdir()
    write_status(tmp_path / "link", LinkReport(**values), utc_text(clock.now_utc()))
    lines = status_lines(read_status(tmp_path, clock))
    assert lines[1].startswith("link    running")
    assert any("not connected: refused" in line for line in lines)
