"""What an operator sees, in a terminal emulation; and what is never asked of a stream that is no terminal."""

from __future__ import annotations

import io
import json
import os
import pty
import re
import select
import subprocess
import sys

import pyte
import pytest
from rich.console import Console

from control_room.graphics import PictureMaker, choose_graphics
from control_room.present import JsonScreen, TerminalScreen
from tests.control_room.van import Bench


def shown(bench: Bench, graphics: str, width: int, **changes: object) -> str:
    """The bytes a terminal of this width gets for one alert."""
    stream = io.StringIO()
    console = Console(
        file=stream, force_terminal=True, color_system="truecolor", width=width, height=50, highlight=False
    )
    bench.room._screen = TerminalScreen(console, PictureMaker(graphics))
    bench.take(bench.van.alert(**changes))
    bench.show()
    return stream.getvalue()


def screen_of(text: str, width: int) -> pyte.Screen:
    screen = pyte.Screen(width, 50)
    pyte.Stream(screen).feed(text.replace("\n", "\r\n"))
    return screen


@pytest.fixture
def bench(tmp_path):
    return Bench(tmp_path)


@pytest.mark.parametrize("width", [80, 120])
def test_a_card_fits_its_terminal_and_says_everything(bench, width):
    screen = screen_of(shown(bench, "blocks", width), width)
    text = " ".join(" ".join(screen.display).split())
    for expected in (
        *("ALERT 1 from van-1, 2026-03-01T12:00:00.000Z", "live", "enrolled", "reference entry 1"),
        *("0.713 at or above threshold 0.550", "3 fused", "21 ms", "detect 9", "deployment-1", "a person"),
    ):
        assert expected in text
    assert any("█" in line and "┃" in line and "░" in line for line in screen.display)


@pytest.mark.parametrize("width", [80, 120])
def test_half_blocks_show_two_pictures_in_their_colours(bench, width):
    screen = screen_of(shown(bench, "blocks", width), width)
    cells = [cell for row in screen.buffer.values() for cell in row.values() if cell.data == "▀"]
    rows = [line for line in screen.display if "▀" in line]
    assert len(rows) >= 12
    assert len({cell.fg for cell in cells} | {cell.bg for cell in cells}) > 50


def test_sixel_pictures_are_introduced_as_sixels_and_stand_alone(bench):
    text = shown(bench, "sixel", 120)
    assert re.search(r"\x1bP[\d;]*q", text)
    picture_row = next(line for line in text.splitlines() if "\x1bP" in line)
    assert "reference" not in picture_row[: picture_row.index("\x1bP")]


def test_kitty_pictures_are_sent_in_the_graphics_protocol(tmp_path):
    program = (
        "import sys; from pathlib import Path; from tests.control_room.test_present import *;"
        f"sys.stdout.write(shown(Bench(Path({str(tmp_path)!r})), 'kitty', 80))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, timeout=60, check=True)
    assert b"\x1b_Gi=" in done.stdout
    assert chr(0x10EEEE).encode() in done.stdout


def test_without_graphics_the_text_stands_alone(bench):
    assert "▀" not in shown(bench, "none", 80)


def test_an_alert_perhaps_shown_before_says_so(bench):
    bench.take(bench.van.alert())
    bench.store.begin_showing(bench.store.waiting(1)[0].event_id)
    assert "perhaps shown before" in shown(bench, "none", 80)


def test_json_lines_carry_what_alerts_jsonl_carries(bench):
    stream = io.StringIO()
    bench.room._screen = JsonScreen(stream)
    bench.take(bench.van.alert())
    bench.show()
    (line,) = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert line.pop("kind") == "alert"
    assert (line.pop("again"), line.pop("faults")) == (False, [])
    assert line == bench.saved_alerts()[0]


# Finding out what the terminal can


@pytest.mark.parametrize("graphics", ["kitty", "sixel", "blocks", "none"])
def test_a_request_is_obeyed(graphics):
    assert choose_graphics(graphics, {}) == graphics


def test_what_is_no_terminal_gets_no_pictures_and_no_question(capfd):
    assert choose_graphics("auto", {"TERM": "xterm-256color"}) == "none"
    assert capfd.readouterr().out == ""


_CHOOSE = (
    "import os, sys; from control_room.graphics import choose_graphics, PictureMaker;"
    "chosen = choose_graphics('auto', os.environ); PictureMaker(chosen); print('chosen=' + chosen)"
)


def chosen_on_a_terminal(env: dict[str, str], answer: bytes, stdin_too: bool = True) -> tuple[str, bytes]:
    """What a process chooses on a terminal that answers so; and all the bytes it wrote."""
    ours, theirs = pty.openpty()
    base = {
        name: value for name, value in os.environ.items() if name not in ("TMUX", "KITTY_WINDOW_ID", "TERM_PROGRAM")
    }
    process = subprocess.Popen(
        [sys.executable, "-c", f"import fcntl, termios; fcntl.ioctl(1, termios.TIOCSCTTY, 0); {_CHOOSE}"],
        stdin=theirs if stdin_too else subprocess.DEVNULL,
        stdout=theirs,
        stderr=subprocess.PIPE,
        env={**base, **env},
        start_new_session=True,
    )
    os.close(theirs)
    written = b""
    while b"chosen=" not in written or not written.endswith(b"\n"):
        ready, _, _ = select.select([ours], [], [], 30)
        assert ready, written
        try:
            written += os.read(ours, 1024)
        except OSError:
            break
        if written.endswith(b"\x1b[c") and answer:
            os.write(ours, answer)
    _, errors = process.communicate(timeout=30)
    os.close(ours)
    assert process.returncode == 0, errors
    return re.search(rb"chosen=(\w+)", written).group(1).decode(), written


def test_a_terminal_that_answers_with_sixel_gets_sixels():
    assert chosen_on_a_terminal({"TERM": "xterm-256color"}, b"\x1b[?62;4;22c")[0] == "sixel"


def test_a_terminal_that_answers_without_sixel_gets_half_blocks():
    assert chosen_on_a_terminal({"TERM": "xterm-256color"}, b"\x1b[?62;22c")[0] == "blocks"


def test_a_terminal_that_never_answers_gets_half_blocks():
    assert chosen_on_a_terminal({"TERM": "xterm-256color"}, b"")[0] == "blocks"


def test_with_stdin_from_elsewhere_nothing_is_asked():
    chosen, written = chosen_on_a_terminal({"TERM": "xterm-256color"}, b"", stdin_too=False)
    assert chosen == "blocks"
    assert b"\x1b[" not in written


def test_kitty_is_known_by_its_environment_without_a_question():
    chosen, written = chosen_on_a_terminal({"TERM": "xterm-kitty", "KITTY_WINDOW_ID": "1"}, b"")
    assert chosen == "kitty"
    assert b"\x1b" not in written


def test_a_multiplexer_gets_half_blocks():
    assert chosen_on_a_terminal({"TERM": "tmux-256color", "TMUX": "/tmp/x", "KITTY_WINDOW_ID": "1"}, b"")[0] == "blocks"
