"""A graph and its tensors as the bytes of a TFLite file; the same ones for the same graph."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

from models.build.graph import Graph, Node, operands_of
from models.build.shapes import shapes_of
from models.build.tensors import Kind, Tensor
from models.build.tflite_operators import operator_of

_ALIGNMENT_BYTES = 16
"""schema.fbs: force_align of a buffer's data, which the Python classes do not keep by themselves."""

_TYPES: dict[Kind, int] = {
    "float32": schema.TensorType.FLOAT32,
    "int8": schema.TensorType.INT8,
    "int32": schema.TensorType.INT32,
}


def write_tflite(graph: Graph, tensors: Mapping[str, Tensor]) -> bytes:
    """The file. tensors: one for each name of the graph, as `float_tensors` or `quantise` gives them.

    Raises: GraphInvalid.
    """
    return _File(graph, tensors).content()


class _AlignedBuffer(schema.BufferT):
    """A buffer whose bytes begin at a multiple of 16 in the file."""

    def Pack(self, builder: Any) -> int:
        content = self.data
        builder.StartVector(1, len(content), _ALIGNMENT_BYTES)
        builder.head = builder.Head() - len(content)
        builder.Bytes[builder.Head() : builder.Head() + len(content)] = content
        data = builder.EndVector()
        schema.BufferStart(builder)
        schema.BufferAddData(builder, data)
        return int(schema.BufferEnd(builder))


class _File:
    """A model being written: its tensors in the order in which they are first named."""

    def __init__(self, graph: Graph, tensors: Mapping[str, Tensor]) -> None:
        self._graph = graph
        self._shapes = shapes_of(graph)
        self._given = tensors
        self._indices: dict[str, int] = {}
        self._codes: dict[tuple[int, int], int] = {}
        self._buffers = [schema.BufferT()]  # the format keeps the first one empty
        self._tensors: list[Any] = []

    def content(self) -> bytes:
        subgraph = schema.SubGraphT()
        subgraph.name = self._graph.name.encode()
        subgraph.inputs = [self._index(self._graph.input)]
        subgraph.operators = [self._operator(node) for node in self._graph.nodes]
        subgraph.outputs = [self._index(name) for name in self._graph.outputs]
        subgraph.tensors = self._tensors
        model = schema.ModelT()
        model.version = 3
        model.description = f"lfr-edge: {self._graph.name}".encode()
        model.subgraphs, model.buffers = [subgraph], self._buffers
        model.operatorCodes = [_code(kind, version) for kind, version in self._codes]
        builder = flatbuffers.Builder(1 << 16)
        builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
        return bytes(builder.Output())

    def _operator(self, node: Node) -> Any:
        written = operator_of(node, self._shapes)
        operator = schema.OperatorT()
        operator.inputs = [self._index(name) for name in operands_of(node)]
        if written.integers is not None:
            integers = Tensor(written.integers.shape, "int32", data=written.integers)
            operator.inputs.append(self._add(f"{node.output}/integers", integers))
        operator.outputs = [self._index(node.output)]
        quantised = self._given[node.output].kind == "int8"
        code = (written.kind, written.version(quantised))
        operator.opcodeIndex = self._codes.setdefault(code, len(self._codes))
        if written.options is not None:
            operator.builtinOptionsType = getattr(schema.BuiltinOptions, written.options_name)
            operator.builtinOptions = written.options
        return operator

    def _index(self, name: str) -> int:
        if name not in self._indices:
            self._indices[name] = self._add(name, self._given[name])
        return self._indices[name]

    def _add(self, name: str, given: Tensor) -> int:
        tensor = schema.TensorT()
        tensor.name, tensor.type, tensor.shape, tensor.buffer = name.encode(), _TYPES[given.kind], list(given.shape), 0
        if given.data is not None:
            buffer = _AlignedBuffer()
            buffer.data = np.ascontiguousarray(given.data, np.dtype(given.kind).newbyteorder("<")).tobytes()
            self._buffers.append(buffer)
            tensor.buffer = len(self._buffers) - 1
        if given.scales:
            tensor.quantization = schema.QuantizationParametersT()
            tensor.quantization.scale = np.array(given.scales, np.float32)
            tensor.quantization.zeroPoint = np.array(given.zero_points, np.int64)
            tensor.quantization.quantizedDimension = given.axis
        self._tensors.append(tensor)
        return len(self._tensors) - 1


def _code(kind: int, version: int) -> Any:
    code = schema.OperatorCodeT()
    code.builtinCode, code.version = kind, version
    code.deprecatedBuiltinCode = min(kind, 127)
    return code
