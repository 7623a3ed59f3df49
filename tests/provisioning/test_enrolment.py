"""Enrolment: every person of a folder becomes an entry, or every photograph of theirs says why not."""

from __future__ import annotations

import shutil
import threading
import tracemalloc
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.drivers.litert import choose_runtime
from edge.errors import EnrolmentRefused, ModelRejected
from edge.trust.packs import VerifiedPack
from edge.vision.enrol import FacePath
from provisioning.enrolment import (
    PHOTOGRAPHS_PER_PERSON_MAX,
    WORKERS,
    Enroller,
    Entry,
    Person,
    find_likenesses,
    list_people,
)
from tests.reference import reference_dir
from tests.vision.made import picture, template_of
from tests.vision.made_van import MadeRuntime, keep_in, made_pack


def photograph(path: Path, *people: tuple[int, int, int, int]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), picture(*people))
    return path


def alone(k: int) -> tuple[int, int, int, int]:
    return (k, 50, 30, 60)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The first person as a file, the second as a folder of two."""
    photograph(tmp_path / "people" / "first.png", alone(1))
    photograph(tmp_path / "people" / "second" / "front.png", alone(2))
    photograph(tmp_path / "people" / "second" / "later.png", alone(2))
    return tmp_path / "people"


@pytest.fixture
def enroller() -> Enroller:
    return Enroller(lambda: FacePath(made_pack(), MadeRuntime()))


def enrol(enroller: Enroller, folder: Path, **options: int):
    return enroller.enrol(list_people(folder), lambda person: None, **options)


# Who is in a folder


def test_a_file_and_a_folder_are_each_a_person(folder: Path):
    assert list_people(folder) == (
        Person("first", (folder / "first.png",)),
        Person("second", (folder / "second" / "front.png", folder / "second" / "later.png")),
    )


def test_what_is_no_photograph_is_no_person(folder: Path):
    (folder / "notes.txt").write_text("…")
    (folder / ".hidden.png").write_bytes(b"")
    (folder / "empty").mkdir()
    (folder / "second" / "notes.txt").write_text("…")
    assert [person.reference for person in list_people(folder)] == ["first", "second"]


def test_suffixes_in_capitals_are_photographs(tmp_path: Path):
    photograph(tmp_path / "x" / "first.png", alone(1)).rename(tmp_path / "x" / "first.PNG")
    assert [person.reference for person in list_people(tmp_path / "x")] == ["first"]


@pytest.mark.parametrize("content", [None, "folder", "file of text"])
def test_a_folder_without_photographs_is_refused_and_says_what_is_needed(tmp_path: Path, content: str | None):
    folder = tmp_path / "people"
    if content is not None:
        folder.mkdir()
    if content == "file of text":
        (folder / "notes.txt").write_text("…")
    with pytest.raises(EnrolmentRefused, match=r"people: no photographs; need one file or one folder"):
        list_people(folder)


def test_a_file_and_a_folder_of_one_name_are_refused_by_name(folder: Path):
    photograph(folder / "first" / "front.png", alone(1))
    with pytest.raises(EnrolmentRefused, match="first"):
        list_people(folder)


def test_two_files_of_one_name_are_refused_by_name(folder: Path):
    shutil.copy(folder / "first.png", folder / "first.bmp")
    with pytest.raises(EnrolmentRefused, match=r"more than one .* first"):
        list_people(folder)


# Enrolling


def test_everyone_becomes_an_entry_with_their_own_template(enroller: Enroller, folder: Path):
    enrolment = enrol(enroller, folder)
    assert [entry.reference for entry in enrolment.entries] == ["first", "second"]
    for entry, k in zip(enrolment.entries, (1, 2), strict=True):
        assert entry.vector @ template_of(k) == pytest.approx(1)
        assert entry.vector.dtype == np.float32
    assert [entry.photographs_used for entry in enrolment.entries] == [1, 2]
    assert enrolment.refusals == ()


def test_an_entry_s_id_says_nothing_of_the_person_and_is_new_each_time(enroller: Enroller, folder: Path):
    entries = enrol(enroller, folder).entries + enrol(enroller, folder).entries
    ids = [entry.entry_id for entry in entries]
    assert len(set(ids)) == 4
    assert all(len(bytes.fromhex(each)) == 16 for each in ids)


@pytest.mark.parametrize(
    ("people", "reason"),
    [
        ((), "no_face"),
        (((1, 10, 30, 60), (2, 100, 30, 60)), "several_faces"),
        (((1, 50, 30, 20),), "too_small"),
    ],
)
def test_a_photograph_that_cannot_be_used_is_refused_with_its_reason(enroller, folder, people, reason):
    bad = photograph(folder / "third.png", *people)
    enrolment = enrol(enroller, folder)
    assert [entry.reference for entry in enrolment.entries] == ["first", "second"]
    (refusal,) = enrolment.refusals
    assert (refusal.reference, refusal.photograph, refusal.reason) == ("third", bad, reason)
    assert refusal.message
    assert enrolment.not_enrolled() == ("third",)


def test_an_unreadable_photograph_is_refused_with_its_reason(enroller: Enroller, folder: Path):
    (folder / "third.jpg").write_bytes(b"no picture")
    assert [refusal.reason for refusal in enrol(enroller, folder).refusals] == ["unreadable"]


def test_a_person_with_one_good_photograph_is_enrolled_and_the_bad_one_is_still_reported(enroller, folder):
    photograph(folder / "second" / "crowd.png", (2, 10, 30, 60), (3, 100, 30, 60))
    enrolment = enrol(enroller, folder)
    assert [refusal.photograph.name for refusal in enrolment.refusals] == ["crowd.png"]
    assert enrolment.not_enrolled() == ()
    second = enrolment.entries[1]
    assert (second.photographs_used, second.photograph.name) == (2, "front.png")


def test_several_photographs_are_fused_to_unit_length(enroller: Enroller, folder: Path):
    photograph(folder / "mixed" / "1.png", alone(4))
    photograph(folder / "mixed" / "2.png", alone(5))
    mixed = next(entry for entry in enrol(enroller, folder).entries if entry.reference == "mixed")
    assert np.linalg.norm(mixed.vector) == pytest.approx(1, abs=1e-6)
    assert mixed.vector @ template_of(4) == pytest.approx(mixed.vector @ template_of(5))


def test_of_many_photographs_the_first_few_are_used(enroller: Enroller, tmp_path: Path):
    for number in range(PHOTOGRAPHS_PER_PERSON_MAX + 3):
        photograph(tmp_path / "people" / "first" / f"{number}.png", alone(1))
    (entry,) = enrol(enroller, tmp_path / "people").entries
    assert entry.photographs_used == PHOTOGRAPHS_PER_PERSON_MAX
    (entry,) = enrol(enroller, tmp_path / "people", photographs_max=1).entries
    assert entry.photographs_used == 1


def many(folder: Path, count: int) -> Path:
    photograph(folder / "000.png", alone(1))
    for number in range(1, count):
        shutil.copy(folder / "000.png", folder / f"{number:03d}.png")
    return folder


def test_progress_is_told_of_each_person_once_in_their_order(enroller: Enroller, tmp_path: Path):
    people = list_people(many(tmp_path / "people", 40))
    told: list[Person] = []
    enroller.enrol(people, told.append)
    assert told == list(people)


def test_wanted_stops_early_with_exactly_so_many(enroller: Enroller, tmp_path: Path):
    people = list_people(many(tmp_path / "people", 60))
    told: list[Person] = []
    enrolment = enroller.enrol(people, told.append, wanted=7)
    assert [entry.reference for entry in enrolment.entries] == [f"{number:03d}" for number in range(7)]
    assert len(told) == 7


def test_wanted_goes_on_past_people_who_cannot_be_enrolled(enroller: Enroller, tmp_path: Path):
    folder = many(tmp_path / "people", 20)
    for number in range(0, 20, 2):
        photograph(folder / f"{number:03d}.png")
    told: list[Person] = []
    enrolment = enroller.enrol(list_people(folder), told.append, wanted=6)
    assert [entry.reference for entry in enrolment.entries] == ["001", "003", "005", "007", "009", "011"]
    assert [person.reference for person in told] == [f"{number:03d}" for number in range(12)]


def test_wanted_more_than_there_are_enrols_all(enroller: Enroller, folder: Path):
    assert len(enrol(enroller, folder, wanted=50).entries) == 2


def test_wanted_none_at_all_enrols_nobody(enroller: Enroller, folder: Path):
    assert enrol(enroller, folder, wanted=0).entries == ()


def test_each_worker_has_networks_of_its_own(tmp_path: Path):
    made: list[FacePath] = []
    used: set[tuple[int, int]] = set()

    class Watched(FacePath):
        def template_of_photograph(self, image):
            used.add((id(self), threading.get_ident()))
            return super().template_of_photograph(image)

    enroller = Enroller(keep_in(made, lambda: Watched(made_pack(), MadeRuntime())))
    enroller.enrol(list_people(many(tmp_path / "people", 40)), lambda person: None)
    assert len(made) <= WORKERS
    assert len(used) == len({path for path, _ in used}) == len({thread for _, thread in used})


def test_a_network_that_fails_is_no_refusal_of_a_photograph(folder: Path):
    runtime = MadeRuntime()
    path = FacePath(made_pack(), runtime)
    runtime.embedders[0].fails_after = 0
    with pytest.raises(ModelRejected):
        enrol(Enroller(lambda: path), folder)


# Likenesses


def entries_of(vectors: np.ndarray) -> list[Entry]:
    return [Entry(f"{i:032x}", f"person {i}", Path("none"), 1, vector) for i, vector in enumerate(vectors)]


def test_entries_too_alike_are_told_most_alike_first():
    base = np.eye(4, 16, dtype=np.float32)
    vectors = np.stack([base[0], base[1], 0.8 * base[0] + 0.6 * base[2], 0.6 * base[1] + 0.8 * base[3]])
    likenesses = find_likenesses(entries_of(vectors.astype(np.float32)), 0.55)
    assert [(each.first, each.second, each.similarity) for each in likenesses] == [
        ("person 0", "person 2", 0.8),
        ("person 1", "person 3", 0.6),
    ]


def test_nobody_is_compared_with_themselves_even_at_a_threshold_below_zero():
    vectors = np.eye(3, 16, dtype=np.float32)
    pairs = {(each.first, each.second) for each in find_likenesses(entries_of(vectors), -1.0)}
    assert pairs == {("person 0", "person 1"), ("person 0", "person 2"), ("person 1", "person 2")}


@given(st.integers(0, 2**32 - 1), st.integers(0, 9), st.floats(-0.9, 0.9))
def test_every_pair_at_or_above_is_told_once(seed, count, similarity_min):
    vectors = np.random.default_rng(seed).normal(0, 1, (count, 16)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    told = find_likenesses(entries_of(vectors), similarity_min)
    wanted = {
        (f"person {i}", f"person {j}")
        for i in range(count)
        for j in range(i + 1, count)
        if float(vectors[i] @ vectors[j]) >= similarity_min + 1e-6
    }
    pairs = [(each.first, each.second) for each in told]
    assert wanted <= set(pairs)
    assert len(set(pairs)) == len(pairs)
    scores = [each.similarity for each in told]
    assert scores == sorted(scores, reverse=True)


def test_likenesses_of_a_long_list_need_little_memory():
    random = np.random.default_rng(3)
    vectors = random.normal(0, 1, (6000, 16)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors[5999] = vectors[17]
    tracemalloc.start()
    likenesses = find_likenesses(entries_of(vectors), 0.9999)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert ("person 17", "person 5999") in {(each.first, each.second) for each in likenesses}
    assert peak < 60e6


# Real people


@pytest.mark.real
def test_real_people_are_enrolled_from_files_and_folders(street_pack: VerifiedPack, tmp_path: Path):
    images = reference_dir("faces", "lfw", "images")
    chosen = [folder for folder in sorted(images.iterdir()) if folder.is_dir() and len(list(folder.iterdir())) >= 2][:4]
    for folder in chosen[:2]:
        shutil.copytree(folder, tmp_path / "people" / folder.name)
    for folder in chosen[2:]:
        shutil.copy(sorted(folder.iterdir())[0], tmp_path / "people" / f"{folder.name}.jpg")
    shutil.copy(reference_dir("footage", "four-faces.jpg"), tmp_path / "people" / "crowd.jpg")
    enroller = Enroller(lambda: FacePath(street_pack, choose_runtime("auto", 1)))
    enrolment = enrol(enroller, tmp_path / "people")
    enrolled = {entry.reference for entry in enrolment.entries}
    assert len(enrolled) >= 3
    assert enrolled | set(enrolment.not_enrolled()) == {*(folder.name for folder in chosen), "crowd"}
    assert ("crowd", "several_faces") in [(each.reference, each.reason) for each in enrolment.refusals]
    assert find_likenesses(enrolment.entries, 0.55) == ()
