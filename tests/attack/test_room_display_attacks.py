"""Attacks on what the control room shows, through pictures, texts and the bundle: each by its name."""

from __future__ import annotations

import contextlib
import io
import json
import os
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from rich.console import Console

from control_room.bundle import Known
from control_room.errors import PictureRefused
from control_room.graphics import PictureMaker
from control_room.pictures import open_crop, open_listed, open_photograph
from control_room.present import TerminalScreen
from control_room.printable import printable
from edge.formats.topics import HEALTH, STATE
from tests.control_room.van import Bench, bundled, face_jpeg


class Opened:
    """A bundle's file that vouches for any photograph."""

    def __init__(self, jpeg: bytes) -> None:
        self._jpeg = jpeg

    def photograph(self, entry_id: str) -> bytes:
        return self._jpeg


@pytest.fixture
def bench(tmp_path):
    return Bench(tmp_path)


def reasons(bench: Bench) -> str:
    return "\n".join(bench.screen.of("refused"))


# Pictures


def test_crop_that_is_no_jpeg(bench):
    png = io.BytesIO()
    Image.new("RGB", (96, 112)).save(png, "PNG")
    for jpeg in (b"", b"GIF89a", png.getvalue(), b"\xff\xd8\xff" + os.urandom(500)):
        bench.take(bench.van.alert(jpeg=jpeg))
    bench.show()
    assert [alert.crop for alert, _ in bench.screen.alerts] == [None] * 4
    assert all(line["crop"] is None for line in bench.saved_alerts())
    assert "no JPEG picture" in reasons(bench)


def with_header_size(jpeg: bytes, width_px: int, height_px: int) -> bytes:
    at = jpeg.index(b"\xff\xc0") + 5
    return jpeg[:at] + struct.pack(">HH", height_px, width_px) + jpeg[at + 4 :]


@pytest.mark.parametrize("announced", [(96, 112), (4096, 4096)])
def test_decompression_bomb_as_a_crop_is_refused_before_a_pixel_is_decoded(bench, announced, monkeypatch):
    monkeypatch.setattr("control_room.pictures._decoded", lambda *_: pytest.fail("decoded"))
    bomb = with_header_size(face_jpeg(), *((65_000, 65_000) if announced == (96, 112) else announced))
    bench.take(bench.van.alert(jpeg=bomb, crop_size_px=announced, entry_id="f" * 32))
    bench.show()
    assert bench.screen.alerts[0][0].crop is None


def test_crop_cut_short(bench):
    jpeg = face_jpeg()
    bench.take(bench.van.alert(jpeg=jpeg[: len(jpeg) // 2]))
    bench.show()
    assert bench.screen.alerts[0][0].crop is None


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=600), st.integers(min_value=0, max_value=1500))
def test_any_bytes_as_a_crop_are_a_picture_or_refused(tail, keep):
    with contextlib.suppress(PictureRefused):
        assert open_crop(face_jpeg()[:keep] + tail, 96, 112).size == (96, 112)


# The terminal


@pytest.mark.parametrize(
    "text",
    [
        "\x1b]0;owned\x07name",
        "\x1b[2Jname",
        "name\r\x1b[1A",
        "\x9b31mname",
        "na\x08\x08me",
        "\u202ename\u2066",
        "name\u2028\u2029x",
        "n" + "\u0301" * 500,
        "[bold red]name[/]",
        "\ud800name",
    ],
)
def test_terminal_injection_through_a_reference(bench, text):
    clean = printable(text)
    assert len(clean) <= 120
    assert all(character.isprintable() for character in clean)
    person, jpeg = bundled(0)
    sly = person.model_copy(update={"reference": text[:200].encode("utf-8", "replace").decode(), "reason": text[:200]})
    bench.room._bundle.find = lambda deployment, entry_id: Known(sly, Opened(jpeg))  # type: ignore[assignment]
    bench.room.tick(connected=True)
    stream = io.StringIO()
    bench.room._screen = TerminalScreen(Console(file=stream, width=80, highlight=False), PictureMaker("none"))
    bench.take(bench.van.alert())
    bench.show()
    assert not set(stream.getvalue()) & set("\x1b\x07\x08\x9b\r\u202e\u2066\u2028")


def test_terminal_injection_through_stage_names_states_and_topics(bench):
    stream = io.StringIO()
    bench.room._screen = TerminalScreen(Console(file=stream, width=80, highlight=False), PictureMaker("none"))
    bench.take(bench.van.alert(stage_ms={"\x1b[2J": 1.0, **{f"s{n}": 1.0 for n in range(50)}}))
    bench.take((bench.van.topic(STATE), json.dumps({"state": "\x1b]0;x\x07lost"}).encode()))
    bench.take(("lfr/v1/test-fleet/devices/\x1b[2J/alerts", b""))
    bench.take((bench.van.topic(HEALTH), b'{"\x1b[2J":1}'))
    bench.show()
    assert "\x1b" not in stream.getvalue()


@given(st.text())
def test_printable_text_is_printable_whatever_it_was(text):
    clean = printable(text, 50)
    assert len(clean) <= 50
    assert all(character.isprintable() for character in clean)


def test_decompression_bomb_as_a_photograph(tmp_path):
    bomb = tmp_path / "bomb.jpg"
    bomb.write_bytes(with_header_size(face_jpeg(), 65_000, 65_000))
    with pytest.raises(PictureRefused):
        open_photograph(bomb)
    with pytest.raises(PictureRefused):
        open_listed(bomb.read_bytes())
