"""The part of ONNX's protobuf that a small network needs, as message classes made from its field numbers.

Numbers and types: onnx.proto3 of ONNX (IR version 6 and after). Unknown fields are skipped, as protobuf does.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

_PACKAGE = "lfr.onnx"
_Field = descriptor_pb2.FieldDescriptorProto

_MESSAGES: dict[str, tuple[tuple[int, str, str, bool], ...]] = {
    "Tensor": (
        (1, "dims", "int64", True),
        (2, "data_type", "int32", False),
        (4, "float_data", "float", True),
        (7, "int64_data", "int64", True),
        (8, "name", "string", False),
        (9, "raw_data", "bytes", False),
    ),
    "Attribute": (
        (1, "name", "string", False),
        (2, "f", "float", False),
        (3, "i", "int64", False),
        (4, "s", "bytes", False),
        (5, "t", "Tensor", False),
        (8, "ints", "int64", True),
    ),
    "Node": (
        (1, "input", "string", True),
        (2, "output", "string", True),
        (4, "op_type", "string", False),
        (5, "attribute", "Attribute", True),
    ),
    "Value": ((1, "name", "string", False),),
    "Graph": (
        (1, "node", "Node", True),
        (5, "initializer", "Tensor", True),
        (11, "input", "Value", True),
        (12, "output", "Value", True),
    ),
    "Model": ((7, "graph", "Graph", False),),
}
"""Message to fields: number, name, scalar type or message, repeated."""


@cache
def model_class() -> Any:
    """The class of a whole file; its `FromString` raises google.protobuf.message.DecodeError."""
    file = descriptor_pb2.FileDescriptorProto(name="lfr/onnx.proto", package=_PACKAGE, syntax="proto3")
    for message, fields in _MESSAGES.items():
        described = file.message_type.add(name=message)
        for number, name, kind, repeated in fields:
            field = described.field.add(name=name, number=number)
            field.label = _Field.LABEL_REPEATED if repeated else _Field.LABEL_OPTIONAL
            if kind in _MESSAGES:
                field.type, field.type_name = _Field.TYPE_MESSAGE, f".{_PACKAGE}.{kind}"
            else:
                field.type = getattr(_Field, f"TYPE_{kind.upper()}")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.Model"))
