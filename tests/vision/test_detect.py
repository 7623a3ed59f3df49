"""Detect: boxes in pixels of the full picture whatever the small one is, and the real network on a real photograph."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.devices import TensorSpec
from edge.drivers.litert import choose_runtime
from edge.errors import PackShapeMismatch
from edge.formats.pack import Precision
from edge.records import FaceBox, Frame
from edge.trust.packs import open_pack
from edge.vision.detect import FACES_MAX, Detector
from edge.vision.enrol import load_networks, read_photograph
from tests.reference import reference_dir
from tests.vision.made import HEIGHT_PX, WIDTH_PX, SeeingDetector, YuNetOutputs, detector_spec, face_at, picture


class BrightSquare:
    """A detector's network that finds the bright part of the picture; keeps the picture."""

    def __init__(self) -> None:
        self.inputs = (TensorSpec((1, HEIGHT_PX, WIDTH_PX, 3), "uint8", 0.0, 0),)
        self.outputs = YuNetOutputs(WIDTH_PX, HEIGHT_PX).specs()
        self.shown = np.empty(0, np.uint8)

    def run(self, tensor):
        self.shown = tensor[0].copy()
        rows, columns = np.nonzero(self.shown[:, :, 0] > 127)
        outputs = YuNetOutputs(WIDTH_PX, HEIGHT_PX)
        if rows.size:
            left, top = columns.min(), rows.min()
            outputs.put(8, face_at(left, top, columns.max() + 1 - left, rows.max() + 1 - top))
        return outputs.in_order()


class Answering:
    """A detector's network that answers the same to everything."""

    def __init__(self, outputs: YuNetOutputs) -> None:
        self.inputs = (TensorSpec((1, HEIGHT_PX, WIDTH_PX, 3), "uint8", 0.0, 0),)
        self.outputs = outputs.specs()
        self._outputs = outputs

    def run(self, tensor):
        return self._outputs.in_order()


def frame_of(main: np.ndarray, lores: np.ndarray | None = None) -> Frame:
    return Frame(7, main, lores, 0.0, 0.0)


def with_square(width: int, height: int, left: float, top: float, wide: float, high: float) -> np.ndarray:
    """Black, with a white rectangle at fractions of the picture."""
    image = np.zeros((height, width, 3), np.uint8)
    image[round(top * height) : round((top + high) * height), round(left * width) : round((left + wide) * width)] = 255
    return image


@pytest.mark.parametrize("main", [(1280, 720), (1920, 1080), (640, 480), (480, 640), (101, 1201), (2000, 90)])
@pytest.mark.parametrize("lores", [None, (640, 360), (320, 240), (240, 320), (192, 128), (150, 70)])
def test_box_is_in_pixels_of_main_whatever_the_size_and_aspect_of_lores(main, lores):
    place = (0.5, 0.25, 0.3, 0.4)
    image = with_square(*main, *place)
    small = None if lores is None else cv2.resize(image, lores, interpolation=cv2.INTER_AREA)
    network = BrightSquare()
    (face,) = Detector(network, detector_spec()).detect(frame_of(image, small))
    seen = image if small is None else small
    scale = min(WIDTH_PX / seen.shape[1], HEIGHT_PX / seen.shape[0], 1.0)
    step_x = main[0] / max(1, round(seen.shape[1] * scale))
    step_y = main[1] / max(1, round(seen.shape[0] * scale))
    wanted = np.array([place[0] * main[0], place[1] * main[1], place[2] * main[0], place[3] * main[1]])
    found = np.array([face.left_px, face.top_px, face.width_px, face.height_px])
    assert (np.abs(found - wanted) <= 1.01 * np.array([step_x, step_y, step_x, step_y]) + 1).all(), (found, wanted)
    assert face.landmarks[2] == pytest.approx(found[:2] + found[2:] * [0.5, 0.6], abs=0.01 * max(main))
    assert face.frame_id == 7


@given(width=st.integers(20, 900), height=st.integers(20, 900))
@settings(max_examples=60)
def test_far_corner_of_the_picture_is_the_far_corner_of_main(width, height):
    image = np.full((height, width, 3), 255, np.uint8)
    (face,) = Detector(BrightSquare(), detector_spec()).detect(frame_of(image))
    found = (face.left_px, face.top_px, face.left_px + face.width_px, face.top_px + face.height_px)
    assert found == pytest.approx((0, 0, width, height), abs=1e-2)


@pytest.mark.parametrize("size", [(60, 40), (WIDTH_PX, 40), (60, HEIGHT_PX), (WIDTH_PX, HEIGHT_PX)])
def test_a_picture_that_fits_is_shown_as_it_is_and_never_enlarged(size):
    image = np.random.default_rng(1).integers(0, 256, (size[1], size[0], 3), np.uint8)
    network = BrightSquare()
    Detector(network, detector_spec()).detect(frame_of(image))
    assert np.array_equal(network.shown[: size[1], : size[0]], image)
    assert not network.shown[size[1] :].any()
    assert not network.shown[:, size[0] :].any()


def test_nothing_of_the_picture_before_is_left_around_a_smaller_one():
    network = BrightSquare()
    detector = Detector(network, detector_spec())
    detector.detect(frame_of(np.full((HEIGHT_PX, WIDTH_PX, 3), 255, np.uint8)))
    detector.detect(frame_of(np.full((30, 50, 3), 9, np.uint8)))
    assert network.shown[:30, :50].max() == 9
    assert network.shown[30:].max() == network.shown[:, 50:].max() == 0


def found_in(*guesses: tuple[int, FaceBox, float]) -> tuple[FaceBox, ...]:
    """What the detector makes of guesses: stride of the cell, face, score."""
    outputs = YuNetOutputs(WIDTH_PX, HEIGHT_PX)
    for stride, face, score in guesses:
        outputs.put(stride, face, score, score)
    return Detector(Answering(outputs), detector_spec()).detect(frame_of(picture()))


def as_numbers(face: FaceBox) -> np.ndarray:
    """Box and landmarks, (14,)."""
    return np.array([face.left_px, face.top_px, face.width_px, face.height_px, *face.landmarks.reshape(-1)])


def test_one_face_found_by_several_cells_is_given_once_with_the_best_score():
    (face,) = found_in((8, face_at(50, 40, 40), 0.8), (16, face_at(52, 41, 40), 1.0), (32, face_at(49, 39, 41), 0.7))
    assert face.score == pytest.approx(1.0)
    assert 49 < face.left_px < 52


def test_candidates_of_one_face_are_blended_by_score_squared_and_overlap():
    (face,) = found_in((8, face_at(50, 40, 40), 1.0), (16, face_at(55, 40, 40), 0.8))
    inside = 35 * 40 / (2 * 40 * 40 - 35 * 40)
    share = 0.8**2 * inside / (1 + 0.8**2 * inside)
    assert as_numbers(face) == pytest.approx(as_numbers(face_at(50 + 5 * share, 40, 40)), abs=1e-3)


@pytest.mark.parametrize("stride", [8, 16, 32])
def test_a_face_that_one_cell_found_is_given_as_that_cell_saw_it(stride):
    guess = face_at(50.25, 40.5, 40, 44)
    (face,) = found_in((stride, guess, 0.9))
    assert as_numbers(face) == pytest.approx(as_numbers(guess), abs=1e-3)


def test_a_face_far_from_another_has_no_part_in_it():
    alone = found_in((8, face_at(20, 40, 30), 0.9))[0]
    beside = found_in((8, face_at(20, 40, 30), 0.9), (8, face_at(120, 40, 30), 1.0))[1]
    assert np.array_equal(as_numbers(beside), as_numbers(alone))


def test_a_face_half_behind_another_has_no_part_in_it():
    """Overlap .25: two people, each given where they are."""
    front, behind = found_in((8, face_at(60, 40, 40), 0.95), (8, face_at(84, 40, 40), 0.8))
    assert as_numbers(front) == pytest.approx(as_numbers(face_at(60, 40, 40)), abs=1e-3)
    assert as_numbers(behind) == pytest.approx(as_numbers(face_at(84, 40, 40)), abs=1e-3)


def test_landmarks_blended_jitter_less_than_the_best_candidates():
    """Three cells see one face, each off by a pixel or so, all about as sure."""
    random = np.random.default_rng(6)
    truth, blended, best = face_at(60, 40, 48), [], []
    for _ in range(200):
        guesses = [
            (stride, face_at(60 + dx, 40 + dy, 48 + dw), score)
            for stride, (dx, dy, dw), score in zip(
                (8, 16, 32), random.normal(0, 1.5, (3, 3)), random.uniform(0.8, 0.9, 3), strict=True
            )
        ]
        (face,) = found_in(*guesses)
        surest = max(guesses, key=lambda guess: guess[2])[1]
        blended.append(np.linalg.norm(face.landmarks - truth.landmarks, axis=1).mean())
        best.append(np.linalg.norm(surest.landmarks - truth.landmarks, axis=1).mean())
    assert np.mean(blended) < 0.75 * np.mean(best)


@settings(max_examples=60)
@given(
    guesses=st.lists(
        st.tuples(
            st.sampled_from([8, 16, 32]),
            st.integers(0, WIDTH_PX - 9),
            st.integers(0, HEIGHT_PX - 9),
            st.integers(1, 120),
            st.floats(0.62, 1),
        ),
        max_size=40,
    )
)
def test_whatever_the_candidates_each_face_lies_among_them_and_the_surest_comes_first(guesses):
    outputs = YuNetOutputs(WIDTH_PX, HEIGHT_PX)
    for stride, x, y, width, score in guesses:
        outputs.put(stride, face_at(x - width / 2, y - width / 2, width), score, score)
    faces = Detector(Answering(outputs), detector_spec()).detect(frame_of(picture()))
    assert bool(faces) == bool(guesses)
    assert [face.score for face in faces] == sorted((face.score for face in faces), reverse=True)
    for face in faces:
        widths = [guess[3] for guess in guesses]
        assert min(widths) - 0.1 <= face.width_px <= max(widths) + 0.1
        assert np.isfinite(as_numbers(face)).all()


def test_a_candidate_of_no_size_is_no_division_by_nothing():
    outputs = YuNetOutputs(WIDTH_PX, HEIGHT_PX)
    cell = outputs.put(8, face_at(60, 40, 40), 0.9, 0.9)
    outputs.arrays[8, "box"][0, cell, 2:] = -500
    with np.errstate(all="raise", under="ignore"):
        (face,) = Detector(Answering(outputs), detector_spec()).detect(frame_of(picture()))
    assert face.width_px == 0
    assert np.isfinite(face.landmarks).all()


def test_best_face_comes_first():
    outputs = YuNetOutputs(WIDTH_PX, HEIGHT_PX)
    for left, score in ((10, 0.7), (70, 1.0), (130, 0.8)):
        outputs.put(8, face_at(left, 40, 24), score, score)
    faces = Detector(Answering(outputs), detector_spec()).detect(frame_of(picture()))
    assert [round(face.left_px) for face in faces] == [70, 130, 10]


def test_a_detector_that_sees_faces_everywhere_gives_only_the_best():
    outputs = YuNetOutputs(WIDTH_PX, HEIGHT_PX)
    for top in range(0, HEIGHT_PX, 8):
        for left in range(0, WIDTH_PX, 8):
            score = 0.99 if top < 40 else 0.7
            outputs.put(8, face_at(left + 1, top + 1, 6), score, score)
    faces = Detector(Answering(outputs), detector_spec()).detect(frame_of(picture()))
    assert len(faces) == FACES_MAX
    assert min(face.score for face in faces) > 0.9


def test_an_empty_street_has_no_faces():
    assert Detector(SeeingDetector(), detector_spec()).detect(frame_of(picture())) == ()


def test_network_for_another_input_is_refused_with_both_shapes():
    with pytest.raises(PackShapeMismatch, match=r"\(1, 128, 192, 3\).*\(1, 480, 640, 3\)"):
        Detector(SeeingDetector(), detector_spec(640, 480))


# The real network


def real_detector(folder: Path, precision: Precision) -> Detector:
    return load_networks(open_pack(folder, precision), choose_runtime("auto", 1)).detector


def overlap(a: FaceBox, b: FaceBox) -> float:
    """Intersection over union."""
    wide = min(a.left_px + a.width_px, b.left_px + b.width_px) - max(a.left_px, b.left_px)
    high = min(a.top_px + a.height_px, b.top_px + b.height_px) - max(a.top_px, b.top_px)
    inside = max(wide, 0) * max(high, 0)
    return inside / (a.width_px * a.height_px + b.width_px * b.height_px - inside)


@pytest.mark.real
def test_four_real_faces_are_found_alike_in_int8_and_float(street_pack_dir: Path):
    frame = frame_of(read_photograph(reference_dir("footage", "four-faces.jpg")))
    int8 = real_detector(street_pack_dir, "int8").detect(frame)
    float32 = real_detector(street_pack_dir, "float32").detect(frame)
    assert len(int8) == len(float32) == 4
    for face in int8:
        twin = max(float32, key=lambda other: overlap(face, other))
        assert overlap(face, twin) > 0.8
        assert np.abs(face.landmarks - twin.landmarks).max() < 0.12 * face.width_px
        assert abs(face.score - twin.score) < 0.15


@pytest.mark.real
def test_landmarks_of_real_faces_are_eyes_nose_and_mouth_from_left_to_right(street_pack_dir: Path):
    frame = frame_of(read_photograph(reference_dir("footage", "four-faces.jpg")))
    for face in real_detector(street_pack_dir, "int8").detect(frame):
        left_eye, right_eye, nose, left_mouth, right_mouth = face.landmarks
        assert left_eye[0] < right_eye[0]
        assert left_mouth[0] < right_mouth[0]
        assert max(left_eye[1], right_eye[1]) < nose[1] < min(left_mouth[1], right_mouth[1])
        assert face.left_px < left_eye[0] < right_eye[0] < face.left_px + face.width_px


@pytest.mark.real
def test_a_real_street_without_faces_has_none(street_pack_dir: Path):
    noise = np.random.default_rng(2).integers(0, 256, (480, 640, 3), np.uint8)
    assert real_detector(street_pack_dir, "int8").detect(frame_of(noise)) == ()
