"""Photographs to templates: the one face that is meant, or a refusal that says what to do."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from edge.drivers.litert import choose_runtime
from edge.errors import FaceTooSmall, NoFaceFound, PhotographUnreadable, SeveralFacesFound
from edge.trust.packs import VerifiedPack
from edge.vision.enrol import FacePath, read_photograph
from tests.reference import reference_dir
from tests.vision.made import picture, template_of
from tests.vision.made_van import MadeRuntime, made_pack


@pytest.fixture
def path(tmp_path: Path) -> FacePath:
    return FacePath(made_pack(), MadeRuntime())


def test_the_one_face_becomes_a_template_of_unit_length(path: FacePath):
    template = path.template_of_photograph(picture((3, 50, 30, 60)))
    assert template.vector @ template_of(3) == pytest.approx(1)


def test_no_face_is_refused(path: FacePath):
    with pytest.raises(NoFaceFound, match="frontal") as refusal:
        path.template_of_photograph(picture())
    assert refusal.value.reason == "no_face"


def test_two_faces_that_could_be_meant_are_refused(path: FacePath):
    with pytest.raises(SeveralFacesFound, match="2 faces"):
        path.template_of_photograph(picture((3, 10, 30, 60), (4, 100, 30, 40)))


def test_a_small_face_in_the_background_does_not_refuse_the_one_in_front(path: FacePath):
    template = path.template_of_photograph(picture((4, 120, 10, 30), (3, 10, 30, 60)))
    assert template.vector @ template_of(3) == pytest.approx(1)


def test_a_face_that_the_van_would_not_compare_is_refused(path: FacePath):
    with pytest.raises(FaceTooSmall, match="22 px"):
        path.template_of_photograph(picture((3, 50, 30, 22)))


def test_the_central_face_is_the_one_nearest_the_middle_however_small(path: FacePath):
    template = path.template_of_central_face(picture((3, 0, 0, 50), (4, 84, 50, 28)))
    assert template.vector @ template_of(4) == pytest.approx(1)


def test_faces_come_widest_first(path: FacePath):
    faces = path.faces(picture((1, 0, 0, 30), (2, 100, 60, 50), (3, 20, 70, 40)))
    assert [round(face.width_px) for face in faces] == [50, 40, 30]


@pytest.mark.parametrize("content", [b"", b"no picture", b"\xff\xd8\xff\xe0 cut short", b"\x89PNG\r\n\x1a\n"])
def test_a_file_that_is_no_picture_is_refused(tmp_path: Path, content: bytes):
    (tmp_path / "person.jpg").write_bytes(content)
    with pytest.raises(PhotographUnreadable, match="not a picture"):
        read_photograph(tmp_path / "person.jpg")


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path):
    for wrong in (tmp_path / "absent.jpg", tmp_path):
        with pytest.raises(PhotographUnreadable):
            read_photograph(wrong)


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "P"])
def test_every_kind_of_picture_is_read_as_three_channels(tmp_path: Path, mode: str):
    Image.new(mode, (30, 20)).save(tmp_path / "person.png")
    image = read_photograph(tmp_path / "person.png")
    assert (image.shape, image.dtype) == ((20, 30, 3), np.uint8)


def test_a_photograph_is_turned_as_its_exif_says(tmp_path: Path):
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held on its side
    Image.new("RGB", (40, 20), (255, 0, 0)).save(tmp_path / "person.jpg", exif=exif)
    image = read_photograph(tmp_path / "person.jpg")
    assert image.shape == (40, 20, 3)
    assert image[10, 10, 2] > 200 > image[10, 10, 0]


@pytest.mark.real
def test_a_real_person_is_more_like_themselves_than_like_another(street_pack: VerifiedPack):
    people = reference_dir("faces", "lfw", "images")
    folders = [folder for folder in sorted(people.iterdir()) if folder.is_dir() and len(list(folder.iterdir())) >= 2]
    path = FacePath(street_pack, choose_runtime("auto", 1))
    pairs = []
    for folder in folders[:12]:
        first, second = sorted(folder.iterdir())[:2]
        pairs.append([path.template_of_central_face(read_photograph(each)).vector for each in (first, second)])
    scores = np.stack([a for a, _ in pairs]) @ np.stack([b for _, b in pairs]).T
    others = scores[~np.eye(len(pairs), dtype=bool)]
    assert np.mean(np.diag(scores)) > 0.45 > 0.2 > others.mean()


@pytest.mark.real
def test_a_real_photograph_of_four_people_is_refused_and_one_cut_to_one_is_taken(street_pack: VerifiedPack):
    path = FacePath(street_pack, choose_runtime("auto", 1))
    image = read_photograph(reference_dir("footage", "four-faces.jpg"))
    with pytest.raises(SeveralFacesFound):
        path.template_of_photograph(image)
    face = path.faces(image)[0]
    left, top = max(int(face.left_px - 0.2 * face.width_px), 0), max(int(face.top_px - 0.2 * face.height_px), 0)
    alone = image[top : top + int(1.4 * face.height_px), left : left + int(1.4 * face.width_px)]
    assert path.template_of_photograph(cv2.copyMakeBorder(alone, 40, 40, 40, 40, cv2.BORDER_REPLICATE)).vector.size
