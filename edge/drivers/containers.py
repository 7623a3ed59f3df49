"""Tells from a clip's container, without decoding, whether its file is whole and how many frames it holds.

FFmpeg plays a cut file to the cut and calls that the end; only the container knows better.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO

_GIF_TRAILER = 0x3B


def cut_short(path: Path) -> str | None:
    """What shows that the file ends before its container does, or None when nothing does.

    Knows ISO media (mp4, mov), AVI and GIF; of other kinds it says nothing. Raises: OSError.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(12)
        if head[4:8] == b"ftyp":
            return _iso_media_cut(file, size)
        if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
            return _avi_cut(head, size)
        if head[:4] == b"GIF8":
            return _gif_cut(file)
    return None


def counts_frames(path: Path) -> bool:
    """Whether FFmpeg's frame count for this file comes from an index, and is no estimate. Raises: OSError."""
    with path.open("rb") as file:
        head = file.read(12)
    return head[4:8] == b"ftyp" or (head[:4] == b"RIFF" and head[8:12] == b"AVI ")


def _iso_media_cut(file: BinaryIO, size: int) -> str | None:
    """ISO/IEC 14496-12, 4.2: boxes of size and type; size 1: 64-bit size follows, 0: up to the file's end."""
    start = 0
    while start + 8 <= size:
        file.seek(start)
        header = file.read(16)
        box_type = header[4:8]
        if not (box_type.isascii() and box_type.decode("ascii").isprintable()):
            return None
        length = int.from_bytes(header[:4], "big")
        if length == 1:
            length = int.from_bytes(header[8:16], "big")
        if length < 8:
            return None
        if start + length > size:
            return f"box {box_type.decode('ascii')} needs {start + length} bytes, the file has {size}"
        start += length
    return None


def _avi_cut(head: bytes, size: int) -> str | None:
    """RIFF: the length after the tag; 0 where a recorder never came to write it."""
    length = int.from_bytes(head[4:8], "little")
    if length and length + 8 > size:
        return f"RIFF needs {length + 8} bytes, the file has {size}"
    return None


def _gif_cut(file: BinaryIO) -> str | None:
    """GIF89a, 27: a trailer ends the data stream; zeros after it are padding."""
    file.seek(0, os.SEEK_END)
    file.seek(max(0, file.tell() - 4096))
    tail = file.read().rstrip(b"\0")
    if not tail or tail[-1] != _GIF_TRAILER:
        return "the GIF's trailer is missing"
    return None
