"""Networks of others are read as they are, or refused by name; no bytes, however broken, do anything else."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.drivers.litert import choose_runtime
from edge.errors import GraphInvalid
from models.build.calibrate import float_file
from models.build.read_onnx import read_onnx
from models.build.read_openvino import read_openvino
from models.build.shapes import shapes_of
from tests.models.build.computed import compute
from tests.models.build.made_upstream import MadeIr, MadeOnnx, small_ir, small_onnx
from tests.models.build.pictures import pictures
from tests.reference import reference_dir

ONNX = small_onnx(1)
XML, BIN = small_ir(1)


def _convolved(picture, weights, bias, stride):
    """A convolution by its definition, channels first: what the formats mean, apart from our graph."""
    side = weights.shape[2] // 2
    padded = np.pad(picture, ((0, 0), (side, side), (side, side)))
    taps = np.lib.stride_tricks.sliding_window_view(padded, weights.shape[2:], axis=(1, 2))[:, ::stride, ::stride]
    return np.einsum("chwrs,fcrs->fhw", taps, weights) + bias[:, None, None]


def test_onnx_means_what_it_says_channels_first():
    random = np.random.default_rng(3)
    weights = random.normal(0, 0.1, (5, 3, 3, 3))
    made = MadeOnnx()
    made.conv("input", "c", weights, stride=2)
    made.node("Relu", ["c"], "r")
    graph = read_onnx("made", made.bytes_with("r"), 12, 8)
    picture = random.integers(0, 256, (1, 8, 12, 3)).astype(np.float64)
    expected = np.maximum(_convolved(picture[0].transpose(2, 0, 1), weights, np.linspace(-1, 1, 5), 2), 0)
    np.testing.assert_allclose(compute(graph, picture)["r"][0].transpose(2, 0, 1), expected, rtol=1e-4, atol=1e-3)


def test_openvino_means_what_it_says_channels_first():
    random = np.random.default_rng(4)
    weights = random.normal(0, 0.1, (5, 3, 3, 3)).astype(np.float16)
    made = MadeIr()
    picture_layer = made.layer("Parameter", (1, 3, 8, 8), element_type="f32")
    made.layer("Result", (1, 5, 4, 4), (made.conv(picture_layer, weights, (1, 5, 4, 4), stride=2),))
    graph = read_openvino("made", made.xml(), made.weights)
    picture = random.integers(0, 256, (1, 8, 8, 3)).astype(np.float64)
    bias = np.linspace(-1, 1, 5).astype(np.float16).astype(np.float64)
    expected = _convolved(picture[0].transpose(2, 0, 1), weights.astype(np.float64), bias, 2)
    found = compute(graph, picture)["template"].reshape(4, 4, 5).transpose(2, 0, 1)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize(("width_px", "height_px"), [(16, 16), (32, 16), (64, 48)])
def test_detector_is_read_for_any_size_of_picture(width_px: int, height_px: int):
    graph = read_onnx("made", ONNX, width_px, height_px)
    cells = width_px * height_px // 4
    assert [shapes_of(graph)[name] for name in graph.outputs] == [(1, cells, 1), (1, cells, 4)]


@pytest.mark.parametrize("seed", range(3))
def test_read_networks_run_as_files(seed: int):
    for graph in (read_onnx("made", small_onnx(seed), 16, 16), read_openvino("made", *small_ir(seed))):
        (picture,) = pictures(seed, 1, 16)
        found = choose_runtime("auto", 1).load(float_file(graph), "made").run(picture[None])
        computed = compute(graph, picture[None])
        for name, values in zip(graph.outputs, found, strict=True):
            np.testing.assert_allclose(values, computed[name], atol=1e-4, rtol=1e-4, err_msg=f"seed {seed}: {name}")


def test_operator_that_the_builder_does_not_know_is_named():
    made = MadeOnnx()
    made.node("LSTM", ["input"], "x")
    with pytest.raises(GraphInvalid, match="x is a LSTM"):
        read_onnx("made", made.bytes_with("x"), 16, 16)
    with pytest.raises(GraphInvalid, match="n15 is a Softmax"):
        read_openvino("made", XML.replace(b'type="PReLU"', b'type="Softmax"', 1), BIN)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b'strides="2, 2"', b'strides="2, 1"'),
        (b'dilations="1, 1"', b'dilations="2, 2"'),
        (b'kernel="8, 8"', b'kernel="4, 4"'),
        (b'offset="0"', b'offset="99999"'),
        (b'offset="0"', b'offset="-6"'),
        (b'size="6"', b'size="8"'),
        (b"<layers>", b"<layers><!ENTITY x>"),
        (b"</net>", b""),
        (b'type="Result"', b'type="Sigmoid"'),
        (b'type="Parameter"', b'type="Const"'),
    ],
)
def test_altered_ir_is_refused(before: bytes, after: bytes):
    assert before in XML
    with pytest.raises(GraphInvalid, match="made"):
        read_openvino("made", XML.replace(before, after, 1), BIN)


def test_ir_without_all_its_weights_is_refused():
    with pytest.raises(GraphInvalid, match=r"bytes of the \.bin"):
        read_openvino("made", XML, BIN[:-2])


@settings(max_examples=150, deadline=None)
@given(place=st.integers(0, 10_000), flip=st.integers(1, 255), cut=st.booleans())
def test_onnx_of_any_bytes_is_read_or_refused(place: int, flip: int, cut: bool):
    broken = bytearray(ONNX[: place % len(ONNX)] if cut else ONNX)
    if not cut:
        broken[place % len(broken)] ^= flip
    _read_or_refuse(lambda: read_onnx("made", bytes(broken), 16, 16))


@settings(max_examples=150, deadline=None)
@given(place=st.integers(0, 100_000), flip=st.integers(1, 255), cut=st.booleans())
def test_ir_of_any_bytes_is_read_or_refused(place: int, flip: int, cut: bool):
    broken = bytearray(XML[: place % len(XML)] if cut else XML)
    if not cut:
        broken[place % len(broken)] ^= flip
    _read_or_refuse(lambda: read_openvino("made", bytes(broken), BIN))


def _read_or_refuse(read) -> None:
    try:
        graph = read()
    except GraphInvalid:
        return
    assert shapes_of(graph)


@pytest.mark.real
def test_upstream_networks_compute_what_the_reference_conversions_do():
    """Against files that other tools made of the same weights: the same, to float32's own rounding."""
    runtime = choose_runtime("auto", 1)
    detector = reference_dir("models", "detector")
    ours = read_onnx("detector", (detector / "yunet_n_dynamic.onnx").read_bytes(), 640, 480)
    theirs = runtime.load((detector / "yunet_n_480x640_float32.tflite").read_bytes(), "theirs")
    picture = np.random.default_rng(9).integers(0, 256, (1, 480, 640, 3), np.uint8)
    outputs = theirs.run(picture)
    for found in runtime.load(float_file(ours), "ours").run(picture):
        assert min(np.abs(found - other).max() for other in outputs if other.shape == found.shape) < 1e-4
    embedder = reference_dir("models", "embedder") / "face-reidentification-retail-0095"
    ours = read_openvino("embedder", *(embedder.with_suffix(end).read_bytes() for end in (".xml", ".bin")))
    theirs = runtime.load(embedder.with_name(f"{embedder.name}_float32.tflite").read_bytes(), "theirs")
    picture = picture[:, :128, :128]
    (found,), (expected,) = runtime.load(float_file(ours), "ours").run(picture), theirs.run(picture)
    np.testing.assert_allclose(found, expected, atol=1e-4)
