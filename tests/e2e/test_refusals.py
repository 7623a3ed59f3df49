"""What a whole deployment says and does when it is given bad input."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.e2e.deploying import deploy
from tests.reference import reference_dir

pytestmark = [pytest.mark.real, pytest.mark.timeout(300)]


@pytest.fixture
def walker(tmp_path: Path) -> Path:
    """A folder with one good photograph."""
    folder = tmp_path / "list"
    folder.mkdir()
    name = "AJ_Cook"
    shutil.copy(reference_dir("faces", "lfw", "images") / name / f"{name}_0001.jpg", folder / "cook.jpg")
    return folder


def test_an_empty_clip_is_a_named_camera_fault(tmp_path: Path, street_pack_dir: Path, walker: Path) -> None:
    clip = tmp_path / "empty.mp4"
    clip.touch()
    done = deploy(tmp_path / "out", street_pack_dir, "--camera", clip, "--watchlist", walker)
    assert done.code == 3
    assert "camera failed" in done.output
    assert done.summary["camera_faults"] == {"camera_corrupt": 3}
    assert "empty.mp4" in done.summary["camera_error"]


def test_a_corrupt_clip_is_a_named_camera_fault(tmp_path: Path, street_pack_dir: Path, walker: Path) -> None:
    clip = tmp_path / "cut.mp4"
    clip.write_bytes(reference_dir("footage", "one-by-one.mp4").read_bytes()[:50_000])
    done = deploy(tmp_path / "out", street_pack_dir, "--camera", clip, "--watchlist", walker)
    assert done.code == 3
    assert set(done.summary["camera_faults"]) == {"camera_corrupt"}


def test_photographs_without_one_face_are_refused_by_name(tmp_path: Path, street_pack_dir: Path, walker: Path) -> None:
    cv2.imwrite(str(walker / "wall.png"), np.full((200, 200, 3), 120, np.uint8))
    shutil.copy(reference_dir("footage", "four-faces.jpg"), walker / "group.jpg")
    (walker / "torn.jpg").write_bytes(b"no picture")
    clip = reference_dir("footage", "classroom.gif")
    done = deploy(tmp_path / "out", street_pack_dir, "--camera", clip, "--watchlist", walker)
    assert done.code == 0, done.output
    assert "wall: wall.png: no face found" in done.output
    assert "group: group.jpg: " in done.output
    assert "torn: torn.jpg: no JPEG, PNG, BMP or WebP picture" in done.output
    assert done.summary["not_enrolled"] == ["group", "torn", "wall"]
    assert done.summary["watchlist_entries"] == 1


def test_a_list_with_nobody_on_it_is_refused(tmp_path: Path, street_pack_dir: Path) -> None:
    folder = tmp_path / "list"
    folder.mkdir()
    cv2.imwrite(str(folder / "wall.png"), np.full((200, 200, 3), 120, np.uint8))
    clip = reference_dir("footage", "classroom.gif")
    done = deploy(tmp_path / "out", street_pack_dir, "--camera", clip, "--watchlist", folder)
    assert done.code == 2
    assert "none of its 1 people could be enrolled" in done.output


def test_a_pack_with_a_changed_byte_never_runs(tmp_path: Path, street_pack_dir: Path, walker: Path) -> None:
    pack = tmp_path / "packs" / "street"
    shutil.copytree(street_pack_dir, pack)
    weights = pack / "embedder_int8.tflite"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    clip = reference_dir("footage", "classroom.gif")
    done = deploy(tmp_path / "out", pack, "--camera", clip, "--watchlist", walker)
    assert done.code == 2
    assert "embedder_int8.tflite" in done.output
    assert hashlib.sha256((street_pack_dir / "embedder_int8.tflite").read_bytes()).hexdigest() in done.output
    assert not (tmp_path / "out" / "alerts.jsonl").exists()


@pytest.mark.parametrize("missing", ["--camera", "--watchlist", "--filler"])
def test_a_missing_path_is_named_at_once(tmp_path: Path, street_pack_dir: Path, walker: Path, missing: str) -> None:
    given = {"--camera": reference_dir("footage", "classroom.gif"), "--watchlist": walker}
    given[missing] = tmp_path / "nowhere"
    arguments = [part for pair in given.items() for part in pair]
    done = deploy(tmp_path / "out", street_pack_dir, *arguments)
    assert done.code == 2
    assert f"{missing} {tmp_path / 'nowhere'}" in done.output


def test_real_people_under_a_bring_up_pack_are_refused_before_anybody_is_enrolled(
    tmp_path: Path, street_pack_dir: Path, walker: Path
) -> None:
    pack_dir = tmp_path / "packs" / "street"
    shutil.copytree(street_pack_dir, pack_dir)
    manifest = pack_dir / "pack.yaml"
    manifest.write_text(manifest.read_text().replace("purpose: operations", "purpose: bring-up"))
    done = deploy(
        tmp_path / "out", pack_dir, "--camera", reference_dir("footage", "classroom.gif"), "--watchlist", walker
    )
    assert done.code == 2
    assert "its subjects are real, and the pack is for bring-up" in done.output
    assert "enrolled" not in done.output
