"""Full int8: every tensor of a graph as 8 bits, after LiteRT's quantisation specification.

Weights by filter, symmetric; activations by tensor, ranges as observed; biases int32 at the product of the two
scales. Operators that only move numbers keep their scale; a logistic's is fixed. Everything is reckoned in float64
and rounded once, so that the same numbers give the same bytes on every machine.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge.errors import GraphInvalid
from models.build.graph import (
    Binary,
    Conv,
    DepthwiseConv,
    Graph,
    Pad,
    Pool,
    Prelu,
    Reshape,
    Shape,
    Unary,
    Upsample,
    operands_of,
)
from models.build.shapes import shapes_of
from models.build.tensors import Tensor

_LEVELS = 255
_WEIGHT_STEPS = 127
_INT32_STEPS = 2**31 - 1


@dataclass(frozen=True)
class Span:
    """What a tensor reaches, and where it is known each channel's mean, float64 (channels,)."""

    low: float
    high: float
    mean: NDArray[np.float64] | None = None


_PICTURE = Span(0.0, 255.0)
"""The input as cameras deliver it: scale 1, zero point -128, nothing to compute on the van."""

_PROBABILITY = Span(0.0, 255 / 256)
"""The only output range that TFLite's int8 LOGISTIC has: scale 1/256, zero point -128."""


def quantise(graph: Graph, spans: Mapping[str, Span]) -> dict[str, Tensor]:
    """Every tensor of the graph, to be written. spans: of every tensor, the input's left out of account.

    Raises: GraphInvalid for a constant that two nodes share, or a tensor without a span.
    """
    shapes = shapes_of(graph)
    absent = [name for name in shapes if name not in spans]
    if absent:
        raise GraphInvalid(f"{graph.name}: no range for {', '.join(absent[:5])}; calibrate this very graph")
    named = [name for node in graph.nodes for name in operands_of(node) if name in graph.constants]
    if len(set(named)) != len(named):
        raise GraphInvalid(f"{graph.name}: a constant is used twice; each needs scales of its own")
    tensors = {name: _activation(shapes[name], span) for name, span in _tied(graph, spans).items()}
    for node in graph.nodes:
        match node:
            case Conv() | DepthwiseConv():
                weights, bias = graph.constants[node.weights], graph.constants[node.bias].astype(np.float64)
                scale = tensors[node.input].scales[0]
                rounded = _weights(weights, bias, scale, axis=0 if isinstance(node, Conv) else 3)
                bias = bias - _drift(node, weights, rounded, spans[node.input].mean)
                tensors[node.weights], tensors[node.bias] = rounded, _bias(bias, rounded, scale)
            case Prelu():
                tensors[node.slopes] = _symmetric(graph.constants[node.slopes])
            case Binary() if node.right in graph.constants:
                tensors[node.right] = _symmetric(graph.constants[node.right])
    return tensors


def _tied(graph: Graph, spans: Mapping[str, Span]) -> dict[str, Span]:
    """Each tensor's span; those tied by a node that only moves numbers have one together."""
    leader = {name: name for name in (graph.input, *(node.output for node in graph.nodes))}

    def lead(name: str) -> str:
        while leader[name] != name:
            name = leader[name]
        return name

    fixed = {graph.input: _PICTURE}
    for node in graph.nodes:
        if isinstance(node, Unary) and node.kind == "logistic":
            fixed[node.output] = _PROBABILITY
        if isinstance(node, Pad | Pool | Reshape | Upsample) or (isinstance(node, Binary) and node.kind == "maximum"):
            for name in graph.inputs_of(node):
                leader[lead(node.output)] = lead(name)
    groups: dict[str, list[str]] = {}
    for name in leader:
        groups.setdefault(lead(name), []).append(name)
    together: dict[str, Span] = {}
    for names in groups.values():
        known = [fixed[name] for name in names if name in fixed]
        lows, highs = [spans[name].low for name in names], [spans[name].high for name in names]
        span = known[0] if known else Span(min(0.0, *lows), max(0.0, *highs))
        together |= dict.fromkeys(names, span)
    return {name: together[name] for name in leader}


def _activation(shape: Shape, span: Span) -> Tensor:
    scale = max((span.high - span.low) / _LEVELS, 1e-9)
    zero_point = int(np.clip(np.rint(-128 - span.low / scale), -128, 127))
    return Tensor(shape, "int8", (float(np.float32(scale)),), (zero_point,))


def _weights(weights: NDArray[np.float32], bias: NDArray[np.float64], input_scale: float, axis: int) -> Tensor:
    """Rounded, with a scale for each filter: what its largest weight needs, or more where its bias needs more."""
    others = tuple(i for i in range(weights.ndim) if i != axis)
    largest = np.abs(weights.astype(np.float64)).max(axis=others)
    scales = np.maximum(largest / _WEIGHT_STEPS, np.abs(bias) / (_INT32_STEPS * input_scale))
    scales = np.maximum(scales, 1e-12).astype(np.float32).astype(np.float64)
    sides = [1] * weights.ndim
    sides[axis] = -1
    steps = np.clip(np.rint(weights / scales.reshape(sides)), -_WEIGHT_STEPS, _WEIGHT_STEPS)
    return Tensor(weights.shape, "int8", tuple(map(float, scales)), (0,) * len(scales), axis, steps.astype(np.int8))


def _drift(
    node: Conv | DepthwiseConv, weights: NDArray[np.float32], rounded: Tensor, mean: NDArray[np.float64] | None
) -> NDArray[np.float64]:
    """What rounding the weights adds to each filter on average (bias correction: Nagel et al., ICCV 2019, 4.2)."""
    filters = weights.shape[rounded.axis]
    if mean is None or rounded.data is None:
        return np.zeros(filters)
    sides = [1] * weights.ndim
    sides[rounded.axis] = -1
    error = rounded.data * np.array(rounded.scales).reshape(sides) - weights
    if isinstance(node, Conv):
        return np.asarray((error.sum(axis=(1, 2)) * mean).sum(axis=1))
    return np.asarray(error.sum(axis=(0, 1, 2)) * np.repeat(mean, filters // len(mean)))


def _bias(bias: NDArray[np.float64], weights: Tensor, input_scale: float) -> Tensor:
    products = np.array(weights.scales) * input_scale
    steps = np.clip(np.rint(bias / products), -_INT32_STEPS, _INT32_STEPS)
    return Tensor(bias.shape, "int32", tuple(map(float, products)), (0,) * len(products), 0, steps.astype(np.int32))


def _symmetric(values: NDArray[np.float32]) -> Tensor:
    scale = float(np.float32(max(float(np.abs(values).max()), 1e-9) / _WEIGHT_STEPS))
    steps = np.clip(np.rint(values.astype(np.float64) / scale), -_WEIGHT_STEPS, _WEIGHT_STEPS)
    return Tensor(values.shape, "int8", (scale,), (0,), 0, steps.astype(np.int8))
