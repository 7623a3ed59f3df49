"""Pairs of convolutions between which a channel can be scaled or left out: nothing else reads what lies between.

There stands at most an activation f that is positively homogeneous, f(s x) = s f(x) for s > 0 (PReLU, leaky, relu),
and padding with zeros.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.build.graph import Conv, DepthwiseConv, Graph, Leaky, Node, Pad, Prelu, Unary

Constants = dict[str, NDArray[np.float32]]


@dataclass(frozen=True)
class Chain:
    """Two convolutions, and the tensor that the second reads."""

    first: Conv | DepthwiseConv
    second: Conv | DepthwiseConv
    between: str


def chains_of(graph: Graph) -> tuple[Chain, ...]:
    """Every pair; a depthwise second has one filter for each channel."""
    consumers = graph.consumers()
    chains = []
    for first in graph.nodes:
        if not isinstance(first, Conv | DepthwiseConv) or first.activation == "relu6":
            continue
        tensor, node = first.output, _only_reader(graph, consumers, first.output)
        while isinstance(node, Prelu | Leaky | Pad) or (isinstance(node, Unary) and node.kind == "relu"):
            tensor, node = node.output, _only_reader(graph, consumers, node.output)
        filters = len(graph.constants[first.bias])
        if isinstance(node, Conv) or (isinstance(node, DepthwiseConv) and len(graph.constants[node.bias]) == filters):
            chains.append(Chain(first, node, tensor))
    return tuple(chains)


def _only_reader(graph: Graph, consumers: Mapping[str, tuple[Node, ...]], name: str) -> Node | None:
    readers = consumers[name]
    return readers[0] if len(readers) == 1 and name not in graph.outputs else None
