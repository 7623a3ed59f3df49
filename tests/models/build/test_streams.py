"""Streams through sums and gates are found, scaled in all that write and read them, and compute what they did."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from edge.drivers.litert import choose_runtime
from models.build.calibrate import Calibration, int8_file
from models.build.equalise import equalise, scales_of
from models.build.graph import Binary, Conv, DepthwiseConv, Graph, Leaky, Mean, Node, Unary
from models.build.observe import Observed, observe
from models.build.quantise import Span
from models.build.streams import streams_of
from tests.models.build.computed import compute
from tests.models.build.made_graphs import graph_of_every_node
from tests.models.build.pictures import pictures
from tests.models.build.test_rewrite import embedder_like

SIZE_PX, CHANNELS = 16, 16
RUNTIME = choose_runtime("auto", 1)


def residual(seed: int, unlike: float = 1.2) -> Graph:
    """Two blocks on one stream, the second behind a gate. unlike: how far the channels' sizes lie apart."""
    random = np.random.default_rng(seed)
    nodes: tuple[Node, ...] = (
        Conv("stem", "picture", "w0", "b0", stride=2),
        Leaky("bent", "stem", 0.2),
        Conv("wide", "bent", "w1", "b1"),
        Leaky("wide bent", "wide", -1.5),
        DepthwiseConv("deep", "wide bent", "w2", "b2"),
        Conv("back", "deep", "w3", "b3"),
        Binary("sum", "bent", "back", "add"),
        Conv("more", "sum", "w4", "b4"),
        Mean("whole", "more"),
        Conv("asked", "whole", "w5", "b5"),
        Unary("gate", "asked", "logistic"),
        Binary("gated", "more", "gate", "mul"),
        Binary("sum again", "sum", "gated", "add"),
        Conv("last", "sum again", "w6", "b6"),
        Mean("template", "last"),
    )
    size = np.exp(random.normal(0, unlike, CHANNELS))
    written, read = size.reshape(-1, 1, 1, 1), size
    constants = {
        "w0": random.normal(0, 0.01, (CHANNELS, 3, 3, 3)) * written,
        "b0": random.normal(0, 0.5, CHANNELS) * size,
        "w1": random.normal(0, 0.3, (24, 1, 1, CHANNELS)) / read,
        "b1": random.normal(0, 0.2, 24),
        "w2": random.normal(0, 0.3, (1, 3, 3, 24)),
        "b2": random.normal(0, 0.2, 24),
        "w3": random.normal(0, 0.2, (CHANNELS, 1, 1, 24)) * written,
        "b3": random.normal(0, 0.2, CHANNELS) * size,
        "w4": random.normal(0, 0.3, (CHANNELS, 1, 1, CHANNELS)) * written / read,
        "b4": random.normal(0, 0.2, CHANNELS) * size,
        "w5": random.normal(0, 0.3, (CHANNELS, 1, 1, CHANNELS)) / read,
        "b5": random.normal(0, 0.2, CHANNELS),
        "w6": random.normal(0, 0.3, (32, 1, 1, CHANNELS)) / read,
        "b6": random.normal(0, 0.2, 32),
    }
    floats = {name: value.astype(np.float32) for name, value in constants.items()}
    return Graph("residual", "picture", (1, SIZE_PX, SIZE_PX, 3), nodes, floats, ("template",))


def _quiet(done: int, total: int) -> None:
    """Nobody watches."""


def _observed(graph: Graph) -> dict[str, Observed]:
    return observe(graph, RUNTIME, pictures(5, 20, SIZE_PX), _quiet)


def _with_node(graph: Graph, name: str, node: Node) -> Graph:
    return replace(graph, nodes=tuple(node if each.output == name else each for each in graph.nodes))


def test_stream_through_sums_and_a_gate_is_found_with_all_that_write_and_read_it():
    (stream,) = streams_of(residual(1))
    assert stream.tensors == ("stem", "bent", "back", "sum", "more", "whole", "gated", "sum again")
    assert [node.output for node in stream.writers] == ["stem", "back", "more"]
    assert [node.output for node in stream.readers] == ["wide", "more", "asked", "last"]


@pytest.mark.parametrize("seed", [1, 2])
def test_equalised_streams_compute_what_they_did_and_reach_alike(seed: int):
    graph = residual(seed)
    before = _observed(graph)
    equal = equalise(graph, scales_of(graph, before))
    for picture in pictures(3, 3, SIZE_PX):
        old, new = (compute(each, picture[None])["template"] for each in (graph, equal))
        np.testing.assert_allclose(new, old, atol=1e-3, rtol=1e-3)
    after = _observed(equal)
    unlike, unlike_after = (
        float(each["sum again"].reach.max() / np.median(each["sum again"].reach)) for each in (before, after)
    )
    assert unlike_after < unlike / 2


def test_equalised_stream_loses_less_in_8_bits():
    def error(graph: Graph) -> float:
        """Plain int8, ranges as observed."""
        spans = {name: Span(each.low, each.high) for name, each in _observed(graph).items()}
        model = RUNTIME.load(int8_file(graph, Calibration({}, {}, spans)), graph.name)
        shown = [picture[None] for picture in pictures(9, 20, SIZE_PX)]
        return float(np.mean([np.abs(model.run(each)[0] - compute(graph, each)["template"]).mean() for each in shown]))

    ratios = []
    for seed in range(4):
        graph = residual(seed)
        scales = scales_of(graph, _observed(graph))
        name = streams_of(graph)[0].tensors[0]
        chains = {between: scale for between, scale in scales.items() if between != name}
        ratios.append(error(equalise(graph, scales)) / error(equalise(graph, chains)))
    assert np.mean(ratios) < 0.8, ratios


@pytest.mark.parametrize(
    ("name", "node"),
    [
        ("sum again", Binary("sum again", "sum", "gated", "add", activation="relu6")),
        ("bent", Unary("bent", "stem", "logistic")),
        ("gated", Binary("gated", "more", "whole", "mul")),
        ("stem", Conv("stem", "picture", "w0", "b0", stride=2, activation="relu6")),
    ],
    ids=["a bounded sum", "a logistic", "a gate out of the stream", "a bounded convolution"],
)
def test_stream_with_something_in_it_that_cannot_be_scaled_is_left_alone(name: str, node: Node):
    assert streams_of(_with_node(residual(1), name, node)) == ()


def test_stream_that_is_an_output_is_left_alone():
    assert streams_of(replace(residual(1), outputs=("template", "sum"))) == ()


@pytest.mark.parametrize("graph", [embedder_like(1), graph_of_every_node(1)], ids=["no sum", "sums that outputs show"])
def test_graph_without_a_stream_is_untouched(graph: Graph):
    assert streams_of(graph) == ()
    assert equalise(graph, {}).constants == graph.constants
