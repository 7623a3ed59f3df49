"""A picture's kind and size are read from its header alone, and what would fill the memory is never decoded."""

from __future__ import annotations

import struct

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.errors import PhotographUnreadable
from provisioning import picture_size
from provisioning.examine import decode
from provisioning.picture_size import check_picture

IMAGE = np.random.default_rng(1).integers(0, 255, (37, 53, 3), np.uint8)


def encoded(suffix: str, *parameters: int) -> bytes:
    return cv2.imencode(suffix, IMAGE, list(parameters))[1].tobytes()


GOOD = {
    "jpeg": encoded(".jpg"),
    "progressive": encoded(".jpg", cv2.IMWRITE_JPEG_PROGRESSIVE, 1),
    "png": encoded(".png"),
    "bmp": encoded(".bmp"),
    "webp": encoded(".webp", cv2.IMWRITE_WEBP_QUALITY, 80),
    "webp-lossless": encoded(".webp", cv2.IMWRITE_WEBP_QUALITY, 101),
}


@pytest.mark.parametrize("kind", GOOD)
def test_size_in_the_header_is_the_size_decoded(kind: str):
    size = check_picture(GOOD[kind])
    assert (size.width_px, size.height_px) == (53, 37)
    assert decode(GOOD[kind]).shape == IMAGE.shape


def test_decompression_bombs_are_not_decoded():
    png = bytearray(GOOD["png"])
    png[16:24] = struct.pack(">II", 60_000, 60_000)
    bmp = bytearray(GOOD["bmp"])
    bmp[18:26] = struct.pack("<ii", 60_000, -60_000)
    jpeg = bytearray(GOOD["jpeg"])
    place = jpeg.index(b"\xff\xc0") + 5
    jpeg[place : place + 4] = struct.pack(">HH", 60_000, 60_000)
    for bomb in (png, bmp, jpeg):
        with pytest.raises(PhotographUnreadable, match="make it smaller"):
            decode(bytes(bomb))


@pytest.mark.parametrize("suffix", [".tiff", ".ppm", ".jp2"])
def test_kinds_that_no_camera_of_a_custody_suite_writes_reach_no_decoder(suffix: str):
    with pytest.raises(PhotographUnreadable, match="convert it"):
        decode(encoded(suffix))


@pytest.mark.parametrize("kind", GOOD)
def test_a_picture_cut_short_anywhere_is_refused_or_decoded_in_its_own_size(kind: str):
    for length in range(0, len(GOOD[kind]), 7):
        try:
            assert decode(GOOD[kind][:length]).shape == IMAGE.shape
        except PhotographUnreadable:
            continue


def test_a_file_larger_than_any_photograph_is_not_decoded(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("provisioning.examine.PHOTOGRAPH_MAX_BYTES", 100)
    with pytest.raises(PhotographUnreadable, match="more than 100 bytes"):
        decode(GOOD["jpeg"])


@given(st.binary(max_size=80), st.sampled_from([b"", b"\xff\xd8", b"BM", *(data[:26] for data in GOOD.values())]))
def test_any_bytes_have_a_size_or_are_refused(body: bytes, before: bytes):
    try:
        size = check_picture(before + body)
    except PhotographUnreadable:
        return
    assert 0 < size.width_px * size.height_px <= picture_size.PIXELS_MAX
