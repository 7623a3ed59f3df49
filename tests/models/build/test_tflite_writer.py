"""The written float file: it computes what the graph says, keeps names and order, and is the same each time."""

from __future__ import annotations

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from edge.drivers.litert import choose_runtime
from models.build.graph import DepthwiseConv, Graph
from models.build.tensors import float_tensors
from models.build.tflite_writer import write_tflite
from tests.models.build.computed import compute
from tests.models.build.made_graphs import SIZE_PX, graph_of_every_node


def _written(graph: Graph) -> bytes:
    return write_tflite(graph, float_tensors(graph))


@pytest.mark.parametrize("seed", range(5))
def test_float_file_computes_what_the_graph_says(seed: int):
    graph = graph_of_every_node(seed)
    picture = np.random.default_rng(seed + 100).integers(0, 256, (1, SIZE_PX, SIZE_PX, 3), np.uint8)
    model = choose_runtime("auto", 1).load(_written(graph), "made")
    computed = compute(graph, picture)
    for name, found in zip(graph.outputs, model.run(picture), strict=True):
        np.testing.assert_allclose(found, computed[name], atol=1e-4, rtol=1e-4, err_msg=f"seed {seed}: {name}")


def test_same_graph_gives_same_bytes():
    assert _written(graph_of_every_node(3)) == _written(graph_of_every_node(3))
    assert _written(graph_of_every_node(3)) != _written(graph_of_every_node(4))


def test_depthwise_multiplier_is_kept():
    random = np.random.default_rng(5)
    constants = {"w": random.normal(0, 1, (1, 3, 3, 6)).astype(np.float32), "b": np.zeros(6, np.float32)}
    nodes = (DepthwiseConv("out", "picture", "w", "b", stride=2),)
    graph = Graph("twice", "picture", (1, 8, 8, 3), nodes, constants, ("out",))
    picture = random.integers(0, 256, (1, 8, 8, 3), np.uint8)
    (found,) = choose_runtime("auto", 1).load(_written(graph), "made").run(picture)
    np.testing.assert_allclose(found, compute(graph, picture)["out"], rtol=1e-4, atol=1e-3)


def test_names_order_and_identifier_are_those_of_the_format():
    content = _written(graph_of_every_node(1))
    assert content[4:8] == b"TFL3"
    subgraph = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content)).subgraphs[0]
    names = [tensor.name.decode() for tensor in subgraph.tensors]
    assert [names[i] for i in subgraph.inputs] == ["picture"]
    assert [names[i] for i in subgraph.outputs] == ["flat", "odd"]
    assert len(set(names)) == len(names)


def test_weights_lie_aligned_in_the_file():
    """schema.fbs asks for 16 bytes; a network with a constant of odd length tells whether they are kept."""
    content = _written(graph_of_every_node(1))
    model = schema.Model.GetRootAs(content)
    buffers = [model.Buffers(i) for i in range(model.BuffersLength())]
    starts = [buffer._tab.Vector(buffer._tab.Offset(4)) for buffer in buffers if buffer.DataLength()]
    assert len(starts) > 10
    assert not [start for start in starts if start % 16]
