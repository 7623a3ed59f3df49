"""sheet.png: readable for no alert, for one, and for two hundred; right and false said in words."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from control_room.sheet import SheetCard, write_sheet
from tests.control_room.van import face_jpeg

SUMMARY = ["12 people passed, 4 of them on the list", "3 alerted, 1 missed, 1 false alert"]


def cards(folder: Path, count: int) -> list[SheetCard]:
    live, enrolled = folder / "live.jpg", folder / "enrolled.jpg"
    live.write_bytes(face_jpeg(96, 112))
    enrolled.write_bytes(face_jpeg(250, 250, tint=30))
    really = [None, "entry 1", "entry 1 and a name that goes on for much longer than a card is wide", "not on the list"]
    return [
        SheetCard(
            reference="entry 1" if number % 4 != 2 else "entry with a reference longer than its card is wide",
            similarity=0.5 + 0.05 * (number % 9),
            threshold=0.55,
            live=live if number % 5 != 4 else None,
            enrolment=enrolled,
            latency_ms=41.0 + number,
            note=f"3 frames, at {number} s",
            really=really[number % 4],
        )
        for number in range(count)
    ]


@pytest.mark.parametrize("count", [0, 1, 7, 200])
def test_a_sheet_of_any_number_of_alerts_is_a_picture_a_viewer_can_open(tmp_path, count):
    write_sheet(tmp_path / "sheet.png", cards(tmp_path, count), "deployment-1", SUMMARY)
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.format == "PNG"
        assert sheet.width * sheet.height < 25_000_000
        assert len(sheet.getcolors(1 << 24)) > 10


def test_more_alerts_than_a_sheet_bears_are_counted_on_it(tmp_path):
    write_sheet(tmp_path / "sheet.png", cards(tmp_path, 401), "deployment-1", SUMMARY)
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.width * sheet.height < 40_000_000


def test_a_verdict_is_said_in_words():
    card = SheetCard("entry 1", 0.7, 0.55, None, None)
    assert card.verdict[0] == "truth not known"
    assert SheetCard("entry 1", 0.7, 0.55, None, None, really="entry 1").verdict[0] == "RIGHT: really entry 1"
    assert SheetCard("entry 1", 0.7, 0.55, None, None, really="entry 2").verdict[0] == "FALSE: really entry 2"


def test_a_picture_that_cannot_be_opened_leaves_its_place_empty(tmp_path):
    (tmp_path / "bad.jpg").write_bytes(b"no picture")
    card = SheetCard("entry 1", 0.7, 0.55, tmp_path / "bad.jpg", tmp_path / "missing.jpg")
    write_sheet(tmp_path / "sheet.png", [card], "deployment-1", [])
    assert (tmp_path / "sheet.png").exists()
