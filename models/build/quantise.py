"""Full int8: every tensor of a graph as 8 bits, after the specification at ai.google.dev/edge/litert.

Weights by filter, symmetric; activations by tensor, ranges as observed; biases int32 at the product of the two
scales. Operators that only move numbers keep their scale; a logistic's is fixed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge.errors import GraphInvalid
from models.build.calibrate import Observed
from models.build.graph import (
    Binary,
    Conv,
    DepthwiseConv,
    Graph,
    Pad,
    Pool,
    Prelu,
    Reshape,
    Unary,
    Upsample,
    operands_of,
)
from models.build.shapes import shapes_of
from models.build.tensors import Tensor

_LEVELS = 255
_WEIGHT_STEPS = 127
_INT32_STEPS = 2.0**31 - 1


@dataclass(frozen=True)
class Range:
    """What a tensor's 256 steps span; 0 is always one of them."""

    low: float
    high: float


_PICTURE = Range(0.0, 255.0)
"""The input as cameras deliver it: scale 1, zero point -128, nothing to compute on the van."""

_PROBABILITY = Range(0.0, 255 / 256)
"""The only output range that TFLite's int8 LOGISTIC has: scale 1/256, zero point -128."""


def quantise(graph: Graph, observed: Mapping[str, Observed]) -> dict[str, Tensor]:
    """Every tensor of the graph, to be written. observed: of every tensor, from `observe`.

    Raises: GraphInvalid for a graph with a constant that two nodes share.
    """
    shapes = shapes_of(graph)
    tensors = {name: _activation(shapes[name], found) for name, found in _ranges(graph, observed).items()}
    named = [name for node in graph.nodes for name in operands_of(node) if name in graph.constants]
    if len(set(named)) != len(named):
        raise GraphInvalid(f"{graph.name}: a constant is used twice; each needs scales of its own")
    for node in graph.nodes:
        match node:
            case Conv() | DepthwiseConv():
                weights = _weights(graph.constants[node.weights], axis=0 if isinstance(node, Conv) else 3)
                weights, bias = _with_bias(weights, graph.constants, node, tensors[node.input].scales[0])
                tensors[node.weights], tensors[node.bias] = weights, bias
            case Prelu():
                tensors[node.slopes] = _symmetric(graph.constants[node.slopes])
            case Binary() if node.right in graph.constants:
                tensors[node.right] = _symmetric(graph.constants[node.right])
    return tensors


def _ranges(graph: Graph, observed: Mapping[str, Observed]) -> dict[str, Range]:
    """Each tensor's range; those tied by a node that only moves numbers have one together."""
    leader = {name: name for name in (graph.input, *(node.output for node in graph.nodes))}

    def lead(name: str) -> str:
        while leader[name] != name:
            name = leader[name]
        return name

    fixed = {graph.input: _PICTURE}
    for node in graph.nodes:
        tied: tuple[str, ...] = ()
        if isinstance(node, Pad | Pool | Reshape | Upsample) or (isinstance(node, Binary) and node.kind == "maximum"):
            tied = graph.inputs_of(node)
        elif isinstance(node, Unary) and node.kind == "logistic":
            fixed[node.output] = _PROBABILITY
        for name in tied:
            first, second = lead(node.output), lead(name)
            leader[first] = second
            if first in fixed:
                fixed[second] = fixed.pop(first)
    members: dict[str, list[Observed]] = {}
    for name in leader:
        members.setdefault(lead(name), []).append(observed[name])
    ranges = {
        name: fixed.get(name, Range(min(0.0, *(m.low for m in found)), max(0.0, *(m.high for m in found))))
        for name, found in members.items()
    }
    return {name: ranges[lead(name)] for name in leader}


def _activation(shape: tuple[int, ...], span: Range) -> Tensor:
    scale = max((span.high - span.low) / _LEVELS, 1e-9)
    zero_point = int(np.clip(np.rint(-128 - span.low / scale), -128, 127))
    return Tensor(shape, "int8", (float(np.float32(scale)),), (zero_point,))


def _weights(weights: NDArray[np.float32], axis: int) -> Tensor:
    others = tuple(i for i in range(weights.ndim) if i != axis)
    scales = np.maximum(np.abs(weights).max(axis=others), 1e-9) / _WEIGHT_STEPS
    return _rounded(weights, scales.astype(np.float32), axis)


def _rounded(weights: NDArray[np.float32], scales: NDArray[np.float32], axis: int) -> Tensor:
    sides = [1] * weights.ndim
    sides[axis] = -1
    data = np.clip(np.rint(weights / scales.reshape(sides)), -_WEIGHT_STEPS, _WEIGHT_STEPS).astype(np.int8)
    return Tensor(weights.shape, "int8", tuple(map(float, scales)), (0,) * len(scales), axis, data)


def _with_bias(
    weights: Tensor, constants: Mapping[str, NDArray[np.float32]], node: Conv | DepthwiseConv, input_scale: float
) -> tuple[Tensor, Tensor]:
    """The bias, and the weights, coarser where the bias would not fit into 32 bits at their scale."""
    bias = constants[node.bias].astype(np.float64)
    scales = np.array(weights.scales, np.float32)
    needed = (np.abs(bias) / (_INT32_STEPS * input_scale)).astype(np.float32)
    if (needed > scales).any():
        scales = np.maximum(scales, np.nextafter(needed, np.float32(np.inf)))
        weights = _rounded(constants[node.weights], scales, weights.axis)
    products = scales.astype(np.float64) * input_scale
    data = np.rint(bias / products).astype(np.int32)
    return weights, Tensor(bias.shape, "int32", tuple(map(float, products)), (0,) * len(products), 0, data)


def _symmetric(values: NDArray[np.float32]) -> Tensor:
    scale = np.float32(max(float(np.abs(values).max()), 1e-9) / _WEIGHT_STEPS)
    data = np.clip(np.rint(values / scale), -_WEIGHT_STEPS, _WEIGHT_STEPS).astype(np.int8)
    return Tensor(values.shape, "int8", (float(scale),), (0,), 0, data)
