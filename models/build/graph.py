"""A small convolutional network as a frozen record: nodes in order, and the constants that they name.

Pictures are NHWC, batch of one. Weights lie as TFLite wants them: a convolution's (filters, rows, columns,
channels), a depthwise one's (1, rows, columns, channels times multiplier). Padding is TFLite's: "same" puts the odd
row below and the odd column on the right; any other padding is a Pad node of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Shape = tuple[int, ...]
Padding = Literal["same", "valid"]
Activation = Literal["none", "relu", "relu6"]


@dataclass(frozen=True)
class Conv:
    """A convolution, its bias, and the activation fused into it. column_stride: 0 where it is as `stride`."""

    output: str
    input: str
    weights: str
    bias: str
    stride: int = 1
    padding: Padding = "same"
    activation: Activation = "none"
    column_stride: int = 0


@dataclass(frozen=True)
class DepthwiseConv:
    """A convolution of each channel by itself; filters / channels is its multiplier."""

    output: str
    input: str
    weights: str
    bias: str
    stride: int = 1
    padding: Padding = "same"
    activation: Activation = "none"


@dataclass(frozen=True)
class Prelu:
    """x where x > 0, slope * x elsewhere; one slope a channel, float32 (1, 1, channels)."""

    output: str
    input: str
    slopes: str


@dataclass(frozen=True)
class Leaky:
    """x where x > 0, slope * x elsewhere: a Prelu whose channels all have one slope."""

    output: str
    input: str
    slope: float


@dataclass(frozen=True)
class Unary:
    """A function of each number by itself."""

    output: str
    input: str
    kind: Literal["relu", "relu6", "logistic"]


@dataclass(frozen=True)
class Binary:
    """Two tensors, or a tensor and a constant as `right`, number by number; ones broadcast."""

    output: str
    left: str
    right: str
    kind: Literal["add", "sub", "mul", "maximum"]
    activation: Activation = "none"


@dataclass(frozen=True)
class Pool:
    """The highest or the mean of each window."""

    output: str
    input: str
    kind: Literal["max", "average"]
    size: tuple[int, int]
    stride: int = 1
    padding: Padding = "valid"


@dataclass(frozen=True)
class Mean:
    """The mean of each channel over the whole picture, (1, 1, 1, channels)."""

    output: str
    input: str


@dataclass(frozen=True)
class Pad:
    """Rows and columns of 0 around a picture."""

    output: str
    input: str
    top: int
    bottom: int
    left: int
    right: int


@dataclass(frozen=True)
class Upsample:
    """Each pixel twice in both directions (nearest neighbour)."""

    output: str
    input: str


@dataclass(frozen=True)
class Reshape:
    """The same numbers, in the same order, in another shape."""

    output: str
    input: str
    shape: Shape


Node = Conv | DepthwiseConv | Prelu | Leaky | Unary | Binary | Pool | Mean | Pad | Upsample | Reshape


@dataclass(frozen=True)
class Graph:
    """A network. input: the picture's name, (1, height, width, 3), 0..255 in BGR. outputs: in the order of the file."""

    name: str
    input: str
    input_shape: Shape
    nodes: tuple[Node, ...]
    constants: Mapping[str, NDArray[np.float32]]
    outputs: tuple[str, ...]

    def inputs_of(self, node: Node) -> tuple[str, ...]:
        """The tensors a node computes from, constants left out."""
        return tuple(name for name in operands_of(node) if name not in self.constants)

    def consumers(self) -> dict[str, tuple[Node, ...]]:
        """For each tensor, the nodes that read it; empty for one that is only an output."""
        found: dict[str, list[Node]] = {name: [] for name in (self.input, *(node.output for node in self.nodes))}
        for node in self.nodes:
            for name in dict.fromkeys(self.inputs_of(node)):
                found[name].append(node)
        return {name: tuple(nodes) for name, nodes in found.items()}


def strides_of(node: Conv | DepthwiseConv | Pool) -> tuple[int, int]:
    """Rows and columns from one window to the next."""
    return node.stride, (node.column_stride if isinstance(node, Conv) else 0) or node.stride


def operands_of(node: Node) -> tuple[str, ...]:
    """The tensors and constants a node reads, in the order of its TFLite operator."""
    match node:
        case Conv() | DepthwiseConv():
            return (node.input, node.weights, node.bias)
        case Prelu():
            return (node.input, node.slopes)
        case Binary():
            return (node.left, node.right)
        case _:
            return (node.input,)
