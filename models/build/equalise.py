"""Cross-layer equalisation (Nagel et al., ICCV 2019): channels between two convolutions brought to like ranges.

Between a convolution and the next stands at most an activation that is positively homogeneous (PReLU, leaky, relu):
f(s x) = s f(x) for s > 0. So a channel may be divided by s in the one and multiplied by s in the other; nothing
changes but what 8 bits have to span.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from models.build.calibrate import Observed
from models.build.graph import Conv, DepthwiseConv, Graph, Leaky, Node, Pad, Prelu, Unary

_WEAKEST = 1e-2
"""A channel weaker than this share of the median is taken for noise: no stronger pull than that."""


@dataclass(frozen=True)
class Chain:
    """Two convolutions, and the tensor between them that the second reads after any padding."""

    first: Conv | DepthwiseConv
    second: Conv | DepthwiseConv
    between: str


def chains_of(graph: Graph) -> tuple[Chain, ...]:
    """Every pair that can be equalised: nothing else reads what lies between."""
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


def equalise(graph: Graph, observed: Mapping[str, Observed]) -> Graph:
    """The same network with its channels brought to like ranges. observed: of `graph`, before it is quantised."""
    constants = dict(graph.constants)
    for chain in chains_of(graph):
        reach = observed[chain.between].channel_high
        reach = np.maximum(reach, np.median(reach) * _WEAKEST) + np.float32(1e-12)
        if isinstance(chain.second, DepthwiseConv):
            scale = reach / np.median(reach)
        else:
            spread = np.abs(constants[chain.second.weights]).max(axis=(0, 1, 2)) + np.float32(1e-8)
            scale = np.sqrt(reach / spread)
            scale = scale / np.exp(np.log(scale).mean())
        _divide(constants, chain.first, scale)
        constants[chain.second.weights] = (constants[chain.second.weights] * scale).astype(np.float32)
    return replace(graph, constants=constants)


def _divide(constants: dict[str, NDArray[np.float32]], node: Conv | DepthwiseConv, scale: NDArray[np.float32]) -> None:
    sides = (-1, 1, 1, 1) if isinstance(node, Conv) else (1, 1, 1, -1)
    constants[node.weights] = (constants[node.weights] / scale.reshape(sides)).astype(np.float32)
    constants[node.bias] = (constants[node.bias] / scale).astype(np.float32)


def _only_reader(graph: Graph, consumers: Mapping[str, tuple[Node, ...]], name: str) -> Node | None:
    readers = consumers[name]
    return readers[0] if len(readers) == 1 and name not in graph.outputs else None
