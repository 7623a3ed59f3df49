"""Our own int8 networks use nothing that the Edge TPU's compiler would leave to the processor.

No Edge TPU and no compiler was there: what the compiler says of these files is not known. This holds what its makers
publish: "TensorFlow models on the Edge TPU" (Coral, models-intro), table of supported operations, and the rules
above it: 8-bit numbers throughout, sizes fixed, constants known, and no more than three dimensions that are not 1.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from ai_edge_litert import schema_py_generated as schema

from edge.trust.packs import read_manifest

BRINGUP = Path(__file__).resolve().parents[2] / "models" / "packs" / "bringup"

SUPPORTED = {
    "ADD", "AVERAGE_POOL_2D", "CONCATENATION", "CONV_2D", "DEPTHWISE_CONV_2D", "EXPAND_DIMS", "FULLY_CONNECTED",
    "L2_NORMALIZATION", "LOGISTIC", "LSTM", "MAXIMUM", "MAX_POOL_2D", "MEAN", "MINIMUM", "MUL", "PACK", "PAD", "PRELU",
    "QUANTIZE", "REDUCE_MAX", "REDUCE_MIN", "RELU", "RELU6", "RELU_N1_TO_1", "RESHAPE", "RESIZE_BILINEAR",
    "RESIZE_NEAREST_NEIGHBOR", "RSQRT", "SLICE", "SOFTMAX", "SPACE_TO_DEPTH", "SPLIT", "SQUEEZE", "SQUARED_DIFFERENCE",
    "STRIDED_SLICE", "SUB", "SUM", "TANH", "TRANSPOSE", "TRANSPOSE_CONV",
}  # fmt: skip

RELU_FAMILY = {
    schema.ActivationFunctionType.NONE,
    schema.ActivationFunctionType.RELU,
    schema.ActivationFunctionType.RELU6,
}

NAMES = {value: name for name, value in vars(schema.BuiltinOperator).items() if isinstance(value, int)}

FILES = sorted(BRINGUP / file.name for file in read_manifest(BRINGUP)[0].files())


def model_of(path: Path) -> schema.ModelT:
    return schema.ModelT.InitFromObj(schema.Model.GetRootAs(path.read_bytes()))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_operator_is_one_the_edge_tpu_supports(path: Path) -> None:
    model = model_of(path)
    used = {NAMES[max(code.builtinCode, code.deprecatedBuiltinCode)] for code in model.operatorCodes}
    assert used <= SUPPORTED


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_number_is_8_bits_and_every_size_is_fixed(path: Path) -> None:
    model = model_of(path)
    (graph,) = model.subgraphs
    biases = {operator.inputs[2] for operator in graph.operators if len(operator.inputs) == 3}
    for number, tensor in enumerate(graph.tensors):
        wanted = {schema.TensorType.INT8} if number not in biases else {schema.TensorType.INT32}
        if tensor.quantization is None or tensor.quantization.scale is None:
            wanted = {schema.TensorType.INT32}  # shapes and sizes, which no network computes with
        assert tensor.type in wanted, tensor.name
        assert tensor.shapeSignature is None or all(side > 0 for side in tensor.shapeSignature)
        constant = model.buffers[tensor.buffer].data is not None
        if tensor.type == schema.TensorType.INT8 and not constant:
            assert sum(side > 1 for side in tensor.shape) <= 3, tensor.name


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_activations_are_of_the_relu_family(path: Path) -> None:
    (graph,) = model_of(path).subgraphs
    for operator in graph.operators:
        options = operator.builtinOptions
        assert getattr(options, "fusedActivationFunction", 0) in RELU_FAMILY


def test_the_pack_is_small() -> None:
    assert sum(path.stat().st_size for path in FILES) <= 3_000_000
