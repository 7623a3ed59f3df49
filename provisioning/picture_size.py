"""The kind and size of a picture from its first bytes, so that no decoder is given one that would fill the memory."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from edge.errors import PhotographUnreadable

PIXELS_MAX = 1 << 26
"""67 megapixels: three bytes each, and a worker holds two pictures."""

_JPEG_SIZES = frozenset({0xC0, 0xC1, 0xC2})
"""Baseline, extended and progressive frames; lossless and arithmetic ones are not what a camera writes."""


@dataclass(frozen=True)
class PictureSize:
    """What a picture's header says."""

    kind: str
    width_px: int
    height_px: int


def check_picture(data: bytes) -> PictureSize:
    """The size of a picture that may be decoded. Raises: PhotographUnreadable."""
    try:
        size = _size(data)
    except (struct.error, IndexError):
        raise PhotographUnreadable("the file ends within the picture's header; get a whole copy") from None
    if size is None:
        raise PhotographUnreadable("no JPEG, PNG, BMP or WebP picture; convert it to one of these")
    if size.width_px * size.height_px > PIXELS_MAX:
        raise PhotographUnreadable(
            f"{size.width_px}x{size.height_px} px, at most {PIXELS_MAX} pixels are decoded; make it smaller"
        )
    if not size.width_px or not size.height_px:
        raise PhotographUnreadable("its header says it has no pixels")
    return size


def _size(data: bytes) -> PictureSize | None:
    if data[:8] == b"\x89PNG\r\n\x1a\n" and data[12:16] == b"IHDR":
        return PictureSize("PNG", *struct.unpack_from(">II", data, 16))
    if data[:2] == b"\xff\xd8":
        return _jpeg(data)
    if data[:2] == b"BM":
        width, height = struct.unpack_from("<ii", data, 18)
        return PictureSize("BMP", abs(width), abs(height))
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return _webp(data)
    return None


def _jpeg(data: bytes) -> PictureSize | None:
    """ITU-T T.81, B.1: segments of marker and length, up to the frame's own."""
    place = 2
    while True:
        if data[place] != 0xFF:
            return None
        marker = data[place + 1]
        if marker == 0xFF:
            place += 1
            continue
        if marker in _JPEG_SIZES:
            height, width = struct.unpack_from(">HH", data, place + 5)
            return PictureSize("JPEG", width, height)
        if marker in (0xD8, 0x01) or 0xD0 <= marker <= 0xD7:
            place += 2
            continue
        if marker in (0xD9, 0xDA) or (0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC)):
            return None
        (length,) = struct.unpack_from(">H", data, place + 2)
        if length < 2:
            return None
        place += 2 + length


def _webp(data: bytes) -> PictureSize | None:
    """RFC 9649, 2.5 to 2.7."""
    chunk = data[12:16]
    if chunk == b"VP8 " and data[23:26] == b"\x9d\x01\x2a":
        width, height = struct.unpack_from("<HH", data, 26)
        return PictureSize("WebP", width & 0x3FFF, height & 0x3FFF)
    if chunk == b"VP8L" and data[20] == 0x2F:
        (bits,) = struct.unpack_from("<I", data, 21)
        return PictureSize("WebP", 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF))
    if chunk == b"VP8X":
        width, height = (int.from_bytes(data[at : at + 3], "little") for at in (24, 27))
        return PictureSize("WebP", 1 + width, 1 + height) if len(data) >= 30 else None
    return None
