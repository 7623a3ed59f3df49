"""A graph being put together from a foreign file: channels-first weights turned, explicit padding brought to ours."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge.errors import GraphInvalid
from models.build.graph import Conv, DepthwiseConv, Graph, Node, Pad, Padding, Shape
from models.build.shapes import shapes_of

Sides = tuple[int, int, int, int]
"""Rows and columns of padding: top, left, bottom, right."""


class Assembly:
    """Nodes and constants, in the order they come."""

    def __init__(self, name: str, input_name: str, input_shape: Shape) -> None:
        self.name = name
        self._input, self._input_shape = input_name, input_shape
        self._nodes: list[Node] = []
        self._constants: dict[str, NDArray[np.float32]] = {}

    def add(self, node: Node) -> str:
        """Take a node; the name of its output."""
        self._nodes.append(node)
        return node.output

    def constant(self, name: str, values: NDArray[np.generic]) -> str:
        """Take a constant; its name. Raises: GraphInvalid for a number that is none."""
        if not np.isfinite(values).all():
            raise GraphInvalid(f"{self.name}: constant {name} holds a number that is not finite")
        self._constants[name] = np.ascontiguousarray(values, np.float32)
        return name

    def convolve(
        self,
        output: str,
        source: str,
        weights: NDArray[np.generic],
        bias: NDArray[np.generic],
        groups: int,
        stride: int,
        sides: Sides,
    ) -> str:
        """A convolution with weights (filters, channels / groups, rows, columns), groups 1 or as many as filters.

        Raises: GraphInvalid for any other grouping.
        """
        if groups != 1 and (weights.shape[1] != 1 or groups != weights.shape[0]):
            raise GraphInvalid(f"{self.name}: {output}: {groups} groups for weights {weights.shape}: need 1, or each")
        bias_name = self.constant(f"{output}/bias", bias)
        padding: Padding = "valid"
        rows, columns = weights.shape[2:]
        if any(sides):
            if stride == 1 and sides == ((rows - 1) // 2, (columns - 1) // 2, rows // 2, columns // 2):
                padding = "same"
            else:
                top, left, bottom, right = sides
                source = self.add(Pad(f"{output}/padded", source, top, bottom, left, right))
        if groups == 1:
            turned = self.constant(f"{output}/weights", weights.transpose(0, 2, 3, 1))
            return self.add(Conv(output, source, turned, bias_name, stride, padding))
        turned = self.constant(f"{output}/weights", weights.transpose(1, 2, 3, 0))
        return self.add(DepthwiseConv(output, source, turned, bias_name, stride, padding))

    def graph(self, outputs: tuple[str, ...]) -> Graph:
        """What was put together. Raises: GraphInvalid when it does not fit."""
        graph = Graph(self.name, self._input, self._input_shape, tuple(self._nodes), self._constants, outputs)
        shapes_of(graph)
        return graph
