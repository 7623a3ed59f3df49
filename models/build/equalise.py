"""Cross-layer equalisation (Nagel et al., ICCV 2019): channels between two convolutions brought to like ranges.

A channel may be divided by s > 0 in the first and multiplied by s in the second; nothing changes but what 8 bits
have to span.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from models.build.chains import Constants, chains_of
from models.build.graph import Conv, DepthwiseConv, Graph
from models.build.observe import Observed

_WEAKEST = 1e-2
"""A channel weaker than this share of the median is taken for noise: no stronger pull than that."""

Scales = Mapping[str, NDArray[np.float64]]
"""By what each channel of a tensor between two convolutions is divided: the tensor's name to (channels,)."""


def scales_of(graph: Graph, observed: Mapping[str, Observed]) -> dict[str, NDArray[np.float64]]:
    """What brings the channels of each chain to like ranges.

    Before a depthwise convolution, whose weights have a scale for each channel anyway, that is the channel's reach
    alone; before a full one, its reach balanced against the weights that read it, which share a scale.
    """
    scales = {}
    for chain in chains_of(graph):
        reach = observed[chain.between].reach
        reach = np.maximum(reach, np.median(reach) * _WEAKEST) + 1e-12
        if isinstance(chain.second, DepthwiseConv):
            scales[chain.between] = reach / np.median(reach)
        else:
            spread = np.abs(graph.constants[chain.second.weights]).max(axis=(0, 1, 2)) + 1e-8
            scale = np.sqrt(reach / spread)
            scales[chain.between] = scale / np.median(scale)
    return scales


def equalise(graph: Graph, scales: Scales) -> Graph:
    """The same network with its channels scaled. scales: for chains of this graph, not necessarily all."""
    constants: Constants = dict(graph.constants)
    for chain in chains_of(graph):
        if chain.between in scales:
            scale = scales[chain.between]
            for name in (chain.first.weights, chain.first.bias):
                constants[name] = _by_filter(constants[name], 1 / scale, chain.first)
            constants[chain.second.weights] = (constants[chain.second.weights] * scale).astype(np.float32)
    return replace(graph, constants=constants)


def _by_filter(
    values: NDArray[np.float32], factor: NDArray[np.float64], node: Conv | DepthwiseConv
) -> NDArray[np.float32]:
    sides = (-1, 1, 1, 1) if isinstance(node, Conv) and values.ndim == 4 else (-1,)
    return (values * factor.reshape(sides)).astype(np.float32)
