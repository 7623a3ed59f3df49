"""ONNX to a graph: the few operators of a convolutional detector, for any size of picture.

Pass only bytes whose hash was checked; what is refused here is what the builder does not know. Operators:
https://onnx.ai/onnx/operators. Pictures are channels-first there: a Transpose to channels-last is where we already are.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from google.protobuf.message import DecodeError
from numpy.typing import NDArray

from edge.errors import GraphInvalid
from models.build.assembly import Assembly
from models.build.graph import Binary, Graph, Pool, Reshape, Unary, Upsample
from models.build.onnx_format import model_class
from models.build.shapes import shapes_of

INPUT = "picture"
_FLOAT, _INT64 = 1, 7
_TYPES: dict[int, np.dtype[Any]] = {_FLOAT: np.dtype("<f4"), _INT64: np.dtype("<i8")}
_TO_CHANNELS_LAST = [0, 2, 3, 1]


def read_onnx(name: str, content: bytes, width_px: int, height_px: int) -> Graph:
    """The network for pictures of one size, three channels. Raises: GraphInvalid, naming the operator."""
    try:
        return _Reader(name, model_class().FromString(content).graph, width_px, height_px).graph()
    except DecodeError as error:
        raise GraphInvalid(f"{name}: no ONNX: {error}") from None
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        if isinstance(error, GraphInvalid):
            raise
        raise GraphInvalid(f"{name}: no ONNX that we know: {type(error).__name__}: {error}") from None


class _Reader:
    """Walks the nodes, which ONNX lists after those they read."""

    def __init__(self, name: str, content: Any, width_px: int, height_px: int) -> None:
        self._name = name
        self._content = content
        self._constants = {tensor.name: _array(tensor) for tensor in content.initializer}
        inputs = [value.name for value in content.input if value.name not in self._constants]
        if len(inputs) != 1:
            raise GraphInvalid(f"{name}: {len(inputs)} inputs, need one picture")
        self._assembly = Assembly(name, INPUT, (1, height_px, width_px, 3))
        self._names = {inputs[0]: INPUT}
        self._channels_last: set[str] = set()

    def graph(self) -> Graph:
        for node in self._content.node:
            (output,) = node.output
            attributes = {attribute.name: attribute for attribute in node.attribute}
            computed = self._integers(node, attributes)
            if computed is not None:
                self._constants[output] = computed
            else:
                self._names[output] = self._node(node, output, attributes)
        return self._assembly.graph(tuple(self._names[value.name] for value in self._content.output))

    def _node(self, node: Any, output: str, attributes: dict[str, Any]) -> str:
        source = self._names[node.input[0]]
        match node.op_type:
            case "Conv":
                return self._convolution(node, output, source, attributes)
            case "Relu":
                return self._assembly.add(Unary(output, source, "relu"))
            case "Sigmoid":
                return self._assembly.add(Unary(output, source, "logistic"))
            case "Add":
                return self._assembly.add(Binary(output, source, self._names[node.input[1]], "add"))
            case "MaxPool":
                size, strides = list(attributes["kernel_shape"].ints), list(attributes["strides"].ints)
                plain = size == strides and size[0] == size[1] and not any(_ints(attributes, "pads"))
                self._need(output, plain and not _int(attributes, "ceil_mode"), "a pool of stride and size alike")
                return self._assembly.add(Pool(output, source, "max", (size[0], size[1]), stride=size[0]))
            case "Resize":
                return self._upsample(node, output, source, attributes)
            case "Transpose":
                self._need(output, list(attributes["perm"].ints) == _TO_CHANNELS_LAST, "channels brought to the end")
                self._channels_last.add(output)
                return source
            case "Reshape":
                self._need(output, node.input[0] in self._channels_last, "a Transpose before it")
                return self._assembly.add(Reshape(output, source, self._reshaped(source, node.input[1])))
            case _:
                raise GraphInvalid(f"{self._name}: {output} is a {node.op_type}, which the builder does not know")

    def _integers(self, node: Any, attributes: dict[str, Any]) -> NDArray[np.generic] | None:
        """What a node computes where it reckons with shapes alone."""
        match node.op_type:
            case "Shape":
                rows_last = self._shape(self._names[node.input[0]])
                return np.array([rows_last[0], rows_last[3], rows_last[1], rows_last[2]], np.int64)
            case "Gather" | "Unsqueeze" | "Concat" if all(name in self._constants for name in node.input):
                values = [self._constants[name] for name in node.input]
                if node.op_type == "Gather":
                    return np.asarray(values[0][values[1]])
                if node.op_type == "Unsqueeze":
                    return np.asarray(values[0]).reshape(1)
                return np.concatenate(values)
        return None

    def _convolution(self, node: Any, output: str, source: str, attributes: dict[str, Any]) -> str:
        weights = self._constants[node.input[1]]
        bias = self._constants[node.input[2]] if len(node.input) > 2 else np.zeros(len(weights), np.float32)
        stride, *other = list(attributes["strides"].ints)
        plain = other == [stride] and set(_ints(attributes, "dilations")) <= {1} and "auto_pad" not in attributes
        self._need(output, plain and weights.ndim == 4, "one stride, no dilation, explicit pads")
        top, left, bottom, right = _ints(attributes, "pads") or [0, 0, 0, 0]
        groups = _int(attributes, "group") or 1
        return self._assembly.convolve(output, source, weights, bias, groups, stride, (top, left, bottom, right))

    def _upsample(self, node: Any, output: str, source: str, attributes: dict[str, Any]) -> str:
        modes = {key: attributes[key].s for key in ("mode", "coordinate_transformation_mode", "nearest_mode")}
        nearest = set(modes.values()) == {b"nearest", b"asymmetric", b"floor"}
        twice = list(self._constants[node.input[2]]) == [1, 1, 2, 2]
        self._need(output, nearest and twice, "nearest neighbour, asymmetric, floor, twice the size")
        return self._assembly.add(Upsample(output, source))

    def _reshaped(self, source: str, target: str) -> tuple[int, ...]:
        size = int(np.prod(self._shape(source)))
        wanted = [int(side) for side in self._constants[target]]
        known = int(np.prod([side for side in wanted if side != -1]))
        return tuple(size // known if side == -1 else side for side in wanted)

    def _shape(self, name: str) -> tuple[int, ...]:
        return shapes_of(self._assembly.graph((name,)))[name]

    def _need(self, output: str, fits: bool, needed: str) -> None:
        if not fits:
            raise GraphInvalid(f"{self._name}: {output}: need {needed}")


def _array(tensor: Any) -> NDArray[np.generic]:
    kind = _TYPES[tensor.data_type]
    if tensor.raw_data:
        return np.frombuffer(tensor.raw_data, kind).reshape(tuple(tensor.dims))
    return np.array(tensor.float_data if tensor.data_type == _FLOAT else tensor.int64_data, kind).reshape(
        tuple(tensor.dims)
    )


def _ints(attributes: dict[str, Any], key: str) -> list[int]:
    return list(attributes[key].ints) if key in attributes else []


def _int(attributes: dict[str, Any], key: str) -> int:
    return int(attributes[key].i) if key in attributes else 0
