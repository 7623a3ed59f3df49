"""The work of a build: killed, it goes on; nothing of it stays; and its report and sheet are safe to open."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from edge.errors import FolderInUse, ModelRejected
from provisioning.build_folder import held_folder
from provisioning.built_list import LIST_NAME, read_built
from provisioning.built_people import PEOPLE_NAME, PHOTOGRAPHS_NAME, read_people, read_photographs
from provisioning.errors import BuildBusy, BuildIncomplete, BuiltListInvalid
from provisioning.work_file import KEY_NAME, WORK_NAME
from tests.provisioning.build_rig import Rig, rig_in
from tests.vision.made import template_of

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return rig_in(tmp_path)


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
