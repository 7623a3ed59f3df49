"""Folders with what folders have: other files, other sizes, broken pictures."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from edge.drivers.image_folder import ImageFolder
from edge.errors import CameraCorrupt, CameraVanished
from tests.clips import FRAMES_PER_S, frame, index_of, write_folder
from tests.fake_clock import FakeClock


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def test_an_empty_folder_is_corrupt(tmp_path, clock):
    with pytest.raises(CameraCorrupt, match=r"no \.jpg"):
        ImageFolder(tmp_path, 10, "fast", clock).open()


def test_a_file_in_place_of_a_folder_is_vanished(tmp_path, clock):
    (tmp_path / "clip.mp4").touch()
    with pytest.raises(CameraVanished):
        ImageFolder(tmp_path / "clip.mp4", 10, "fast", clock).open()


@pytest.mark.parametrize("content", [b"", b"no picture", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0"])
def test_an_unreadable_picture_is_corrupt_and_named(tmp_path, clock, content):
    folder = write_folder(tmp_path / "pictures", 3)
    (folder / "001.png").write_bytes(content)
    camera = ImageFolder(folder, 10, "fast", clock)
    camera.open()
    assert index_of(camera.read(1.0).main) == 0
    with pytest.raises(CameraCorrupt, match=r"001\.png"):
        camera.read(1.0)


def test_a_picture_removed_meanwhile_is_vanished_and_named(tmp_path, clock):
    folder = write_folder(tmp_path / "pictures", 2)
    camera = ImageFolder(folder, 10, "fast", clock)
    camera.open()
    (folder / "000.png").unlink()
    with pytest.raises(CameraVanished, match=r"000\.png"):
        camera.read(1.0)


def test_other_files_are_passed_by_and_sizes_kept(tmp_path, clock):
    folder = write_folder(tmp_path / "pictures", 1)
    cv2.imwrite(str(folder / "b.JPG.jpg"), np.zeros((40, 60, 3), np.uint8))
    (folder / "notes.txt").write_text("x")
    (folder / ".hidden.png").write_bytes(b"x")
    (folder / "folder.png").mkdir()
    camera = ImageFolder(folder, 10, "fast", clock)
    camera.open()
    assert [camera.read(1.0).main.shape for _ in range(2)] == [frame(0).shape, (40, 60, 3)]
    assert camera.read(1.0) is None


def test_grey_pictures_come_as_three_channels(tmp_path, clock):
    cv2.imwrite(str(tmp_path / "grey.png"), np.full((20, 30), 7, np.uint8))
    camera = ImageFolder(tmp_path, 10, "fast", clock)
    camera.open()
    assert camera.read(1.0).main.shape == (20, 30, 3)


def test_realtime_pace_waits_and_passes_over(tmp_path, clock):
    camera = ImageFolder(write_folder(tmp_path / "pictures", 8), FRAMES_PER_S, "realtime", clock, clock.pause)
    camera.open()
    camera.read(1.0)
    camera.read(1.0)
    assert clock.waits == [pytest.approx(1 / FRAMES_PER_S)]
    clock.advance(0.45)
    capture = camera.read(1.0)
    assert (index_of(capture.main), capture.frames_skipped) == (5, 3)


def test_the_last_picture_is_shown_however_late_the_reader(tmp_path, clock):
    camera = ImageFolder(write_folder(tmp_path / "pictures", 8), FRAMES_PER_S, "realtime", clock, clock.pause)
    camera.open()
    camera.read(1.0)
    clock.advance(60)
    assert index_of(camera.read(1.0).main) == 7
    assert camera.read(1.0) is None
