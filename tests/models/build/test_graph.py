"""Graphs: shapes as TFLite works them out, and what does not fit refused by the node's name."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from edge.errors import GraphInvalid
from models.build.graph import Binary, Conv, DepthwiseConv, Graph, Pad, Prelu, Reshape, Unary
from models.build.shapes import shapes_of
from tests.models.build.computed import compute
from tests.models.build.made_graphs import SIZE_PX, graph_of_every_node

GRAPH = graph_of_every_node(seed=1)


def test_shapes_are_those_the_numbers_have():
    computed = compute(GRAPH, np.full((1, SIZE_PX, SIZE_PX, 3), 100))
    assert {name: computed[name].shape for name in shapes_of(GRAPH)} == shapes_of(GRAPH)


def _with(**changes) -> Graph:
    """The graph with one node's fields changed: output=dict(field=value)."""
    nodes = tuple(replace(node, **changes.get(node.output, {})) for node in GRAPH.nodes)
    return replace(GRAPH, nodes=nodes)


@pytest.mark.parametrize(
    ("graph", "named"),
    [
        (_with(first={"input": "nowhere"}), "first needs nowhere"),
        (_with(first={"weights": "w2"}), "first"),
        (_with(first={"bias": "b4"}), "first.*bias"),
        (_with(first={"weights": "b1"}), "first.*four dimensions"),
        (_with(first={"weights": "padded"}), "first.*constant"),
        (_with(deep={"weights": "w1"}), "deep"),
        (_with(bent={"slopes": "b1"}), "bent.*slopes"),
        (_with(bent={"output": "first"}), "first is made twice"),
        (_with(sum={"right": "w1"}), "sum.*broadcast"),
        (_with(sum={"left": "b3"}), "sum.*left"),
        (_with(flat={"shape": (1, 7)}), "flat"),
        (_with(mean={"size": (30, 8)}), "mean"),
        (_with(padded={"top": -1}), "padded"),
        (replace(GRAPH, outputs=("odd", "none")), "none"),
        (replace(GRAPH, outputs=()), "outputs"),
        (replace(GRAPH, input_shape=(2, 16, 16, 3)), "input of shape"),
        (replace(GRAPH, nodes=(Reshape("flat", "picture", (1, 768)), Pad("p", "flat", 1, 1, 1, 1))), "p .*picture"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_does_not_fit_is_refused_by_name(graph: Graph, named: str):
    with pytest.raises(GraphInvalid, match=named):
        shapes_of(graph)


def test_consumers_are_told_once_and_outputs_have_none():
    nodes = (
        Unary("a", "picture", "relu"),
        Binary("b", "a", "a", "add"),
        Conv("c", "a", "w", "z"),
        DepthwiseConv("d", "c", "w", "z"),
        Prelu("e", "d", "s"),
    )
    constants = {name: np.zeros(1, np.float32) for name in ("w", "z", "s")}
    graph = Graph("small", "picture", (1, 4, 4, 3), nodes, constants, ("e",))
    assert graph.consumers() == {
        "picture": (nodes[0],), "a": (nodes[1], nodes[2]), "b": (), "c": (nodes[3],), "d": (nodes[4],), "e": ()
    }  # fmt: skip
