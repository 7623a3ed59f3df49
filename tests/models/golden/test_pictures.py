"""Golden inputs are the same everywhere: drawn with whole numbers, and held to their hashes."""

from __future__ import annotations

import pytest

from models.golden.pictures import face_picture, picture_sha256, street_picture

STREET = "6fb0e1a67b3365652b106dd97b95a88092db4aee752fa94da6616f31f2925d5b"
FACE = "5c4669c890155c344a63595139bd158be3fdbe7016eedd38f36cc31ed60059b0"


def test_pictures_are_the_same_to_the_bit_on_every_machine():
    assert picture_sha256(street_picture(640, 480, 1)) == STREET
    assert picture_sha256(face_picture(128, 128, 0)) == FACE


@pytest.mark.parametrize(("width_px", "height_px"), [(16, 16), (64, 64), (320, 240), (640, 368)])
def test_pictures_fit_every_input(width_px: int, height_px: int):
    for draw in (street_picture, face_picture):
        image = draw(width_px, height_px, 3)
        assert (image.shape, image.dtype) == ((1, height_px, width_px, 3), "uint8")


def test_seeds_draw_different_people():
    assert len({picture_sha256(face_picture(64, 64, seed)) for seed in range(8)}) == 8


def test_face_is_darker_at_its_eyes_than_on_its_cheeks():
    image = face_picture(128, 128, 0)[0].astype(int).sum(axis=2)
    middle_x, middle_y, half = 64, 70, 57
    eye = image[middle_y - 160 * half // 1000, middle_x - 330 * half // 1000]
    cheek = image[middle_y + 250 * half // 1000, middle_x - 450 * half // 1000]
    assert eye < cheek / 3
