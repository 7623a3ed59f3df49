"""Full int8: close to the float network, ranges where TFLite wants them, nothing left in float, the same each time."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from edge.drivers.litert import choose_runtime
from edge.errors import GraphInvalid
from models.build.calibrate import calibrate, int8_file
from models.build.graph import Conv, Graph, Upsample
from models.build.observe import observe
from models.build.quantise import Span, quantise
from models.build.rewrite import fuse_activations
from models.build.tensors import Tensor
from tests.models.build.computed import compute
from tests.models.build.made_graphs import SIZE_PX, graph_of_every_node
from tests.models.build.pictures import pictures

RUNTIME = choose_runtime("auto", 1)


def _quiet(done: int, total: int) -> None:
    """Nobody watches."""


def _int8(graph: Graph, seed: int) -> bytes:
    return int8_file(graph, calibrate(graph, RUNTIME, pictures(seed, 24, graph.input_shape[1]), _quiet))


def _tensors(graph: Graph, seed: int) -> dict[str, Tensor]:
    observed = observe(graph, RUNTIME, pictures(seed, 8, SIZE_PX), _quiet)
    return quantise(graph, {name: Span(each.low, each.high, each.mean) for name, each in observed.items()})


@pytest.mark.parametrize("seed", range(4))
def test_int8_network_computes_nearly_what_the_float_one_does(seed: int):
    graph = fuse_activations(graph_of_every_node(seed))
    model = RUNTIME.load(_int8(graph, seed), "made")
    for picture in pictures(seed + 50, 6, SIZE_PX):
        computed = compute(graph, picture[None])
        for name, found in zip(graph.outputs, model.run(picture[None]), strict=True):
            span = np.ptp(computed[name])
            assert np.abs(found - computed[name]).mean() < 0.03 * span, f"seed {seed}: {name}"


def test_range_holds_for_the_share_of_the_pictures_that_is_asked_for():
    graph = graph_of_every_node(5)
    shown = pictures(5, 8, SIZE_PX)
    alone = [observe(graph, RUNTIME, [picture], _quiet) for picture in shown]
    some, whole = (observe(graph, RUNTIME, shown, _quiet, within) for within in (0.75, 1.0))
    for name in whole:
        lows, highs = sorted(each[name].low for each in alone), sorted(each[name].high for each in alone)
        assert (some[name].low, some[name].high) == (lows[2], highs[5])
        assert (whole[name].low, whole[name].high) == (lows[0], highs[7])
        np.testing.assert_array_equal(some[name].reach, whole[name].reach)


def test_every_tensor_is_of_integers_and_the_picture_comes_as_it_is():
    content = _int8(graph_of_every_node(1), 1)
    subgraph = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content)).subgraphs[0]
    kinds = {tensor.type for tensor in subgraph.tensors}
    assert kinds == {schema.TensorType.INT8, schema.TensorType.INT32}
    picture = subgraph.tensors[subgraph.inputs[0]]
    assert (list(picture.quantization.scale), list(picture.quantization.zeroPoint)) == ([1.0], [-128])


def test_what_only_moves_numbers_keeps_their_scale():
    graph = graph_of_every_node(2)
    tensors = _tensors(graph, 2)
    for output, source in (("padded", "picture"), ("half", "kept"), ("double", "half"), ("mean", "difference")):
        assert (tensors[output].scales, tensors[output].zero_points) == (
            tensors[source].scales,
            tensors[source].zero_points,
        )
    assert tensors["highest"].scales == tensors["scaled"].scales == tensors["gated"].scales
    assert (tensors["gate"].scales, tensors["gate"].zero_points) == ((1 / 256,), (-128,))


def test_weights_have_a_scale_for_each_filter():
    graph = graph_of_every_node(3)
    tensors = _tensors(graph, 3)
    for name, axis in (("w1", 0), ("w2", 3)):
        scales = np.array(tensors[name].scales)
        assert tensors[name].axis == axis
        largest = np.abs(graph.constants[name]).max(axis=tuple(i for i in range(4) if i != axis))
        np.testing.assert_allclose(scales * 127, largest, rtol=1e-6)


def test_bias_too_large_for_its_scale_coarsens_the_weights_instead_of_wrapping():
    random = np.random.default_rng(4)
    constants = {
        "w": (random.normal(0, 1, (2, 1, 1, 3)) * np.array([1, 1e-12]).reshape(2, 1, 1, 1)).astype(np.float32),
        "b": np.array([1.0, 50.0], np.float32),
    }
    graph = Graph("steep", "picture", (1, 4, 4, 3), (Conv("out", "picture", "w", "b"),), constants, ("out",))
    (found,) = RUNTIME.load(_int8(graph, 4), "made").run(np.zeros((1, 4, 4, 3), np.uint8))
    np.testing.assert_allclose(found[0, 0, 0], [1, 50], rtol=0.01, atol=3)


def test_same_graph_and_pictures_give_same_bytes():
    assert _int8(graph_of_every_node(6), 6) == _int8(graph_of_every_node(6), 6)


def test_constant_of_two_nodes_is_refused():
    graph = graph_of_every_node(7)
    shared = replace(graph, nodes=(*graph.nodes, Upsample("again", "highest"), Conv("last", "odd", "w5", "b4")))
    shared = replace(shared, constants=dict(graph.constants) | {"w5": np.zeros((4, 1, 1, 4), np.float32)})
    with pytest.raises(GraphInvalid, match="twice"):
        _tensors(shared, 7)


def test_rounding_weights_shifts_no_filter_on_average():
    """Bias correction: with coarse weights and a picture that is never dark, the mean would move without it."""
    random = np.random.default_rng(8)
    weights = random.uniform(0.002, 0.02, (4, 3, 3, 3))
    weights[:, 0, 0, 0] = 2.0
    constants = {"w": weights.astype(np.float32), "b": np.zeros(4, np.float32)}
    graph = Graph(
        "coarse", "picture", (1, SIZE_PX, SIZE_PX, 3), (Conv("out", "picture", "w", "b"),), constants, ("out",)
    )
    shown = pictures(8, 8, SIZE_PX)
    model = RUNTIME.load(_int8(graph, 8), "made")
    moved = [model.run(picture[None])[0] - compute(graph, picture[None])["out"] for picture in shown]
    step = model.outputs[0].scale
    assert np.abs(np.mean(moved, axis=(0, 1, 2, 3))).max() < step / 2


def test_tensor_without_a_range_is_refused():
    graph = graph_of_every_node(9)
    with pytest.raises(GraphInvalid, match="no range for picture, padded"):
        quantise(graph, {})
