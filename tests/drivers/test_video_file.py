"""Clips that are broken, late or slow: the end is told from damage, and time is kept."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge.drivers.video_file import VideoFile
from edge.errors import CameraCorrupt, CameraError, CameraVanished
from tests.clips import FRAMES_PER_S, index_of, write_clip
from tests.fake_clock import FakeClock
from tests.reference import reference_dir

SUFFIXES = (".mp4", ".avi", ".gif")
COUNT = 24


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("clips")
    return {suffix: write_clip(folder / f"whole{suffix}", COUNT).read_bytes() for suffix in SUFFIXES}


def play(path: Path) -> int:
    """Frames until the end."""
    camera = VideoFile(path, "fast", FakeClock())
    try:
        camera.open()
        count = 0
        while camera.read(1.0) is not None:
            count += 1
            assert count <= 10 * COUNT, "a clip without end"
        return count
    finally:
        camera.close()


@pytest.mark.parametrize(
    "content", [b"", b"this is no video\n" * 50, b"\0" * 4096, b"GIF89a", b"RIFF", b"\0\0\0\x18ftyp"]
)
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_file_that_is_no_clip_is_corrupt(tmp_path, suffix, content):
    path = tmp_path / f"bad{suffix}"
    path.write_bytes(content)
    with pytest.raises(CameraCorrupt, match=f"bad{suffix}"):
        play(path)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.99])
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_clip_cut_short_is_refused_before_its_first_frame(tmp_path, clips, suffix, share):
    path = tmp_path / f"cut{suffix}"
    path.write_bytes(clips[suffix][: int(len(clips[suffix]) * share)])
    with pytest.raises(CameraCorrupt):
        VideoFile(path, "fast", FakeClock()).open()


@pytest.mark.parametrize("suffix", [".mp4", ".avi"])
def test_a_clip_that_breaks_off_in_the_middle_is_corrupt_not_ended(tmp_path, clips, suffix):
    content = bytearray(clips[suffix])
    content[len(content) // 3 : len(content) * 2 // 3] = bytes(len(content) * 2 // 3 - len(content) // 3)
    path = tmp_path / f"holed{suffix}"
    path.write_bytes(content)
    with pytest.raises(CameraCorrupt, match=r"after \d+ of 24 frames"):
        play(path)


def test_a_missing_clip_says_which_key_to_check(tmp_path):
    with pytest.raises(CameraVanished, match=r"camera\.path"):
        VideoFile(tmp_path / "none.mp4", "fast", FakeClock()).open()


def test_a_folder_in_place_of_a_clip_is_a_named_error(tmp_path):
    with pytest.raises(CameraError):
        VideoFile(tmp_path, "fast", FakeClock()).open()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_clip_is_a_named_error(tmp_path):
    path = write_clip(tmp_path / "clip.avi", 2)
    path.chmod(0)
    with pytest.raises(CameraVanished):
        VideoFile(path, "fast", FakeClock()).open()


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("pattern", ["img_%02d", "concat:a|b", "http:__x", "snowman ☃"])
def test_a_file_name_is_a_name_and_never_a_pattern_or_protocol(tmp_path, suffix, pattern):
    assert play(write_clip(tmp_path / f"{pattern}{suffix}", 3)) == 3


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], database=None)
@given(data=st.data())
def test_damaged_clips_raise_nothing_but_camera_errors(tmp_path, clips, data):
    suffix = data.draw(st.sampled_from(SUFFIXES))
    content = bytearray(clips[suffix])
    for _ in range(data.draw(st.integers(1, 12))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    if data.draw(st.booleans()):
        del content[data.draw(st.integers(0, len(content))) :]
    path = tmp_path / f"damaged{suffix}"
    path.write_bytes(content)
    with contextlib.suppress(CameraError):
        play(path)


def test_fast_pace_gives_every_frame_and_never_waits(tmp_path, clock):
    camera = VideoFile(write_clip(tmp_path / "clip.mp4", COUNT), "fast", clock, clock.pause)
    camera.open()
    for index in range(COUNT):
        clock.advance(5.0)
        capture = camera.read(1.0)
        assert (index_of(capture.main), capture.frames_skipped) == (index % 12, 0)
        assert capture.taken_s == pytest.approx(index / FRAMES_PER_S)
    assert clock.waits == []
    camera.close()


def test_realtime_pace_gives_each_frame_at_its_media_time(tmp_path, clock):
    camera = VideoFile(write_clip(tmp_path / "clip.mp4", COUNT), "realtime", clock, clock.pause)
    camera.open()
    start_s = clock.monotonic_s()
    for _ in range(COUNT):
        capture = camera.read(1.0)
        assert clock.monotonic_s() - start_s == pytest.approx(capture.taken_s)
        assert capture.frames_skipped == 0
    camera.close()


def test_realtime_pace_passes_over_what_a_late_reader_missed_and_counts_it(tmp_path, clock):
    camera = VideoFile(write_clip(tmp_path / "clip.mp4", COUNT), "realtime", clock, clock.pause)
    camera.open()
    camera.read(1.0)
    clock.advance(0.55)
    capture = camera.read(1.0)
    assert (index_of(capture.main), capture.frames_skipped) == (5, 4)
    assert camera.read(1.0).frames_skipped == 0
    camera.close()


def test_a_decoder_slower_than_the_clip_still_shows_frames(tmp_path):
    class SlowClock(FakeClock):
        def monotonic_s(self) -> float:
            self.advance(0.5)
            return super().monotonic_s()

    clock = SlowClock()
    camera = VideoFile(write_clip(tmp_path / "clip.mp4", COUNT), "realtime", clock, clock.pause)
    camera.open()
    assert camera.read(1.0) is not None
    assert camera.read(1.0) is not None
    camera.close()


def test_a_long_pause_in_a_clip_is_shortened_to_the_time_allowed(tmp_path, clock):
    camera = VideoFile(write_clip(tmp_path / "clip.mp4", 4), "realtime", clock, clock.pause)
    camera.open()
    for _ in range(4):
        camera.read(0.03)
    assert max(clock.waits) == pytest.approx(0.03)
    camera.close()


@pytest.mark.real
@pytest.mark.parametrize(("name", "frames"), [("walking-and-pause.gif", 41), ("classroom.gif", 45)])
def test_real_clips_play_to_their_end(name, frames):
    path = reference_dir("footage", name)
    camera = VideoFile(path, "fast", FakeClock())
    camera.open()
    count = 0
    while camera.read(1.0) is not None:
        count += 1
    camera.close()
    assert count == frames


@pytest.mark.real
def test_a_real_mp4_is_whole():
    camera = VideoFile(reference_dir("footage", "one-by-one.mp4"), "fast", FakeClock())
    geometry = camera.open()
    assert geometry.frames_per_s == pytest.approx(10)
    camera.close()
