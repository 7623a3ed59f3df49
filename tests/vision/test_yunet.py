"""Decoding YuNet: made outputs give back the faces that were put in, and wrong outputs are refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.devices import TensorSpec
from edge.errors import PackShapeMismatch
from edge.vision.yunet import YuNetDecoder
from tests.vision.made import HEIGHT_PX, WIDTH_PX, YuNetOutputs, face_at

SCORE_MIN = 0.6


def decode(outputs: YuNetOutputs):
    return YuNetDecoder(WIDTH_PX, HEIGHT_PX, outputs.specs()).decode(outputs.in_order(), SCORE_MIN)


@pytest.mark.parametrize(("stride", "width_px"), [(8, 14), (16, 40), (32, 90)])
@pytest.mark.parametrize("order", [0, 1, 2], ids="order {}".format)
def test_a_face_comes_back_from_the_cell_it_was_put_in_whatever_the_outputs_order(stride, width_px, order):
    outputs = YuNetOutputs(WIDTH_PX, HEIGHT_PX, seed=order)
    face = face_at(61.5, 20.25, width_px, width_px * 1.2)
    outputs.put(stride, face, cls=0.81, obj=1.0)
    boxes, landmarks, scores = decode(outputs)
    assert boxes == pytest.approx(np.array([[61.5, 20.25, width_px, width_px * 1.2]]), abs=1e-3)
    assert landmarks[0] == pytest.approx(face.landmarks, abs=1e-3)
    assert scores == pytest.approx([0.9])


@pytest.mark.parametrize("stride", [8, 16, 32])
def test_every_known_cell_lies_where_its_number_says(stride):
    columns, rows = WIDTH_PX // stride, HEIGHT_PX // stride
    for cell in (0, columns - 1, columns, columns * rows - 1):
        outputs = YuNetOutputs(WIDTH_PX, HEIGHT_PX)
        for name in ("cls", "obj"):
            outputs.arrays[stride, name][0, cell] = 1
        boxes, landmarks, _ = decode(outputs)
        corner = np.array([cell % columns, cell // columns]) * stride
        assert boxes[0] == pytest.approx([*(corner - stride / 2), stride, stride])
        assert landmarks[0] == pytest.approx(np.tile(corner, (5, 1)))


def test_faces_of_all_strides_come_together():
    outputs = YuNetOutputs(WIDTH_PX, HEIGHT_PX)
    for stride, left in ((8, 10), (16, 60), (32, 110)):
        outputs.put(stride, face_at(left, 30, 2 * stride))
    boxes, landmarks, scores = decode(outputs)
    assert sorted(boxes[:, 0].round().tolist()) == [10, 60, 110]
    assert (landmarks.shape, scores.shape) == ((3, 5, 2), (3,))


def test_nothing_found_is_empty_and_has_its_shapes():
    boxes, landmarks, scores = decode(YuNetOutputs(WIDTH_PX, HEIGHT_PX))
    assert (boxes.shape, landmarks.shape, scores.shape) == ((0, 4), (0, 5, 2), (0,))


@given(st.floats(0, 1), st.floats(0, 1))
def test_a_cell_counts_exactly_when_its_score_reaches_the_minimum(cls, obj):
    outputs = YuNetOutputs(WIDTH_PX, HEIGHT_PX)
    outputs.put(8, face_at(50, 50, 16), cls, obj)
    *_, scores = decode(outputs)
    product = np.float32(cls) * np.float32(obj)
    assert len(scores) == (product >= SCORE_MIN * SCORE_MIN)


def test_a_monstrous_extent_stays_finite():
    outputs = YuNetOutputs(WIDTH_PX, HEIGHT_PX)
    cell = outputs.put(8, face_at(50, 50, 16))
    outputs.arrays[8, "box"][0, cell, 2:] = 1e30
    boxes, _, _ = decode(outputs)
    assert np.isfinite(boxes).all()


@pytest.mark.parametrize("name", ["cls", "obj"])
@pytest.mark.parametrize("stride", [8, 16, 32])
@pytest.mark.parametrize("value", [1.5, 12.0, -0.5, float("nan"), float("inf")])
def test_a_score_map_that_leaves_0_to_1_is_a_wrong_binding_and_refused(name, stride, value):
    outputs = YuNetOutputs(WIDTH_PX, HEIGHT_PX)
    outputs.put(8, face_at(50, 50, 16))
    outputs.arrays[stride, name][0, 3] = value
    with pytest.raises(PackShapeMismatch, match="leaves 0"):
        decode(outputs)


def test_raw_logits_of_both_maps_are_not_taken_for_probabilities():
    outputs = YuNetOutputs(WIDTH_PX, HEIGHT_PX)
    for stride in (8, 16, 32):
        for name in ("cls", "obj"):
            outputs.arrays[stride, name][:] = -6.0
    with pytest.raises(PackShapeMismatch, match="leaves 0"):
        decode(outputs)


def test_a_probability_a_quantisation_step_above_1_is_no_wrong_binding():
    outputs = YuNetOutputs(WIDTH_PX, HEIGHT_PX)
    outputs.put(8, face_at(50, 50, 16), cls=1 + 1 / 255, obj=1.0)
    outputs.arrays[16, "obj"][0, 0] = -1 / 255
    assert len(decode(outputs)[2]) == 1


def test_outputs_of_another_number_are_refused():
    specs = YuNetOutputs(WIDTH_PX, HEIGHT_PX).specs()
    with pytest.raises(PackShapeMismatch, match="11 outputs, YuNet has 12"):
        YuNetDecoder(WIDTH_PX, HEIGHT_PX, specs[:-1])


@pytest.mark.parametrize("place", range(12))
def test_any_output_of_another_shape_is_refused(place):
    specs = list(YuNetOutputs(WIDTH_PX, HEIGHT_PX).specs())
    shape = specs[place].shape
    for other in ((1, shape[1] + 1, shape[2]), (1, shape[1], shape[2] + 1), (2, *shape[1:]), shape[1:]):
        specs[place] = TensorSpec(other, "float32", 0.0, 0)
        with pytest.raises(PackShapeMismatch, match="outputs of shape"):
            YuNetDecoder(WIDTH_PX, HEIGHT_PX, specs)


def test_outputs_for_another_input_size_are_refused():
    with pytest.raises(PackShapeMismatch):
        YuNetDecoder(WIDTH_PX + 32, HEIGHT_PX, YuNetOutputs(WIDTH_PX, HEIGHT_PX).specs())
