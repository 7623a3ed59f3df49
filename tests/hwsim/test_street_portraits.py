"""Folders of photographs: who is found, which photograph is taken, what is passed over, and the cut-out."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hwsim.street.cutout import cut_out
from hwsim.street.people import find_people
from hwsim.street.portraits import centred_face, cut_portrait, load_portraits, meant_face

from edge.errors import PhotographsMissing
from edge.records import FaceBox
from tests.hwsim.drawn_people import draw_photograph, write_people


def face(left_px: float, top_px: float, width_px: float) -> FaceBox:
    return FaceBox(0, left_px, top_px, width_px, 1.4 * width_px, 0.9, np.zeros((5, 2), np.float32))


def test_people_are_folders_or_files_or_both(tmp_path):
    write_people(tmp_path, {"b": 2, "a": 1})
    cv2.imwrite(str(tmp_path / "c.jpg"), draw_photograph((10, 20, 30)))
    cv2.imwrite(str(tmp_path / "a.JPEG.jpg"), draw_photograph((10, 20, 30)))
    (tmp_path / "notes.txt").write_text("no picture")
    (tmp_path / ".hidden").mkdir()
    (tmp_path / "nobody").mkdir()
    found = find_people(tmp_path)
    assert [(one.person, len(one.photographs)) for one in found] == [("a", 1), ("a.JPEG", 1), ("b", 2), ("c", 1)]


def test_a_folder_without_photographs_is_refused(tmp_path):
    with pytest.raises(PhotographsMissing, match="no photographs"):
        find_people(tmp_path)
    with pytest.raises(PhotographsMissing, match="no folder"):
        find_people(tmp_path / "none")


def test_the_central_one_of_the_large_faces_is_meant():
    picture = np.zeros((100, 200, 3), np.uint8)
    aside, middle, tiny = face(5, 20, 40), face(85, 20, 30), face(98, 40, 8)
    assert meant_face(picture, lambda _: (aside, middle, tiny)) is middle
    assert meant_face(picture, lambda _: ()) is None


def test_photographs_without_a_face_and_broken_ones_are_passed_over_and_named(tmp_path):
    write_people(tmp_path, {"a": 2, "b": 1})
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / "broken.jpg").write_bytes(b"\xff\xd8 no picture")
    blank = tmp_path / "a" / "0.png"
    cv2.imwrite(str(blank), np.zeros((150, 150, 3), np.uint8))
    loaded = load_portraits(find_people(tmp_path), lambda image: centred_face(image) if image.any() else (), seed=2)
    assert [portrait.person for portrait in loaded.portraits] == ["a", "b"]
    assert (tmp_path / "c" / "broken.jpg", "no picture") in loaded.refused
    assert {reason for _, reason in loaded.refused} <= {"no picture", "no face found"}


def test_a_face_too_small_to_be_shown_is_passed_over(tmp_path):
    people = find_people(write_people(tmp_path, {"a": 1, "b": 1}))
    sizes = iter((12.0, 40.0))
    loaded = load_portraits(people, lambda _: (face(50, 50, next(sizes)),), seed=2)
    assert len(loaded.portraits) == 1
    assert [reason for _, reason in loaded.refused] == ["face 12 px wide, need 20"]


def test_so_many_people_as_asked_for_are_drawn_by_the_seed(tmp_path):
    people = find_people(write_people(tmp_path, {f"p{i}": 1 for i in range(9)}))

    def names(seed: int) -> list[str]:
        return [portrait.person for portrait in load_portraits(people, centred_face, seed, 4).portraits]

    assert len(names(1)) == 4
    assert names(1) == names(1)
    assert len({tuple(names(seed)) for seed in range(6)}) > 1


def test_too_few_usable_people_are_refused_with_their_number(tmp_path):
    people = find_people(write_people(tmp_path, {"a": 1, "b": 1}))
    with pytest.raises(PhotographsMissing, match="2 of 2 people"):
        load_portraits(people, centred_face, 1, 3)
    with pytest.raises(PhotographsMissing, match="0 of 2 people"):
        load_portraits(people, lambda _: (), 1)


def test_a_large_photograph_is_cut_down_to_the_head():
    large = cv2.resize(draw_photograph((90, 140, 200)), (3000, 3000))
    portrait = cut_portrait("a", np.asarray(large, np.uint8), centred_face(large)[0])
    assert portrait.face_box.width_px == pytest.approx(128, abs=1)
    assert max(portrait.image_bgr.shape) < 600


def test_a_cut_out_keeps_the_face_and_drops_what_stood_behind():
    picture = draw_photograph((60, 200, 240), background=20)
    cut = cut_out(cut_portrait("a", picture, centred_face(picture)[0]))
    height, width = cut.bgra.shape[:2]
    box = cut.face_box
    x, y = round(box.left_px + box.width_px / 2), round(box.top_px + box.height_px / 2)
    assert cut.bgra[y, x, 3] == 255
    assert all(cut.bgra[row, column, 3] == 0 for row in (0, height - 1) for column in (0, width - 1))
    assert (cut.bgra[:, :, :3].max(axis=2).astype(int) <= cut.bgra[:, :, 3].astype(int) + 1).all()
    assert cut.skin_bgr == pytest.approx((60, 200, 240), abs=3)


@pytest.mark.parametrize("corner", [(-20.0, -15.0), (110.0, 100.0), (60.0, -30.0)])
def test_a_face_cut_by_the_photographs_edge_still_gives_a_cut_out(corner):
    picture = draw_photograph((90, 140, 200))
    cut = cut_out(cut_portrait("a", picture, face(*corner, 60.0)))
    assert cut.bgra.shape[2] == 4


@pytest.mark.parametrize("shape", [(1, 1), (8, 8), (20, 300), (300, 20)])
def test_pictures_of_any_shape_give_a_cut_out(shape):
    picture = np.full((*shape, 3), 128, np.uint8)
    cut = cut_out(cut_portrait("a", picture, centred_face(picture)[0]))
    assert cut.bgra.shape[2] == 4
