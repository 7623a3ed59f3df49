"""A build: every photograph is accounted for, one that was killed goes on, and nothing of the work stays."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.errors import EntriesInvalid, FolderInUse, ModelRejected
from provisioning.assembly import Built, PhotographLine
from provisioning.build_folder import held_folder
from provisioning.built_list import LIST_NAME, read_built
from provisioning.built_people import PEOPLE_NAME, PHOTOGRAPHS_NAME, read_people, read_photographs
from provisioning.errors import BuildBusy, BuildIncomplete, BuiltListInvalid
from provisioning.examine import SHOWN_SIDE_PX
from provisioning.work_file import KEY_NAME, WORK_NAME
from tests.provisioning.build_rig import Rig, rig_in
from tests.vision.made import picture, template_of

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return rig_in(tmp_path)


def line_of(built: Built, photograph: str) -> PhotographLine:
    (line,) = (line for line in built.lines if line.photograph == photograph)
    return line


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


# The work


def test_a_build_that_was_stopped_looks_at_no_photograph_twice(rig: Rig):
    for k in range(8):
        rig.person(k)
    detector_fails(rig, after=5)
    with pytest.raises(ModelRejected):
        rig.build(workers=1)
    assert not (rig.out / LIST_NAME).exists()
    rig.runtime.detectors.clear()
    rig.build(workers=1)
    assert rig.looked_at == 3
    assert len(read_built(rig.out).ids) == 8


def detector_fails(rig: Rig, after: int) -> None:
    load = rig.runtime.load

    def failing(content: bytes, label: str):
        model = load(content, label)
        if content == b"detector":
            rig.runtime.detectors[-1].fails_after = after
            rig.runtime.load = load  # type: ignore[method-assign]
        return model

    rig.runtime.load = failing  # type: ignore[method-assign]


def test_kill_minus_nine_in_the_middle_and_the_next_run_goes_on(rig: Rig):
    for k in range(8):
        rig.person(k)
    code = f"""
import io, os, signal
from pathlib import Path
from tests.provisioning import build_rig
from provisioning.build_command import build
from tests.fake_clock import FakeClock
from tests.vision.made_van import MadeRuntime, made_pack
class Dies(io.StringIO):
    def write(self, text):
        if text.startswith("4 of"):
            os.kill(os.getpid(), signal.SIGKILL)
        return len(text)
class Clock(FakeClock):
    def monotonic_s(self):
        self.advance(60)
        return super().monotonic_s()
rig = build_rig.Rig(Path({str(rig.folder)!r}), MadeRuntime(), {rig.rows!r})
build(rig.wanted(workers=1), made_pack(), rig.runtime, Clock(), Dies())
"""
    died = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env={**os.environ, "PYTHONPATH": "."}, timeout=60)
    assert died.returncode == -9
    with (rig.out / WORK_NAME).open("ab") as file:
        file.write(b"\0\0\1\0 cut short")
    rig.build(workers=1)
    assert rig.looked_at == 4
    assert len(read_built(rig.out).ids) == 8


def test_a_work_file_of_another_pack_is_begun_anew(rig: Rig):
    rig.person(1)
    rig.row("blank", rig.photograph("blank.png"))
    with pytest.raises(BuildIncomplete):
        rig.build()
    rig.runtime.backend = "other"
    before = rig.looked_at
    rig.build(skip_refused=True)
    assert rig.looked_at == before + 2


def test_a_work_file_without_its_key_is_of_no_use_to_anybody(rig: Rig):
    rig.person(1)
    rig.row("blank", rig.photograph("blank.png"))
    with pytest.raises(BuildIncomplete):
        rig.build()
    (rig.out / KEY_NAME).unlink()
    before = rig.looked_at
    rig.build(skip_refused=True)
    assert rig.looked_at == before + 2


def test_no_template_name_or_picture_is_in_the_work_file(rig: Rig):
    rig.person(1, name="Ana Łuś")
    rig.row("blank", rig.photograph("blank.png"))
    with pytest.raises(BuildIncomplete):
        rig.build()
    content = (rig.out / WORK_NAME).read_bytes()
    photograph = (rig.folder / "photos" / "p1.png").read_bytes()
    for secret in (
        template_of(1).tobytes()[:32],
        b"Ana",
        b"\xff\xd8\xff",
        hashlib.sha256(photograph).hexdigest().encode(),
    ):
        assert secret not in content


def test_a_finished_build_leaves_no_work_file_and_no_key(rig: Rig):
    rig.person(1)
    rig.build()
    assert sorted(path.name for path in rig.out.iterdir()) == [
        "contact-sheet.html",
        LIST_NAME,
        PEOPLE_NAME,
        PHOTOGRAPHS_NAME,
        "report.csv",
        "report.json",
    ]


def test_only_its_owner_may_enter_or_read_a_build(rig: Rig):
    rig.out.mkdir(mode=0o755)
    rig.person(1)
    rig.build()
    assert stat.S_IMODE(rig.out.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in rig.out.iterdir()} == {0o600}


def test_two_builds_in_one_folder_are_refused(rig: Rig):
    rig.person(1)
    with held_folder(rig.out), pytest.raises(BuildBusy):
        rig.build()


def test_a_finished_list_and_a_folder_of_other_things_are_not_built_over(rig: Rig):
    rig.person(1)
    rig.build()
    with pytest.raises(FolderInUse, match="finished"):
        rig.build()
    with pytest.raises(FolderInUse, match="photos"):
        rig.build(out=rig.folder)


@pytest.mark.parametrize("name", [PEOPLE_NAME, PHOTOGRAPHS_NAME])
@pytest.mark.parametrize("harm", [lambda data: data[:-1], lambda data: data + b"x", lambda data: b""])
def test_a_damaged_room_s_half_is_refused(rig: Rig, name: str, harm):
    rig.person(1)
    rig.build()
    path = rig.out / name
    path.write_bytes(harm(path.read_bytes()))
    with pytest.raises(BuiltListInvalid):
        list(read_photographs(rig.out, read_people(rig.out)))


# The report


def test_the_report_names_every_photograph_and_every_refused_row(rig: Rig):
    rig.person(1)
    rig.row("blank", rig.photograph("blank.png"))
    rig.row("nothing")
    rig.build(skip_refused=True)
    report = json.loads((rig.out / "report.json").read_text())
    assert [(line["reference"], line["outcome"]) for line in report["photographs"]] == [
        ("p1", "accepted"),
        ("blank", "no_face"),
    ]
    assert [row["row"] for row in report["rows_refused"]] == [3, 4]
    with (rig.out / "report.csv").open(newline="") as file:
        lines = list(csv.DictReader(file))
    assert [(line["row"], line["outcome"]) for line in lines] == [
        ("2", "accepted"),
        ("3", "no_face"),
        ("4", "row_refused"),
    ]


def test_formula_injection_through_a_cell_of_the_report(rig: Rig):
    rig.person(1, reference="=1+1")
    rig.person(2, reference="@SUM(A1)")
    rig.build()
    with (rig.out / "report.csv").open(newline="") as file:
        cells = [cell for line in csv.reader(file) for cell in line]
    assert "'=1+1" in cells
    assert not [cell for cell in cells if cell[:1] in ("=", "+", "-", "@")]


def test_markup_injection_through_every_text_of_the_contact_sheet(rig: Rig):
    sly = '"><script>x</script><img src=x onerror=x>'
    rig.row(sly, rig.photograph("<b>.png", (1, 50, 30, 60)), name=sly, image_source=sly)
    rig.row("b", rig.photograph("b.png", (1, 60, 40, 50)))
    rig.row(f"{sly} 2", "missing<img>.png")
    rig.build(skip_refused=True)
    page = (rig.out / "contact-sheet.html").read_text()
    assert "<script" not in page
    assert "<img src=x" not in page
    assert "<b>.png" not in page
    assert "default-src 'none'" in page


def test_a_contact_sheet_fetches_nothing(rig: Rig):
    rig.person(1)
    rig.build()
    page = (rig.out / "contact-sheet.html").read_text()
    assert "http://" not in page
    assert "https://" not in page
    assert "url(" not in page
    assert "data:image/jpeg;base64," in page


def test_more_photographs_than_a_page_holds_go_on_the_next(rig: Rig, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("provisioning.contact_sheet.PAGE_PHOTOGRAPHS", 2)
    for k in range(5):
        rig.person(k)
    rig.build()
    pages = [(rig.out / f"contact-sheet{end}.html").read_text() for end in ("", "-2", "-3")]
    assert [page.count("<article") for page in pages] == [2, 2, 1]
    assert 'href="contact-sheet-3.html"' in pages[0]
