"""Rewriting a graph into one that computes the same in fewer, faster or more exact operators."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from models.build.graph import Binary, Conv, DepthwiseConv, Graph, Leaky, Node, Pad, Prelu, Unary


def fuse_activations(graph: Graph) -> Graph:
    """A relu that alone reads a convolution or a sum becomes part of it."""
    makers = {node.output: node for node in graph.nodes}
    consumers = graph.consumers()
    fused: dict[str, Node] = {}
    for node in graph.nodes:
        if not isinstance(node, Unary) or node.kind == "logistic" or node.input not in makers:
            continue
        maker = makers[node.input]
        if not isinstance(maker, Conv | DepthwiseConv | Binary) or maker.activation != "none":
            continue
        if len(consumers[maker.output]) == 1 and maker.output not in graph.outputs and maker.output not in fused:
            fused[maker.output] = replace(maker, output=node.output, activation=node.kind)
    gone = {node.output for node in fused.values()}
    return replace(graph, nodes=tuple(fused.get(node.output, node) for node in graph.nodes if node.output not in gone))


def fold_normalisation(graph: Graph) -> Graph:
    """picture * a + b before the first convolution: a goes into its weights, b / a is added to the picture.

    A depthwise tap adds it: its int32 bias is not rounded to the steps of the picture. The convolution's own bias
    cannot take it, for zeros are padded in between.
    """
    match graph.nodes[:2]:
        case (Binary(kind="mul", activation="none") as scaled, Binary(kind="add", activation="none") as shifted):
            pass
        case _:
            return graph
    consumers = graph.consumers()
    chain = [graph.input, scaled.output, shifted.output]
    (reader, *others) = consumers[shifted.output]
    if isinstance(reader, Pad):
        chain.append(reader.output)
        (reader, *others) = consumers[reader.output]
    sole = all(len(consumers[name]) == 1 for name in chain) and not others
    constant = {scaled.right, shifted.right} <= graph.constants.keys() and scaled.left == graph.input
    if not (sole and constant and isinstance(reader, Conv)):
        return graph
    channels = graph.input_shape[3]
    factor = np.broadcast_to(graph.constants[scaled.right].reshape(-1), channels)
    offset = np.broadcast_to(graph.constants[shifted.right].reshape(-1), channels)
    constants = {name: value for name, value in graph.constants.items() if name not in (scaled.right, shifted.right)}
    constants[reader.weights] = graph.constants[reader.weights] * factor
    constants["centred/weights"] = np.ones((1, 1, 1, channels), np.float32)
    constants["centred/bias"] = offset / factor
    centred = DepthwiseConv(shifted.output, graph.input, "centred/weights", "centred/bias")
    return replace(graph, nodes=(centred, *graph.nodes[2:]), constants=constants)


def leak(graph: Graph) -> Graph:
    """A Prelu whose channels have one slope becomes a Leaky, which has a fast int8 kernel on a CPU."""
    nodes = tuple(_leaky(node, graph.constants) if isinstance(node, Prelu) else node for node in graph.nodes)
    used = {node.slopes for node in nodes if isinstance(node, Prelu)}
    unused = {node.slopes for node in graph.nodes if isinstance(node, Prelu)} - used
    constants = {name: value for name, value in graph.constants.items() if name not in unused}
    return replace(graph, nodes=nodes, constants=constants)


def _leaky(node: Prelu, constants: Mapping[str, NDArray[np.float32]]) -> Node:
    slopes = constants[node.slopes]
    return node if np.ptp(slopes) else Leaky(node.output, node.input, float(slopes.flat[0]))
