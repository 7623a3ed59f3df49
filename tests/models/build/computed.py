"""What a graph means, computed in numpy by the textbook: the reference the written files are held to."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.build.graph import (
    Binary,
    Conv,
    DepthwiseConv,
    Graph,
    Leaky,
    Mean,
    Node,
    Pad,
    Padding,
    Pool,
    Prelu,
    Reshape,
    Unary,
    Upsample,
    strides_of,
)

Floats = NDArray[np.float64]


def compute(graph: Graph, picture: NDArray[np.generic]) -> dict[str, Floats]:
    """Every tensor of the graph for one picture."""
    known: dict[str, Floats] = {graph.input: picture.astype(np.float64)}
    known |= {name: value.astype(np.float64) for name, value in graph.constants.items()}
    for node in graph.nodes:
        known[node.output] = _compute(node, known)
    return known


def _compute(node: Node, known: dict[str, Floats]) -> Floats:
    match node:
        case Conv():
            taps = _windows(known[node.input], known[node.weights].shape[1:3], strides_of(node), node.padding, 0.0)
            return _activated(np.einsum("hwrcd,frcd->hwf", taps, known[node.weights])[None] + known[node.bias], node)
        case DepthwiseConv():
            weights = known[node.weights][0]
            taps = _windows(known[node.input], weights.shape[:2], strides_of(node), node.padding, 0.0)
            repeated = np.repeat(taps, weights.shape[2] // taps.shape[-1], axis=-1)
            return _activated(np.einsum("hwrcd,rcd->hwd", repeated, weights)[None] + known[node.bias], node)
        case Pool(kind="max"):
            return _windows(known[node.input], node.size, strides_of(node), node.padding, -np.inf).max(axis=(2, 3))[
                None
            ]
        case Pool():
            taps = _windows(known[node.input], node.size, strides_of(node), node.padding, np.nan)
            return np.nanmean(taps, axis=(2, 3))[None]
        case Prelu():
            x = known[node.input]
            return np.where(x > 0, x, x * known[node.slopes])
        case Leaky():
            x = known[node.input]
            return np.where(x > 0, x, x * node.slope)
        case Mean():
            return known[node.input].mean(axis=(1, 2), keepdims=True)
        case Unary():
            x = known[node.input]
            return {"relu": np.maximum(x, 0), "relu6": np.clip(x, 0, 6), "logistic": 1 / (1 + np.exp(-x))}[node.kind]
        case Binary():
            function = {"add": np.add, "sub": np.subtract, "mul": np.multiply, "maximum": np.maximum}[node.kind]
            return _activated(function(known[node.left], known[node.right]), node)
        case Pad():
            return np.pad(known[node.input], ((0, 0), (node.top, node.bottom), (node.left, node.right), (0, 0)))
        case Upsample():
            return known[node.input].repeat(2, axis=1).repeat(2, axis=2)
        case Reshape():
            return known[node.input].reshape(node.shape)


def _activated(x: Floats, node: Conv | DepthwiseConv | Binary) -> Floats:
    return {"none": x, "relu": np.maximum(x, 0), "relu6": np.clip(x, 0, 6)}[node.activation]


def _windows(
    picture: Floats, size: tuple[int, ...], strides: tuple[int, int], padding: Padding, outside: float
) -> Floats:
    """(rows, columns, window rows, window columns, channels)."""
    if padding == "same":
        sides_of = zip(picture.shape[1:3], size, strides, strict=True)
        needed = [max((-(-n // stride) - 1) * stride + k - n, 0) for n, k, stride in sides_of]
        sides = [(n // 2, n - n // 2) for n in needed]
        picture = np.pad(picture, ((0, 0), *sides, (0, 0)), constant_values=outside)
    taps = np.lib.stride_tricks.sliding_window_view(picture[0], tuple(size), axis=(0, 1))
    return taps[:: strides[0], :: strides[1]].transpose(0, 1, 3, 4, 2)
