"""Pictures in a terminal: which way it can show them, found out with care, and a picture drawn that way.

textual-image asks the terminal on import and again for its cell size, whoever holds stdin; both are
answered here first, so that nothing is ever asked of a stream that is no terminal.
"""

from __future__ import annotations

import os
import re
import select
import sys
import termios
import time
import tty
from collections.abc import Mapping
from fcntl import ioctl
from struct import unpack
from typing import IO, Any, Literal

from PIL import Image
from rich.console import RenderableType

Graphics = Literal["kitty", "sixel", "blocks", "none"]

QUERY_TIMEOUT_S = 0.3
_SIXEL_ATTRIBUTE = b"4"
_DEFAULT_CELL_PX = (10, 20)


def choose_graphics(requested: Literal["auto"] | Graphics, env: Mapping[str, str]) -> Graphics:
    """The way to show pictures on this process's terminal; a request is obeyed, `auto` finds out.

    Only kitty and Ghostty know the placeholders by which a kitty picture scrolls with its text; inside tmux
    or screen neither they nor sixels can be counted on.
    """
    if requested != "auto":
        return requested
    term = env.get("TERM", "")
    if not sys.stdout.isatty() or term in ("", "dumb"):
        return "none"
    if "TMUX" in env or term.startswith(("tmux", "screen")):
        return "blocks"
    if "KITTY_WINDOW_ID" in env or term in ("xterm-kitty", "xterm-ghostty") or env.get("TERM_PROGRAM") == "ghostty":
        return "kitty"
    return "sixel" if _SIXEL_ATTRIBUTE in _device_attributes(sys.stdin, sys.stdout) else "blocks"


def _device_attributes(stdin: IO[str], stdout: IO[str]) -> list[bytes]:
    """What the terminal answers to DA1 (ECMA-48 8.3.24) within QUERY_TIMEOUT_S; empty when there is no asking.

    A background job must not touch the terminal's mode: it would be stopped.
    """
    if not stdin.isatty() or not stdout.isatty():
        return []
    descriptor = stdin.fileno()
    if os.tcgetpgrp(descriptor) != os.getpgrp():
        return []
    before = termios.tcgetattr(descriptor)
    answer = b""
    try:
        tty.setcbreak(descriptor, termios.TCSANOW)
        stdout.write("\x1b[c")
        stdout.flush()
        deadline_s = time.monotonic() + QUERY_TIMEOUT_S
        while len(answer) < 256 and not re.search(rb"\x1b\[\?[\d;]*c", answer):
            left_s = deadline_s - time.monotonic()
            if left_s <= 0 or not select.select([descriptor], [], [], left_s)[0]:
                break
            answer += os.read(descriptor, 64)
    finally:
        termios.tcsetattr(descriptor, termios.TCSAFLUSH, before)
    found = re.search(rb"\x1b\[\?([\d;]*)c", answer)
    return found.group(1).split(b";") if found else []


class PictureMaker:
    """Makes renderables of one way of graphics, sized in terminal cells."""

    def __init__(self, graphics: Graphics) -> None:
        self.graphics = graphics
        self._cell_px = _cell_px()
        self._kind = None if graphics == "none" else _load(graphics, self._cell_px)

    def columns_for(self, picture: Image.Image, rows: int, columns_max: int) -> int:
        """How many columns the picture takes at a height of rows, keeping its shape."""
        wide, high = self._cell_px
        return max(1, min(columns_max, round(rows * high * picture.width / picture.height / wide)))

    def make(self, picture: Image.Image, columns: int) -> RenderableType | None:
        """The picture at a width of columns; None where pictures cannot be shown."""
        if self._kind is None:
            return None
        made: RenderableType = self._kind(picture, width=columns, height="auto")
        return made


def _cell_px() -> tuple[int, int]:
    """Width and height of a cell, as the terminal's driver says; half-blocks want twice as high as wide."""
    try:
        rows, columns, width, height = unpack("HHHH", ioctl(sys.stdout.fileno(), termios.TIOCGWINSZ, bytes(8)))
    except (OSError, ValueError):
        return _DEFAULT_CELL_PX
    if 0 in (rows, columns, width // max(columns, 1), height // max(rows, 1)):
        return _DEFAULT_CELL_PX
    return width // columns, height // rows


def _load(graphics: Graphics, cell_px: tuple[int, int]) -> Any:
    real = sys.__stdout__
    sys.__stdout__ = None  # type: ignore[misc]  # the import queries a terminal it finds here
    try:
        from textual_image import _terminal
        from textual_image.renderable import HalfcellImage, SixelImage, TGPImage
    finally:
        sys.__stdout__ = real  # type: ignore[misc]
    _terminal.get_cell_size._result = _terminal.CellSize(*cell_px)  # type: ignore[attr-defined]
    return {"kitty": TGPImage, "sixel": SixelImage, "blocks": HalfcellImage}[graphics]
