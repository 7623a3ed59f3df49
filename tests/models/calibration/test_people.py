"""People in folders: who is who, who is whom under another name, and a folder of nobody."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.errors import CalibrationDataInvalid
from models.calibration.people import PersonPhotographs, find_people, merge_people, templates_of
from tests.vision.made import picture, template_of
from tests.vision.made_van import MadeRuntime, made_pack


def folder_of(path: Path, people: dict[str, list[str]]) -> Path:
    for person, names in people.items():
        (path / person).mkdir(parents=True)
        for name in names:
            (path / person / name).write_bytes(b"")
    return path


def test_each_folder_is_a_person_and_each_picture_a_photograph(tmp_path: Path):
    folder = folder_of(tmp_path, {"b": ["2.jpg", "1.png", "note.txt"], "a": ["1.JPG"], "empty": []})
    people = find_people([folder])
    assert [(person.person, [path.name for path in person.photographs]) for person in people] == [
        ("a", ["1.JPG"]),
        ("b", ["1.png", "2.jpg"]),
    ]


def test_people_of_several_folders_are_taken_together(tmp_path: Path):
    first, second = folder_of(tmp_path / "1", {"a": ["1.jpg"]}), folder_of(tmp_path / "2", {"b": ["1.jpg"]})
    assert [person.person for person in find_people([first, second])] == ["a", "b"]


def test_name_in_two_folders_is_refused(tmp_path: Path):
    first, second = folder_of(tmp_path / "1", {"a": ["1.jpg"]}), folder_of(tmp_path / "2", {"a": ["1.jpg"]})
    with pytest.raises(CalibrationDataInvalid, match="called a"):
        find_people([first, second])


@pytest.mark.parametrize("people", [{}, {"a": []}, {"a": ["note.txt"]}])
def test_folder_of_nobody_is_refused_by_name(tmp_path: Path, people: dict[str, list[str]]):
    with pytest.raises(CalibrationDataInvalid, match=str(tmp_path)):
        find_people([folder_of(tmp_path, people)])
    with pytest.raises(CalibrationDataInvalid, match="nowhere"):
        find_people([tmp_path / "nowhere"])


def test_two_names_of_one_person_become_one():
    people = [PersonPhotographs(name, (Path(f"{name}.jpg"),)) for name in ("a", "b", "c")]
    merged = merge_people(people, {"c": "a"})
    assert [(person.person, len(person.photographs)) for person in merged] == [("a", 2), ("b", 1)]


@pytest.mark.parametrize("same", [{"x": "a"}, {"a": "x"}])
def test_other_name_of_nobody_is_refused(same: dict[str, str]):
    with pytest.raises(CalibrationDataInvalid, match="nobody is called x"):
        merge_people([PersonPhotographs("a", (Path("a.jpg"),))], same)


def test_every_photograph_has_its_template_and_one_without_a_face_has_none(tmp_path: Path):
    (tmp_path / "a").mkdir()
    cv2.imwrite(str(tmp_path / "a" / "1.png"), picture((3, 60, 30, 64)))
    cv2.imwrite(str(tmp_path / "a" / "2.png"), np.zeros((48, 64, 3), np.uint8))
    (tmp_path / "a" / "3.png").write_bytes(b"no picture")
    told: list[tuple[int, int]] = []
    templates = templates_of(
        made_pack(), MadeRuntime(), find_people([tmp_path]), 1, lambda done, total: told.append((done, total))
    )
    assert templates.people == ("a", "a", "a")
    assert templates.vectors[0] == pytest.approx(template_of(3), abs=1e-6)
    assert np.isnan(templates.vectors[1:]).all()
    assert told == [(1, 3), (2, 3), (3, 3)]
