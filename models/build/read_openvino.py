"""OpenVINO IR, version 11 (.xml and .bin), to a graph: the few operations of a convolutional embedder.

Pass only bytes whose hash was checked; what is refused here is what the builder does not know. Operations:
https://docs.openvino.ai, "Operation sets".
"""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.errors import GraphInvalid
from models.build.assembly import Assembly, Sides
from models.build.graph import Binary, Graph, Mean, Prelu, Reshape, Shape, Unary

INPUT = "picture"
OUTPUT = "template"

_ELEMENTS: dict[str, np.dtype[Any]] = {
    "f16": np.dtype("<f2"),
    "f32": np.dtype("<f4"),
    "i32": np.dtype("<i4"),
    "i64": np.dtype("<i8"),
}


def read_openvino(name: str, xml: bytes, weights: bytes) -> Graph:
    """The network as an NHWC graph with one output (1, length). Raises: GraphInvalid, naming the layer."""
    if b"<!" in xml:
        raise GraphInvalid(f"{name}: the .xml holds a declaration (<!...), an IR has none")
    try:
        return _Reader(name, _layers(ElementTree.fromstring(xml)), weights).graph()
    except ElementTree.ParseError as error:
        raise GraphInvalid(f"{name}: the .xml is no XML: {error}") from None
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        if isinstance(error, GraphInvalid):
            raise
        raise GraphInvalid(f"{name}: the .xml is no IR that we know: {type(error).__name__}: {error}") from None


@dataclass(frozen=True)
class _Layer:
    """One layer: its attributes, the layers it reads by port, and its output's shape (empty for a Result)."""

    id: str
    name: str
    type: str
    data: dict[str, str]
    shape: Shape
    sources: tuple[str, ...]


def _layers(root: ElementTree.Element) -> tuple[_Layer, ...]:
    sources: dict[str, list[tuple[int, str]]] = {}
    for edge in root.iterfind("./edges/edge"):
        sources.setdefault(edge.attrib["to-layer"], []).append((int(edge.attrib["to-port"]), edge.attrib["from-layer"]))
    layers = []
    for layer in root.iterfind("./layers/layer"):
        data, ports = layer.find("data"), layer.findall("./output/port")
        shape = tuple(int(dim.text or "") for dim in ports[0].iterfind("dim")) if ports else ()
        id_ = layer.attrib["id"]
        from_ = tuple(source for _, source in sorted(sources.get(id_, [])))
        attributes = {} if data is None else dict(data.attrib)
        layers.append(_Layer(id_, layer.attrib["name"], layer.attrib["type"], attributes, shape, from_))
    return tuple(layers)


class _Reader:
    """Walks the layers, which an IR lists after those they read."""

    def __init__(self, name: str, layers: tuple[_Layer, ...], weights: bytes) -> None:
        self._name = name
        self._layers = layers
        self._weights = weights
        self._constants: dict[str, NDArray[np.generic]] = {}
        self._names: dict[str, str] = {}
        self._biases = self._find_biases()

    def graph(self) -> Graph:
        parameters = [layer for layer in self._layers if layer.type == "Parameter"]
        results = [layer for layer in self._layers if layer.type == "Result"]
        if len(parameters) != 1 or len(results) != 1 or len(parameters[0].shape) != 4:
            raise GraphInvalid(f"{self._name}: need one picture as input and one output")
        _, channels, height, width = parameters[0].shape
        assembly = Assembly(self._name, INPUT, (1, height, width, channels))
        self._names[parameters[0].id] = INPUT
        for layer in self._layers:
            if layer.type not in ("Parameter", "Result"):
                self._read(layer, assembly)
        (last,) = results[0].sources
        size = int(np.prod(self._layer(last).shape))
        return assembly.graph((assembly.add(Reshape(OUTPUT, self._names[last], (1, size))),))

    def _read(self, layer: _Layer, assembly: Assembly) -> None:
        if layer.type == "Const":
            self._constants[layer.id] = self._constant(layer)
        elif layer.type == "Convert" and layer.sources[0] in self._constants:
            self._constants[layer.id] = self._constants[layer.sources[0]].astype(np.float32)
        elif layer.id in self._biases:
            self._names[layer.id] = self._names[self._biases[layer.id]]
        else:
            self._names[layer.id] = self._node(layer, assembly)

    def _node(self, layer: _Layer, assembly: Assembly) -> str:
        output = f"{layer.type}-{layer.id}"
        source = self._names[layer.sources[0]]
        match layer.type:
            case "Convolution" | "GroupConvolution":
                return self._convolution(layer, source, assembly)
            case "PReLU":
                slopes = np.broadcast_to(self._constants[layer.sources[1]].reshape(1, 1, -1), (1, 1, layer.shape[1]))
                slopes_name = assembly.constant(f"{output}/slopes", slopes)
                return assembly.add(Prelu(output, source, slopes_name))
            case "Sigmoid":
                return assembly.add(Unary(output, source, "logistic"))
            case "Add" | "Multiply":
                right = self._operand(layer.sources[1], f"{output}/operand", assembly)
                return assembly.add(Binary(output, source, right, "add" if layer.type == "Add" else "mul"))
            case "AvgPool":
                height, width = _numbers(layer, "kernel")
                whole = self._layer(layer.sources[0]).shape[2:] == (height, width)
                self._need(layer, whole and not any(_sides(layer)), "the mean of a whole picture")
                return assembly.add(Mean(output, source))
            case _:
                raise GraphInvalid(
                    f"{self._name}: layer {layer.name} is a {layer.type}, which the builder does not know"
                )

    def _convolution(self, layer: _Layer, source: str, assembly: Assembly) -> str:
        weights, groups = self._constants[layer.sources[1]], 1
        if layer.type == "GroupConvolution":
            groups = weights.shape[0]
            weights = weights.reshape(weights.shape[0] * weights.shape[1], *weights.shape[2:])
        stride, *other = _numbers(layer, "strides")
        plain = other == [stride] and set(_numbers(layer, "dilations")) == {1}
        self._need(layer, plain and layer.data.get("auto_pad", "explicit") == "explicit", "one stride, no dilation")
        bias = np.zeros(len(weights), np.float32)
        for added, convolution in self._biases.items():
            if convolution == layer.id:
                bias = self._bias_of(self._layer(added)).reshape(-1).astype(np.float32)
        return assembly.convolve(f"{layer.type}-{layer.id}", source, weights, bias, groups, stride, _sides(layer))

    def _find_biases(self) -> dict[str, str]:
        """Additions of a constant to a convolution that nothing else reads: their layer to the convolution's."""
        readers: dict[str, int] = {}
        for layer in self._layers:
            for source in layer.sources:
                readers[source] = readers.get(source, 0) + 1
        types = {layer.id: layer.type for layer in self._layers}
        return {
            layer.id: layer.sources[0]
            for layer in self._layers
            if layer.type == "Add"
            and types[layer.sources[0]] in ("Convolution", "GroupConvolution")
            and types[layer.sources[1]] in ("Const", "Convert")
            and readers[layer.sources[0]] == 1
        }

    def _bias_of(self, layer: _Layer) -> NDArray[np.generic]:
        source = self._layer(layer.sources[1])
        return self._constant(self._layer(source.sources[0]) if source.type == "Convert" else source)

    def _operand(self, source: str, name: str, assembly: Assembly) -> str:
        if source not in self._constants:
            return self._names[source]
        values = self._constants[source]
        if values.ndim != 4:
            raise GraphInvalid(f"{self._name}: {name} has shape {values.shape}, need four dimensions")
        return assembly.constant(name, values.transpose(0, 2, 3, 1)[0])

    def _constant(self, layer: _Layer) -> NDArray[np.generic]:
        start, size = int(layer.data["offset"]), int(layer.data["size"])
        shape = tuple(int(side) for side in layer.data["shape"].split(",")) if layer.data["shape"] else ()
        element = _ELEMENTS[layer.data["element_type"]]
        count = int(np.prod(shape, dtype=np.int64))
        whole = start >= 0 and min(shape, default=1) > 0 and size == count * element.itemsize
        self._need(layer, whole and start + size <= len(self._weights), f"{size} bytes of the .bin at {start}")
        return np.frombuffer(self._weights, element, count, start).reshape(shape)

    def _layer(self, id_: str) -> _Layer:
        return next(layer for layer in self._layers if layer.id == id_)

    def _need(self, layer: _Layer, fits: bool, needed: str) -> None:
        if not fits:
            raise GraphInvalid(f"{self._name}: layer {layer.name} ({layer.type} {layer.data}): need {needed}")


def _numbers(layer: _Layer, key: str) -> list[int]:
    return [int(number) for number in layer.data[key].split(",")]


def _sides(layer: _Layer) -> Sides:
    (top, left), (bottom, right) = _numbers(layer, "pads_begin"), _numbers(layer, "pads_end")
    return top, left, bottom, right
