"""A trained network as a graph: normalisation folded into the convolutions, activations fused, NHWC."""

from __future__ import annotations

from typing import cast

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from models.build.graph import Activation, Binary, Conv, DepthwiseConv, Graph, Node, Padding, Reshape, Unary, Upsample
from models.training.detector_net import FIELDS, PLACED, DetectorNet
from models.training.embedder_net import EmbedderNet
from models.training.geometry import DIMENSION, INPUT_PX, STRIDES
from models.training.layers import INPUT_SCALE, ConvNorm, Refined, Residual, Separable

_INPUT = "image"


class _Nodes:
    """A graph being put together; each method adds what a layer does and gives the name of what comes out."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.constants: dict[str, NDArray[np.float32]] = {}

    def conv(
        self,
        name: str,
        x: str,
        layer: nn.Conv2d,
        norm: nn.BatchNorm2d | None = None,
        relu: bool = False,
        takes_bytes: bool = False,
        valid: bool = False,
    ) -> str:
        """A convolution with its normalisation folded in; takes_bytes: it is the first."""
        weights, bias = _folded(layer, norm)
        if takes_bytes:
            weights = weights * INPUT_SCALE
        activation: Activation = "relu" if relu else "none"
        padding: Padding = "valid" if valid else "same"
        depthwise = layer.groups > 1
        laid = weights.transpose(1, 2, 3, 0) if depthwise else weights.transpose(0, 2, 3, 1)
        self.constants[f"{name}/weights"] = np.ascontiguousarray(laid, np.float32)
        self.constants[f"{name}/bias"] = bias.astype(np.float32)
        kind = DepthwiseConv if depthwise else Conv
        node = kind(name, x, f"{name}/weights", f"{name}/bias", int(layer.stride[0]), padding, activation)
        self.nodes.append(node)
        return name

    def layers(self, name: str, x: str, body: nn.Module, takes_bytes: bool = False) -> str:
        match body:
            case ConvNorm():
                return self.conv(name, x, body.conv, body.norm, body.relu, takes_bytes)
            case Separable():
                return self.layers(f"{name}/point", self.layers(f"{name}/depth", x, body.depthwise), body.pointwise)
            case Residual():
                inner = self.layers(f"{name}/second", self.layers(f"{name}/first", x, body.first), body.second)
                return self.add(name, x, inner, relu=True)
            case Refined():
                inner = self.conv(f"{name}/point", self.conv(f"{name}/depth", x, body.depthwise), body.pointwise)
                return self.add(name, x, inner, relu=True)
            case nn.Sequential():
                for index, part in enumerate(body):
                    x = self.layers(f"{name}/{index}", x, part, takes_bytes and index == 0)
                return x
        raise TypeError(f"{name}: no way to write a {type(body).__name__} as a graph")

    def add(self, name: str, left: str, right: str, relu: bool = False) -> str:
        self.nodes.append(Binary(name, left, right, "add", "relu" if relu else "none"))
        return name

    def upsample(self, name: str, x: str) -> str:
        self.nodes.append(Upsample(name, x))
        return name

    def reshape(self, name: str, x: str, shape: tuple[int, ...]) -> str:
        self.nodes.append(Reshape(name, x, shape))
        return name

    def logistic(self, name: str, x: str) -> str:
        self.nodes.append(Unary(name, x, "logistic"))
        return name


def embedder_graph(network: EmbedderNet) -> Graph:
    """Input (1, 64, 64, 3), 0..255; output (1, 128)."""
    nodes = _Nodes()
    x = nodes.layers("body", _INPUT, network.body, takes_bytes=True)
    x = nodes.conv("place", x, network.place, network.place_norm, valid=True)
    x = nodes.conv("project", x, network.template, network.template_norm)
    x = nodes.reshape("template", x, (1, DIMENSION))
    return Graph("bringup-embedder", _INPUT, (1, INPUT_PX, INPUT_PX, 3), tuple(nodes.nodes), nodes.constants, (x,))


def detector_graph(network: DetectorNet, width_px: int, height_px: int) -> Graph:
    """Input (1, height, width, 3), 0..255, multiples of 32; outputs of the `yunet` decoder (PACK.md 2)."""
    nodes = _Nodes()
    fine = nodes.layers("fine", nodes.layers("stem", _INPUT, network.stem, takes_bytes=True), network.fine)
    middle = nodes.layers("middle", fine, network.middle)
    coarse = nodes.layers("coarse", middle, network.coarse)
    middle = nodes.add("middle/sum", middle, nodes.upsample("coarse/twice", coarse))
    middle = nodes.layers("middle/joined", middle, network.join_middle)
    fine = nodes.add("fine/sum", fine, nodes.upsample("middle/twice", middle))
    fine = nodes.layers("fine/joined", fine, network.join_fine)
    outputs: dict[str, list[str]] = {field: [] for field in FIELDS}
    for index, (features, stride) in enumerate(zip((fine, middle, coarse), STRIDES, strict=True)):
        cells = (width_px // stride) * (height_px // stride)
        whether = nodes.layers(f"head{stride}", features, network.heads[index])
        where = nodes.layers(f"place{stride}", features, network.places[index])
        where = nodes.layers(f"refine{stride}", where, network.refine)
        for field, layer in cast(nn.ModuleDict, network.outputs[index]).items():
            name = f"{field}{stride}"
            x = nodes.conv(f"{name}/raw", where if field in PLACED else whether, cast(nn.Conv2d, layer))
            if FIELDS[field] == 1:
                x = nodes.logistic(f"{name}/share", x)
            outputs[field].append(nodes.reshape(name, x, (1, cells, FIELDS[field])))
    order = tuple(name for field in FIELDS for name in outputs[field])
    shape = (1, height_px, width_px, 3)
    return Graph("bringup-detector", _INPUT, shape, tuple(nodes.nodes), nodes.constants, order)


def _folded(layer: nn.Conv2d, norm: nn.BatchNorm2d | None) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Weights (out, in, rows, columns) and bias (out,) of a convolution followed by its normalisation."""
    weights = layer.weight.detach().numpy().astype(np.float64)
    bias = np.zeros(len(weights)) if layer.bias is None else layer.bias.detach().numpy().astype(np.float64)
    if norm is None:
        return weights, bias
    mean, variance, scale, offset = (
        cast(Tensor, value).detach().numpy().astype(np.float64)
        for value in (norm.running_mean, norm.running_var, norm.weight, norm.bias)
    )
    factor = scale / np.sqrt(variance + norm.eps)
    return weights * factor[:, None, None, None], (bias - mean) * factor + offset
