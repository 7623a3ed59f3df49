"""A build: every photograph is accounted for, one that was killed goes on, and nothing of the work stays."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.errors import EntriesInvalid
from provisioning.built_list import LIST_NAME, read_built
from provisioning.built_people import read_people, read_photographs
from provisioning.errors import BuildIncomplete
from provisioning.examine import SHOWN_SIDE_PX
from tests.provisioning.build_rig import Rig, line_of, rig_in
from tests.vision.made import picture, template_of

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return rig_in(tmp_path)


# What becomes an entry


def test_each_row_becomes_an_entry_with_its_category_response_and_template(rig: Rig):
    rig.person(1, category="suspect", response="amber")
    rig.person(2, category="court_order", response="green")
    rig.build()
    built = read_built(rig.out)
    assert built.categories == ("suspect", "court_order")
    assert built.responses == ("amber", "green")
    assert np.allclose(built.vectors, [template_of(1), template_of(2)])
    assert (built.subjects, built.policy, built.backend) == ("synthetic", "uk-1", "made/int8")


def test_entry_ids_are_new_in_every_build(rig: Rig):
    rig.person(1)
    rig.build()
    first = read_built(rig.out).ids
    rig.build(out=rig.folder / "again")
    assert set(first).isdisjoint(read_built(rig.folder / "again").ids)


def test_the_room_s_half_holds_who_why_and_a_reduced_photograph(rig: Rig):
    large = cv2.copyMakeBorder(picture((1, 50, 30, 60)), 0, 300, 0, 400, cv2.BORDER_CONSTANT, value=(90, 90, 90))
    rig.put("large.png", large)
    rig.person(2, reference="small")
    rig.rows.clear()
    rig.row("a", "large.png", name="Ana", under_18="yes", under_18_rationale="missing child")
    rig.row("b", "small.png")
    rig.build()
    people = read_people(rig.out)
    assert [person.entry_id for person in people] == list(read_built(rig.out).ids)
    assert [(person.reference, person.name, person.under_18_rationale) for person in people] == [
        ("a", "Ana", "missing child"),
        ("b", None, None),
    ]
    sizes = [
        cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR).shape[:2]
        for jpeg in read_photographs(rig.out, people)
    ]
    assert max(sizes[0]) == SHOWN_SIDE_PX
    assert sizes[1] == picture().shape[:2]


def test_a_folder_of_photographs_is_one_entry_and_every_good_one_counts(rig: Rig):
    rig.photograph("ana/1.png", (1, 50, 30, 60))
    rig.photograph("ana/2.png", (2, 50, 30, 60))
    rig.photograph("ana/3.png")
    rig.row("ana")
    built = rig.build()
    assert np.allclose(built.vectors, (template_of(1) + template_of(2)) / np.sqrt(2))
    assert [line.enrolled for line in built.lines] == [True, True, False]
    assert line_of(built, "ana/3.png").outcome == "no_face"


# What does not


def test_each_photograph_says_what_is_wrong_with_it(rig: Rig):
    bad = {
        "no_face": picture(),
        "two_faces": picture((1, 10, 20, 60), (2, 110, 20, 60)),
        "too_small": picture((3, 50, 30, 20)),
    }
    for name, image in bad.items():
        rig.row(name, rig.put(f"{name}.png", image))
    dark = picture((4, 50, 30, 60))
    dark[:, :, 1:] = 0
    rig.row("badly_exposed", rig.put("badly_exposed.png", dark))
    even = picture((5, 50, 30, 60))
    even[:, :, 1:] = 120
    even[:, :, 0] = np.maximum(even[:, :, 0], 195)
    rig.row("blurred", rig.put("blurred.png", even))
    (rig.folder / "photos" / "unreadable.jpg").write_bytes(b"\xff\xd8 no picture")
    rig.row("unreadable", "unreadable.jpg")
    rig.person(6)
    built = rig.build(skip_refused=True)
    assert [row.reference for row in built.rows] == ["p6"]
    for line in built.lines:
        assert line.outcome == ("accepted" if line.entry.reference == "p6" else line.entry.reference)
        assert bool(line.message) != line.enrolled


def test_refused_rows_stop_the_build_before_anything_is_looked_at(rig: Rig):
    rig.person(1)
    rig.row("nothing")
    rig.person(2, category="intelligence", reason="")
    with pytest.raises(BuildIncomplete) as refusal:
        rig.build()
    assert "row 3 (nothing): photograph: nothing at" in str(refusal.value)
    assert "reason: empty; category: 'intelligence'" in str(refusal.value)
    assert not rig.out.exists()


def test_a_row_without_a_usable_photograph_stops_the_build_and_leaves_the_report(rig: Rig):
    rig.person(1)
    rig.row("blank", rig.photograph("blank.png"))
    with pytest.raises(BuildIncomplete, match=r"row 3 \(blank\): blank.png: no face"):
        rig.build()
    assert not (rig.out / LIST_NAME).exists()
    assert (rig.out / "contact-sheet.html").exists()
    looked_at = rig.looked_at
    rig.build(skip_refused=True)
    assert rig.looked_at == looked_at
    assert len(read_built(rig.out).ids) == 1


def test_a_build_of_nobody_is_refused(rig: Rig):
    rig.row("blank", rig.photograph("blank.png"))
    with pytest.raises(EntriesInvalid, match="no list to write"):
        rig.build(skip_refused=True)


def test_two_entries_like_one_person_are_shown_to_each_other(rig: Rig):
    rig.person(1, reference="a")
    rig.row("b", rig.photograph("b.png", (1, 60, 40, 50)))
    rig.person(2, reference="c")
    built = rig.build()
    assert len(built.rows) == 3
    outcomes = {line.entry.reference: line.outcome for line in built.lines}
    assert outcomes == {"a": "duplicate", "b": "duplicate", "c": "accepted"}
    alike = line_of(built, "a.png").alike[0]
    assert (alike.reference, alike.photograph, alike.similarity) == ("b", "b.png", 1.0)


def test_the_very_same_photograph_for_two_rows_refuses_both(rig: Rig):
    rig.person(1, reference="a")
    rig.row("b", "a.png")
    rig.person(2, reference="c")
    built = rig.build(skip_refused=True)
    assert [row.reference for row in built.rows] == ["c"]
    assert "the very same photograph is given to b" in built.refused[0].mistakes[0]


def test_symbolic_link_out_of_the_photographs(rig: Rig):
    rig.put("../secret.png", picture((1, 50, 30, 60)))
    (rig.folder / "photos" / "link.png").symlink_to(rig.folder / "secret.png")
    rig.row("a", "link.png")
    with pytest.raises(BuildIncomplete, match="leads out of"):
        rig.build()


@pytest.mark.parametrize("reference", ["..", ".", "../photos", "x" * 100, "a/b"])
def test_a_reference_that_is_a_path_finds_no_photograph(rig: Rig, reference: str):
    rig.photograph("other.png", (1, 50, 30, 60))
    rig.row(reference)
    with pytest.raises(BuildIncomplete, match="nothing at"):
        rig.build()


def test_a_bring_up_pack_takes_no_real_people(rig: Rig):
    rig.person(1)
    with pytest.raises(ValueError, match="bring-up"):
        rig.build(subjects="real")
