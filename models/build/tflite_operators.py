"""Each node of a graph as its TFLite operator: code, version, options, and the integers it takes besides tensors.

Versions are the oldest that hold what is written, so that tflite-runtime 2.14 reads the file too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

from models.build.graph import (
    Activation,
    Binary,
    Conv,
    DepthwiseConv,
    Leaky,
    Mean,
    Node,
    Pad,
    Padding,
    Pool,
    Prelu,
    Reshape,
    Shape,
    Unary,
    Upsample,
    strides_of,
)

_Code = schema.BuiltinOperator
_PADDINGS: dict[Padding, int] = {"same": schema.Padding.SAME, "valid": schema.Padding.VALID}
_ACTIVATIONS: dict[Activation, int] = {
    "none": schema.ActivationFunctionType.NONE,
    "relu": schema.ActivationFunctionType.RELU,
    "relu6": schema.ActivationFunctionType.RELU6,
}
_UNARY = {"relu": _Code.RELU, "relu6": _Code.RELU6, "logistic": _Code.LOGISTIC}
_BINARY = {
    "add": (_Code.ADD, "AddOptions"),
    "sub": (_Code.SUB, "SubOptions"),
    "mul": (_Code.MUL, "MulOptions"),
    "maximum": (_Code.MAXIMUM, "MaximumMinimumOptions"),
}
_POOL = {"max": _Code.MAX_POOL_2D, "average": _Code.AVERAGE_POOL_2D}

_INT8_VERSIONS = {_Code.CONV_2D: 3, _Code.DEPTHWISE_CONV_2D: 3, _Code.PRELU: 1, _Code.RESHAPE: 1}
_INT8_VERSION = 2
"""Of every other operator: where int8 came in."""


@dataclass(frozen=True)
class Operator:
    """kind: schema's number. options: an object of schema's class options_name + "T". integers: one more operand."""

    kind: int
    options_name: str = ""
    options: Any = None
    integers: NDArray[np.int32] | None = None

    def version(self, quantised: bool) -> int:
        """The oldest version that takes these tensors."""
        return _INT8_VERSIONS.get(self.kind, _INT8_VERSION) if quantised else 1


def operator_of(node: Node, shapes: Mapping[str, Shape]) -> Operator:
    """The operator of a node; shapes: of every tensor of its graph."""
    match node:
        case Conv():
            return _with_options(_Code.CONV_2D, "Conv2DOptions", **_window(node), **_activation(node))
        case DepthwiseConv():
            multiplier = shapes[node.output][3] // shapes[node.input][3]
            options = {**_window(node), **_activation(node), "depthMultiplier": multiplier}
            return _with_options(_Code.DEPTHWISE_CONV_2D, "DepthwiseConv2DOptions", **options)
        case Pool():
            height, width = node.size
            options = {**_window(node), "filterHeight": height, "filterWidth": width}
            return _with_options(_POOL[node.kind], "Pool2DOptions", **options)
        case Binary():
            kind, name = _BINARY[node.kind]
            return _with_options(kind, name, **({} if node.kind == "maximum" else _activation(node)))
        case Unary():
            return Operator(_UNARY[node.kind])
        case Prelu():
            return Operator(_Code.PRELU)
        case Leaky():
            leaky = schema.LeakyReluOptionsT()
            leaky.alpha = node.slope
            return Operator(_Code.LEAKY_RELU, "LeakyReluOptions", leaky)
        case Mean():
            kept = _with_options(_Code.MEAN, "ReducerOptions", keepDims=True)
            return replace(kept, integers=np.array([1, 2], np.int32))
        case Pad():
            sides = [[0, 0], [node.top, node.bottom], [node.left, node.right], [0, 0]]
            return Operator(_Code.PAD, "PadOptions", schema.PadOptionsT(), np.array(sides, np.int32))
        case Upsample():
            size = np.array(shapes[node.output][1:3], np.int32)
            resize = schema.ResizeNearestNeighborOptionsT()
            return Operator(_Code.RESIZE_NEAREST_NEIGHBOR, "ResizeNearestNeighborOptions", resize, size)
        case Reshape():
            reshape = schema.ReshapeOptionsT()
            reshape.newShape = list(node.shape)
            return Operator(_Code.RESHAPE, "ReshapeOptions", reshape, np.array(node.shape, np.int32))


def _with_options(kind: int, name: str, **fields: int) -> Operator:
    options = getattr(schema, f"{name}T")()
    for field, value in fields.items():
        setattr(options, field, value)
    return Operator(kind, name, options)


def _window(node: Conv | DepthwiseConv | Pool) -> dict[str, int]:
    rows, columns = strides_of(node)
    return {"padding": _PADDINGS[node.padding], "strideW": columns, "strideH": rows}


def _activation(node: Conv | DepthwiseConv | Binary) -> dict[str, int]:
    return {"fusedActivationFunction": _ACTIVATIONS[node.activation]}
