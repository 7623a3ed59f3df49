"""Writes the tiny .tflite files of the runtime contract, byte for byte the same each time.

Run from the repository's root: python -m tests.tiny.make_tiny_models. Operator versions are as old as they can
be, so that tflite-runtime 2.14 reads them.
"""

from __future__ import annotations

from pathlib import Path

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tests.tiny.network import (
    BIAS,
    CAMERA,
    INPUT_SHAPE,
    OUTPUT_SHAPE,
    SCALED,
    WEIGHT_SCALE,
    WEIGHTS,
    Quantisation,
)

FOLDER = Path(__file__).parent
_CONV_2D_VERSION = {"float32": 1, "int8": 3}


def tiny_models() -> dict[str, bytes]:
    """File name to content."""
    return {
        "conv_float32.tflite": _model("float32", None),
        "conv_int8.tflite": _model("int8", CAMERA),
        "conv_int8_scaled.tflite": _model("int8", SCALED),
        "custom_op.tflite": _custom_op_model(),
    }


def _model(precision: str, by: Quantisation | None) -> bytes:
    if by is None:
        kind = bias_kind = schema.TensorType.FLOAT32
        weights, bias = WEIGHTS, BIAS
        tensors = [
            _tensor("image", INPUT_SHAPE, kind, 0),
            _tensor("weights", WEIGHTS.shape, kind, 1),
            _tensor("bias", BIAS.shape, bias_kind, 2),
            _tensor("features", OUTPUT_SHAPE, kind, 0),
        ]
    else:
        kind, bias_kind = schema.TensorType.INT8, schema.TensorType.INT32
        bias_scale = by.input_scale * WEIGHT_SCALE
        weights = np.rint(WEIGHTS / WEIGHT_SCALE).astype(np.int8)
        bias = np.rint(BIAS / bias_scale).astype(np.int32)
        filters = len(BIAS)
        tensors = [
            _tensor("image", INPUT_SHAPE, kind, 0, [by.input_scale], [by.input_zero_point]),
            _tensor("weights", WEIGHTS.shape, kind, 1, [WEIGHT_SCALE] * filters, [0] * filters),
            _tensor("bias", BIAS.shape, bias_kind, 2, [bias_scale] * filters, [0] * filters),
            _tensor("features", OUTPUT_SHAPE, kind, 0, [by.output_scale], [by.output_zero_point]),
        ]
    options = schema.Conv2DOptionsT()
    options.padding = schema.Padding.SAME
    options.strideW = options.strideH = 2
    options.fusedActivationFunction = schema.ActivationFunctionType.RELU6
    operator = schema.OperatorT()
    operator.inputs, operator.outputs = [0, 1, 2], [3]
    operator.builtinOptionsType = schema.BuiltinOptions.Conv2DOptions
    operator.builtinOptions = options
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.CONV_2D
    code.version = _CONV_2D_VERSION[precision]
    return _pack(tensors, [3], operator, code, [b"", weights.tobytes(), bias.tobytes()])


def _custom_op_model() -> bytes:
    """A network compiled for an accelerator that is not there."""
    kind = schema.TensorType.INT8
    tensors = [
        _tensor("image", INPUT_SHAPE, kind, 0, [1.0], [-128]),
        _tensor("features", OUTPUT_SHAPE, kind, 0, [1.0], [0]),
    ]
    operator = schema.OperatorT()
    operator.inputs, operator.outputs = [0], [1]
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.CUSTOM
    code.customCode = b"accelerator-of-nobody"
    code.version = 1
    return _pack(tensors, [1], operator, code, [b""])


def _tensor(name, shape, kind, buffer, scales=None, zero_points=None):
    tensor = schema.TensorT()
    tensor.name, tensor.shape, tensor.type, tensor.buffer = name.encode(), list(shape), kind, buffer
    if scales is not None:
        tensor.quantization = schema.QuantizationParametersT()
        tensor.quantization.scale = scales
        tensor.quantization.zeroPoint = zero_points
    return tensor


def _pack(tensors, outputs, operator, code, contents) -> bytes:
    subgraph = schema.SubGraphT()
    subgraph.tensors, subgraph.operators = tensors, [operator]
    subgraph.inputs, subgraph.outputs = [0], outputs
    model = schema.ModelT()
    model.version = 3
    model.description = b"lfr-edge: tiny network for tests"
    model.operatorCodes, model.subgraphs = [code], [subgraph]
    model.buffers = []
    for content in contents:
        buffer = schema.BufferT()
        buffer.data = list(content) or None
        model.buffers.append(buffer)
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


if __name__ == "__main__":
    for name, content in tiny_models().items():
        (FOLDER / name).write_bytes(content)
        print(f"{name}: {len(content)} bytes")
