"""A cast: parts that do not overlap, no enrolment photograph in the street, the same from the same seed."""

from __future__ import annotations

import json

import pytest
from hwsim.cast import CAST_NAME, PHOTOGRAPHS_MAX, choose_cast, write_cast
from hwsim.cli import main
from hwsim.errors import CastTooSmall
from hwsim.street.people import find_people

from edge.errors import FolderInUse
from tests.hwsim.drawn_people import write_people


@pytest.fixture
def people(tmp_path):
    many = {f"m{i}": 3 for i in range(6)}
    single = {f"s{i}": 1 for i in range(10)}
    return find_people(write_people(tmp_path / "people", many | single))


def _contents(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_nobody_has_two_parts(people):
    cast = choose_cast(people, in_street=9, on_list=4, filler=5, seed=1)
    parts = [{role.person for role in roles} for roles in (cast.on_list, cast.passers_by, cast.filler)]
    assert [len(part) for part in parts] == [4, 5, 5]
    assert len(set.union(*parts)) == 14


def test_no_enrolment_photograph_is_shown_in_the_street(people, tmp_path):
    cast = choose_cast(people, 9, 4, 5, seed=1)
    for role in cast.on_list:
        assert role.enrolled not in role.street
        assert role.street
    out = tmp_path / "cast"
    write_cast(cast, out)
    enrolled = {path.read_bytes() for path in (out / "watchlist").iterdir()}
    filler = {path.read_bytes() for path in (out / "filler").iterdir()}
    shown = {path.read_bytes() for path in (out / "street").rglob("*.png")}
    assert len(enrolled) == 4
    assert len(filler) == 5
    assert not shown & (enrolled | filler)


def test_the_same_seed_gives_the_same_cast_and_another_gives_another(people):
    assert choose_cast(people, 9, 4, 5, seed=1) == choose_cast(people, 9, 4, 5, seed=1)
    casts = {tuple(role.person for role in choose_cast(people, 9, 4, 5, seed).on_list) for seed in range(6)}
    assert len(casts) > 1


def test_who_is_listed_has_a_photograph_that_a_build_takes(people):
    def enrols(path) -> bool:
        return path.name == "1.png" or path.parent.name in ("s3", "s5", "s7", "s8", "s9")

    cast = choose_cast(people, 6, 4, 5, seed=1, enrols=enrols)
    assert all(role.enrolled and enrols(role.enrolled) for role in (*cast.on_list, *cast.filler))
    assert all(role.enrolled not in role.street for role in cast.on_list)
    assert any(not enrols(path) for role in (*cast.on_list, *cast.passers_by) for path in role.street)


def test_photographs_that_do_not_do_are_passed_over(people):
    def accept(path) -> bool:
        return path.name != "0.png" or path.parent.name.startswith("s")

    cast = choose_cast(people, 9, 4, 5, seed=1, accept=accept)
    for role in (*cast.on_list, *cast.passers_by):
        assert all(accept(path) for path in role.street)
    assert all(role.enrolled and accept(role.enrolled) for role in (*cast.on_list, *cast.filler))


def test_a_folder_too_small_is_refused_with_the_numbers(people):
    with pytest.raises(CastTooSmall, match="16 people give 6 of 7 on the list"):
        choose_cast(people, 9, 7, 0, seed=1)
    with pytest.raises(CastTooSmall, match="7 of 8 filler"):
        choose_cast(people, 9, 4, 8, seed=1)
    with pytest.raises(CastTooSmall, match="0 of 4 on the list"):
        choose_cast(people, 9, 4, 0, seed=1, accept=lambda _: False)


@pytest.mark.parametrize(("in_street", "on_list", "filler"), [(3, 4, 0), (0, 0, 5), (3, -1, 0), (3, 1, -1)])
def test_numbers_that_make_no_cast_are_refused(people, in_street, on_list, filler):
    with pytest.raises(CastTooSmall, match="need at least one"):
        choose_cast(people, in_street, on_list, filler, seed=1)


def test_few_photographs_of_a_person_with_very_many_are_looked_at(tmp_path):
    looked_at = []
    people = find_people(write_people(tmp_path / "people", {"a": 3 * PHOTOGRAPHS_MAX}))
    choose_cast(people, 1, 1, 0, seed=1, accept=lambda path: not looked_at.append(path))
    assert len(looked_at) == PHOTOGRAPHS_MAX


def test_an_earlier_cast_is_replaced(people, tmp_path):
    once, twice = tmp_path / "once", tmp_path / "twice"
    write_cast(choose_cast(people, 9, 4, 5, seed=2), once)
    write_cast(choose_cast(people, 9, 4, 5, seed=1), twice)
    write_cast(choose_cast(people, 9, 4, 5, seed=2), twice)
    assert _contents(once) == _contents(twice)


def test_a_folder_that_holds_something_else_is_left_alone(people, tmp_path):
    (tmp_path / "mine" / "street").mkdir(parents=True)
    (tmp_path / "mine" / "street" / "letter.txt").write_text("keep me")
    with pytest.raises(FolderInUse, match="no cast"):
        write_cast(choose_cast(people, 9, 4, 5, seed=2), tmp_path / "mine")
    assert _contents(tmp_path / "mine") == {"street/letter.txt": b"keep me"}


def test_the_command_writes_who_is_what(people, tmp_path, capsys):
    out = tmp_path / "cast"
    numbers = ["--people", "9", "--on-list", "4", "--filler-count", "2", "--seed", "3"]
    source = ["--from", str(tmp_path / "people"), "--packs", str(tmp_path / "no-packs")]
    assert main(["cast", *source, *numbers, "--out", str(out), "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert (summary["on_list"], summary["passers_by"], summary["filler"]) == (4, 5, 2)
    document = json.loads((out / CAST_NAME).read_text())
    assert document["seed"] == 3
    assert {one["person"] for one in document["on_list"]} == {path.stem for path in (out / "watchlist").iterdir()}
    assert {one["person"] for one in document["filler"]} == {path.stem for path in (out / "filler").iterdir()}
    everyone = document["on_list"] + document["passers_by"]
    assert {one["person"]: set(one["street"]) for one in everyone} == {
        path.name: {inner.name for inner in path.iterdir()} for path in (out / "street").iterdir()
    }


def test_the_command_refuses_a_small_folder(people, tmp_path, capsys):
    source = ["--from", str(tmp_path / "people"), "--packs", str(tmp_path / "no-packs")]
    assert main(["cast", *source, "--people", "40", "--on-list", "20", "--out", str(tmp_path / "cast")]) == 2
    assert "ask for fewer" in capsys.readouterr().err
    assert not (tmp_path / "cast").exists()
