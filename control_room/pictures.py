"""Pictures of others, opened with care: the header is believed only as far as it may go, then decoded."""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from typing import IO

from PIL import Image, ImageOps

from control_room.errors import PictureRefused

CROP_MAX_PIXELS = 1 << 20
LISTED_MAX_PIXELS = 1 << 20
PHOTOGRAPH_MAX_PIXELS = 50_000_000
PHOTOGRAPH_MAX_BYTES = 25 << 20
SHOWN_MAX_PX = 640
"""A photograph is shrunk to this before it is kept for showing."""


def open_crop(jpeg: bytes, width_px: int, height_px: int) -> Image.Image:
    """An alert's crop, RGB, if it is a JPEG of exactly the size that the sealed fields say.

    Raises: PictureRefused; no pixel is decoded before the header's size is found good.
    """
    with _opened(io.BytesIO(jpeg), ["JPEG"], "crop") as picture:
        if picture.size != (width_px, height_px):
            found = f"{picture.width}x{picture.height}"
            raise PictureRefused(f"crop: header says {found} px, the alert says {width_px}x{height_px}")
        _check_pixels(picture, CROP_MAX_PIXELS, "crop")
        return _decoded(picture, "crop")


def open_listed(jpeg: bytes) -> Image.Image:
    """A photograph from the room's bundle, RGB. Raises: PictureRefused."""
    with _opened(io.BytesIO(jpeg), ["JPEG"], "photograph") as picture:
        _check_pixels(picture, LISTED_MAX_PIXELS, "photograph")
        return _decoded(picture, "photograph")


def open_photograph(path: Path) -> Image.Image:
    """An enrolment photograph, RGB, upright, at most SHOWN_MAX_PX on a side. Raises: PictureRefused."""
    try:
        with path.open("rb") as file:
            data = file.read(PHOTOGRAPH_MAX_BYTES + 1)
    except OSError as error:
        raise PictureRefused(f"{path.name}: cannot be read: {error.strerror}") from None
    if len(data) > PHOTOGRAPH_MAX_BYTES:
        raise PictureRefused(f"{path.name}: over {PHOTOGRAPH_MAX_BYTES} bytes")
    with _opened(io.BytesIO(data), ["JPEG", "PNG", "WEBP", "BMP"], path.name) as picture:
        _check_pixels(picture, PHOTOGRAPH_MAX_PIXELS, path.name)
        picture.draft("RGB", (SHOWN_MAX_PX, SHOWN_MAX_PX))
        shown = ImageOps.exif_transpose(_decoded(picture, path.name))
    shown.thumbnail((SHOWN_MAX_PX, SHOWN_MAX_PX))
    return shown


def _opened(stream: IO[bytes], formats: list[str], name: str) -> Image.Image:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # our own bound is far below
            return Image.open(stream, formats=formats)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise PictureRefused(f"{name}: no {' or '.join(formats)} picture ({type(error).__name__})") from None


def _check_pixels(picture: Image.Image, limit: int, name: str) -> None:
    if picture.width * picture.height > limit:
        raise PictureRefused(f"{name}: {picture.width}x{picture.height} px, at most {limit} pixels")


def _decoded(picture: Image.Image, name: str) -> Image.Image:
    try:
        return picture.convert("RGB")
    except (OSError, ValueError, SyntaxError) as error:
        raise PictureRefused(f"{name}: damaged picture ({type(error).__name__})") from None
