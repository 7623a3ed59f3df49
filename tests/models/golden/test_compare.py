"""Differences are told in steps where there are steps, and judged by what they mean."""

from __future__ import annotations

import numpy as np
import pytest

from edge.devices import TensorSpec
from models.golden.compare import (
    ACROSS_KERNELS,
    FacesDifference,
    Tolerance,
    difference,
    faces_difference,
    within,
)
from models.golden.outputs import NetworkOutputs
from tests.vision.made import SeeingDetector, detector_spec, picture

LOOSE = Tolerance(4.0, 0.9, 0.05)


def outputs(values: np.ndarray, scale: float = 0.5) -> NetworkOutputs:
    spec = TensorSpec(values.shape, "int8" if scale else "float32", scale, 0)
    return NetworkOutputs("made", "made 1", (values.astype(np.float32),), (spec,))


def test_difference_of_the_same_is_none():
    (found,) = difference(outputs(np.arange(200.0)), outputs(np.arange(200.0)))
    assert (found.typical, found.largest, found.cosine) == (0.0, 0.0, pytest.approx(1.0))


def test_difference_is_counted_in_steps_of_the_output():
    needed = np.arange(200.0)
    found = needed.copy()
    found[3] += 5
    (steps,) = difference(outputs(found), outputs(needed))
    assert (steps.largest, steps.typical) == (10.0, 0.0)
    (real,) = difference(outputs(found, 0.0), outputs(needed, 0.0))
    assert real.largest == 5.0


def test_nothing_but_zeros_has_no_cosine():
    (found,) = difference(outputs(np.zeros(4)), outputs(np.zeros(4)))
    assert found.cosine is None


def test_one_value_in_two_hundred_may_be_far_off_and_five_may_not():
    needed = np.arange(1.0, 201.0)
    for count, good in ((1, True), (5, False)):
        found = needed.copy()
        found[:count] += 100 * 0.5
        apart = difference(outputs(found), outputs(needed))
        assert within(apart, None, "detector", LOOSE) is good


def test_template_of_another_direction_is_beyond_tolerance_only_as_a_template():
    apart = difference(outputs(np.array([1.0, 0.0])), outputs(np.array([0.0, 1.0])))
    assert within(apart, None, "detector", LOOSE)
    assert not within(apart, None, "embedder", LOOSE)


def test_outputs_of_another_form_are_beyond_every_tolerance():
    assert not within(None, None, "embedder", ACROSS_KERNELS["int8"])


@pytest.mark.parametrize(
    ("faces", "good"),
    [
        (FacesDifference(5, 5, 0.05), True),
        (FacesDifference(5, 5, 0.051), False),
        (FacesDifference(4, 5, None), False),
        (FacesDifference(0, 0, 0.0), True),
    ],
)
def test_golden_face_may_neither_be_lost_nor_move_far(faces: FacesDifference, good: bool):
    apart = difference(outputs(np.ones(4)), outputs(np.ones(4)))
    assert within(apart, faces, "detector", LOOSE) is good


def seen(image: np.ndarray, shift: float = 0.0) -> NetworkOutputs:
    detector = SeeingDetector()
    values = [value.copy() for value in detector.run(image[None])]
    for value in values:
        if value.shape[-1] == 10:
            value += shift
    return NetworkOutputs("made", "made 1", tuple(values), detector.outputs)


def test_faces_are_those_that_the_van_would_find():
    image = picture((1, 20, 20, 48), (2, 110, 40, 48))
    same = faces_difference(seen(image), seen(image), [image[None]], detector_spec())
    assert same == FacesDifference(2, 2, 0.0)
    moved = faces_difference(seen(image, 0.5), seen(image), [image[None]], detector_spec())
    assert moved.landmarks is not None
    assert moved.landmarks > 0.05
    fewer = faces_difference(seen(picture((1, 20, 20, 48))), seen(image), [image[None]], detector_spec())
    assert fewer == FacesDifference(1, 2, None)
