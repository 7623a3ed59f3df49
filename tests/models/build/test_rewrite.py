"""Rewritten networks compute what they did before: normalisation folded, PReLU in fast operators, pixels in pairs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from edge.drivers.litert import choose_runtime
from models.build.chains import chains_of
from models.build.equalise import equalise, scales_of
from models.build.graph import Binary, Conv, DepthwiseConv, Graph, Leaky, Mean, Node, Pad, Prelu, Reshape, Unary
from models.build.observe import Observed, observe
from models.build.pairing import pair_columns
from models.build.rewrite import fold_normalisation, fuse_activations, leak
from models.build.silence import drop_silent, silent_of
from tests.models.build.computed import compute
from tests.models.build.made_graphs import graph_of_every_node
from tests.models.build.pictures import pictures

SIZE_PX = 16
RUNTIME = choose_runtime("auto", 1)


def embedder_like(seed: int, slopes: tuple[float, float] = (-1.5, 2.5), silent: int = 0) -> Graph:
    """Normalised picture, padded convolution, depthwise, 1x1, mean: what the street's embedder is made of.

    silent: of the 24 channels of the depthwise one, those that hardly vary.
    """
    random = np.random.default_rng(seed)
    nodes: tuple[Node, ...] = (
        Binary("scaled", "picture", "factor", "mul"),
        Binary("shifted", "scaled", "offset", "add"),
        Pad("padded", "shifted", 1, 1, 1, 1),
        Conv("c1", "padded", "w1", "b1", stride=2, padding="valid"),
        Prelu("p1", "c1", "s1"),
        DepthwiseConv("c2", "p1", "w2", "b2"),
        Prelu("p2", "c2", "s2"),
        Conv("c3", "p2", "w3", "b3"),
        Mean("m", "c3"),
        Reshape("template", "m", (1, 10)),
    )
    channels = np.exp(random.normal(0, 1.5, 24))
    channels[:silent] *= 1e-4
    constants = {
        "factor": np.full((1, 1, 3), 0.02) * [1, 1.5, 1.3],
        "offset": np.array([[[-0.9, -1.4, -1.5]]]),
        "w1": random.normal(0, 0.3, (24, 3, 3, 3)) * channels.reshape(-1, 1, 1, 1),
        "b1": random.normal(0, 0.2, 24) * channels,
        "s1": np.full((1, 1, 24), slopes[0]),
        "w2": random.normal(0, 0.4, (1, 3, 3, 24)),
        "b2": random.normal(0, 0.2, 24),
        "s2": np.full((1, 1, 24), slopes[1]),
        "w3": random.normal(0, 0.3, (10, 1, 1, 24)) / channels,
        "b3": random.normal(0, 0.2, 10),
    }
    constants["w3"][..., :silent] = 0.01
    floats = {name: value.astype(np.float32) for name, value in constants.items()}
    return Graph("embedder-like", "picture", (1, SIZE_PX, SIZE_PX, 3), nodes, floats, ("template",))


def _quiet(done: int, total: int) -> None:
    """Nobody watches."""


def _observed(graph: Graph, seed: int) -> dict[str, Observed]:
    return observe(graph, RUNTIME, pictures(seed, 20, SIZE_PX), _quiet)


def _assert_same(before: Graph, after: Graph, tolerance: float = 1e-4) -> None:
    for picture in pictures(3, 3, before.input_shape[1]):
        old, new = compute(before, picture[None]), compute(after, picture[None])
        for name in before.outputs:
            np.testing.assert_allclose(new[name], old[name], atol=tolerance, rtol=tolerance, err_msg=name)


def _kinds(graph: Graph) -> list[str]:
    return [type(node).__name__ for node in graph.nodes]


@pytest.mark.parametrize("rewritten", [fuse_activations, fold_normalisation, leak, pair_columns])
@pytest.mark.parametrize("seed", [1, 2])
def test_rewriting_changes_no_result(rewritten: Callable[[Graph], Graph], seed: int):
    for graph in (graph_of_every_node(seed), embedder_like(seed), fold_normalisation(embedder_like(seed))):
        _assert_same(graph, rewritten(graph))


def test_relu_becomes_part_of_what_it_alone_reads():
    graph = embedder_like(1)
    nodes = (*graph.nodes[:8], Unary("r", "c3", "relu6"), *(replace(node, input="r") for node in graph.nodes[8:9]))
    graph = replace(graph, nodes=(*nodes, graph.nodes[9]))
    fused = fuse_activations(graph)
    assert "Unary" not in _kinds(fused)
    assert [node.activation for node in fused.nodes if isinstance(node, Conv)] == ["none", "relu6"]
    _assert_same(graph, fused)


def test_relu_of_what_others_read_too_stays():
    graph = graph_of_every_node(1)
    assert fuse_activations(graph).nodes == graph.nodes


def test_normalisation_leaves_one_operator_before_the_pad():
    folded = fold_normalisation(embedder_like(1))
    assert _kinds(folded)[:3] == ["DepthwiseConv", "Pad", "Conv"]
    assert "factor" not in folded.constants


def test_normalisation_that_something_else_reads_stays():
    graph = embedder_like(1)
    nodes = (*graph.nodes, Mean("colour", "shifted"))
    read_twice = replace(graph, nodes=nodes, outputs=("template", "colour"))
    assert fold_normalisation(read_twice) == read_twice


@pytest.mark.parametrize("slope", [-7.9, -1.0, 0.0, 0.3, 1.0, 1.7, 7.5])
def test_no_prelu_is_left_whatever_its_slope(slope: float):
    graph = embedder_like(2, slopes=(slope, slope))
    assert _kinds(leak(graph)).count("Leaky") == 2
    assert "Prelu" not in _kinds(leak(graph))
    _assert_same(graph, leak(graph))


def test_prelu_of_mixed_slopes_stays():
    graph = embedder_like(3)
    mixed = np.linspace(-2, 0.9, 24, dtype=np.float32).reshape(1, 1, 24)
    graph = replace(graph, constants=dict(graph.constants) | {"s1": mixed})
    assert [type(node) for node in leak(graph).nodes if node.output == "p1"] == [Prelu]
    assert [type(node) for node in leak(graph).nodes if node.output == "p2"] == [Leaky]
    _assert_same(graph, leak(graph))


def test_pixels_are_read_in_pairs_without_a_new_operator_on_them():
    paired = pair_columns(fold_normalisation(embedder_like(1)))
    assert _kinds(paired)[:4] == ["Reshape", "DepthwiseConv", "Pad", "Conv"]
    assert paired.constants["w1"].shape == (24, 3, 2, 6)


def test_equalising_changes_ranges_and_no_result():
    graph = embedder_like(4)
    assert [(chain.first.output, chain.second.output) for chain in chains_of(graph)] == [("c1", "c2"), ("c2", "c3")]
    observed = _observed(graph, 5)
    equal = equalise(graph, scales_of(graph, observed))
    _assert_same(graph, equal, tolerance=1e-3)
    again = _observed(equal, 5)
    spread, spread_again = (float(each["p2"].reach.max() / np.median(each["p2"].reach)) for each in (observed, again))
    assert spread_again < spread / 2


def test_silent_channels_go_and_what_they_said_on_average_stays():
    graph = embedder_like(6, silent=8)
    silent = silent_of(graph, _observed(graph, 6))
    assert silent["p2"].channels == tuple(range(8))
    quieter = drop_silent(graph, silent)
    assert {name: quieter.constants[name].shape for name in ("w1", "b1", "s1", "w2", "b2", "s2", "w3")} == {
        "w1": (16, 3, 3, 3),
        "b1": (16,),
        "s1": (1, 1, 16),
        "w2": (1, 3, 3, 16),
        "b2": (16,),
        "s2": (1, 1, 16),
        "w3": (10, 1, 1, 16),
    }
    _assert_same(graph, quieter, tolerance=2e-2)


def test_network_without_silent_channels_stays_as_it_is():
    graph = embedder_like(7)
    assert silent_of(graph, _observed(graph, 7)) == {}
