"""Small networks in the formats of others, written here: an ONNX detector and an OpenVINO IR embedder."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.build.onnx_format import model_class

FLOAT, INT64 = 1, 7


class MadeOnnx:
    """An ONNX file being put together; nodes read whatever names they are given."""

    def __init__(self) -> None:
        self.model = model_class()()
        self.model.graph.input.add(name="input")

    def constant(self, name: str, values: NDArray[np.generic]) -> str:
        kind = INT64 if values.dtype == np.int64 else FLOAT
        stored = values if kind == INT64 else values.astype("<f4")
        raw = np.ascontiguousarray(stored).tobytes()
        self.model.graph.initializer.add(name=name, dims=list(values.shape), data_type=kind, raw_data=raw)
        return name

    def node(self, op_type: str, inputs: list[str], output: str, **attributes: Any) -> str:
        node = self.model.graph.node.add(op_type=op_type, input=inputs, output=[output])
        for name, value in attributes.items():
            attribute = node.attribute.add(name=name)
            if isinstance(value, bytes):
                attribute.s = value
            elif isinstance(value, list):
                attribute.ints.extend(value)
            else:
                attribute.i = value
        return output

    def conv(self, source: str, output: str, weights: NDArray[np.generic], stride: int = 1, group: int = 1) -> str:
        side = weights.shape[2] // 2
        names = [self.constant(f"{output}.w", weights), self.constant(f"{output}.b", np.linspace(-1, 1, len(weights)))]
        return self.node(
            "Conv", [source, *names], output,
            strides=[stride, stride], pads=[side] * 4, dilations=[1, 1], group=group, kernel_shape=[2 * side + 1] * 2,
        )  # fmt: skip

    def bytes_with(self, *outputs: str) -> bytes:
        for name in outputs:
            self.model.graph.output.add(name=name)
        return bytes(self.model.SerializeToString())


def small_onnx(seed: int) -> bytes:
    """Stride 2, depthwise, pool, upsampling and two heads, as YuNet has them."""
    random = np.random.default_rng(seed)
    made = MadeOnnx()
    made.conv("input", "c1", random.normal(0, 0.02, (8, 3, 3, 3)), stride=2)
    made.node("Relu", ["c1"], "r1")
    made.conv("r1", "c2", random.normal(0, 0.4, (8, 8, 1, 1)))
    made.conv("c2", "c3", random.normal(0, 0.4, (8, 1, 3, 3)), group=8)
    made.node("Relu", ["c3"], "r3")
    made.node("MaxPool", ["r3"], "p", kernel_shape=[2, 2], strides=[2, 2], pads=[0, 0, 0, 0], ceil_mode=0)
    nearest = {"coordinate_transformation_mode": b"asymmetric", "mode": b"nearest", "nearest_mode": b"floor"}
    scales = [made.constant("roi", np.zeros(0)), made.constant("scales", np.array([1.0, 1.0, 2.0, 2.0]))]
    made.node("Resize", ["p", *scales], "u", **nearest)
    made.node("Add", ["r3", "u"], "a")
    for head, width in (("score", 1), ("box", 4)):
        made.conv("a", f"{head}.c", random.normal(0, 0.3, (width, 8, 1, 1)))
        made.node("Transpose", [f"{head}.c"], f"{head}.t", perm=[0, 2, 3, 1])
        made.node("Shape", [f"{head}.c"], f"{head}.s")
        made.node("Gather", [f"{head}.s", made.constant(f"{head}.0", np.array(0))], f"{head}.g", axis=0)
        made.node("Unsqueeze", [f"{head}.g"], f"{head}.n", axes=[0])
        rest = made.constant(f"{head}.rest", np.array([-1, width]))
        made.node("Concat", [f"{head}.n", rest], f"{head}.d", axis=0)
        made.node("Reshape", [f"{head}.t", f"{head}.d"], "box" if head == "box" else "score.r")
    made.node("Sigmoid", ["score.r"], "score")
    return made.bytes_with("score", "box")


class MadeIr:
    """An IR being put together: layers in order, constants into one run of bytes."""

    def __init__(self) -> None:
        self.weights = b""
        self._layers: list[str] = []
        self._edges: list[str] = []

    def layer(self, type_: str, sides: tuple[int, ...], sources: tuple[int, ...] = (), **data: str) -> int:
        number = len(self._layers)
        attributes = " ".join(f'{key}="{value}"' for key, value in data.items())
        ports = "".join(f"<dim>{side}</dim>" for side in sides)
        output = "" if type_ == "Result" else f'<output><port id="9">{ports}</port></output>'
        self._layers.append(
            f'<layer id="{number}" name="n{number}" type="{type_}"><data {attributes}/>{output}</layer>'
        )
        for port, source in enumerate(sources):
            self._edges.append(f'<edge from-layer="{source}" from-port="9" to-layer="{number}" to-port="{port}"/>')
        return number

    def constant(self, values: NDArray[np.generic]) -> int:
        raw = values.astype("<f2").tobytes()
        shape = ", ".join(map(str, values.shape))
        place = {"offset": str(len(self.weights)), "size": str(len(raw)), "shape": shape}
        self.weights += raw
        stored = self.layer("Const", values.shape, element_type="f16", **place)
        return self.layer("Convert", values.shape, (stored,), destination_type="f32")

    def conv(self, source: int, weights: NDArray[np.generic], shape: tuple[int, ...], stride: int = 1) -> int:
        side = str(weights.shape[-1] // 2)
        window = {"strides": f"{stride}, {stride}", "dilations": "1, 1", "auto_pad": "explicit"}
        pads = {"pads_begin": f"{side}, {side}", "pads_end": f"{side}, {side}"}
        kind = "GroupConvolution" if weights.ndim == 5 else "Convolution"
        made = self.layer(kind, shape, (source, self.constant(weights)), **window, **pads)
        bias = np.linspace(-1, 1, shape[1]).reshape(1, -1, 1, 1)
        return self.layer("Add", shape, (made, self.constant(bias)))

    def xml(self) -> bytes:
        layers, edges = "".join(self._layers), "".join(self._edges)
        text = (
            f'<?xml version="1.0"?><net name="made" version="11"><layers>{layers}</layers><edges>{edges}</edges></net>'
        )
        return text.encode()


def small_ir(seed: int) -> tuple[bytes, bytes]:
    """Normalisation, stride 2, depthwise, PReLU, a gate, a sum: as Intel's embedder has them. (xml, bin)."""
    random = np.random.default_rng(seed)
    made = MadeIr()
    picture = made.layer("Parameter", (1, 3, 16, 16), element_type="f32")
    whole, half, flat = (1, 3, 16, 16), (1, 8, 8, 8), (1, 8, 1, 1)
    scaled = made.layer("Multiply", whole, (picture, made.constant(np.full((1, 3, 1, 1), 0.02))))
    shifted = made.layer("Add", whole, (scaled, made.constant(np.array([-0.9, -1.4, -1.5]).reshape(1, 3, 1, 1))))
    first = made.conv(shifted, random.normal(0, 0.3, (8, 3, 3, 3)), half, stride=2)
    bent = made.layer("PReLU", half, (first, made.constant(np.array([-1.5]))))
    deep = made.conv(bent, random.normal(0, 0.3, (8, 1, 1, 3, 3)), half)
    mean = made.layer(
        "AvgPool",
        flat,
        (deep,),
        kernel="8, 8",
        strides="8, 8",
        pads_begin="0, 0",
        pads_end="0, 0",
        rounding_type="floor",
    )
    gate = made.layer("Sigmoid", flat, (made.conv(mean, random.normal(0, 0.3, (8, 8, 1, 1)), flat),))
    gated = made.layer("Multiply", half, (deep, gate))
    summed = made.layer("Add", half, (gated, bent))
    last = made.conv(summed, random.normal(0, 0.3, (4, 8, 1, 1)), (1, 4, 8, 8))
    end = made.layer(
        "AvgPool", (1, 4, 1, 1), (last,), kernel="8, 8", strides="8, 8", pads_begin="0, 0", pads_end="0, 0",
        rounding_type="floor",
    )  # fmt: skip
    made.layer("Result", (1, 4, 1, 1), (end,))
    return made.xml(), made.weights
