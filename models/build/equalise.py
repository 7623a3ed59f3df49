"""Cross-layer equalisation (Nagel et al., ICCV 2019): channels between convolutions brought to like ranges.

A channel may be divided by s > 0 where it is written and multiplied by s where it is read; nothing changes but what
8 bits have to span. Between two convolutions (chains.py), and in a stream that many write and read (streams.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from models.build.chains import Constants, chains_of
from models.build.graph import Conv, DepthwiseConv, Graph
from models.build.observe import Observed
from models.build.streams import Stream, streams_of

_WEAKEST = 1e-2
"""A channel weaker than this share of the median is taken for noise: no stronger pull than that."""

Scales = Mapping[str, NDArray[np.float64]]
"""By what each channel is divided, (channels,): by the tensor between two convolutions, or by a stream's first."""


def scales_of(graph: Graph, observed: Mapping[str, Observed]) -> dict[str, NDArray[np.float64]]:
    """What brings the channels of each stream and each chain to like ranges.

    In a stream that is the channel's reach. Before a depthwise convolution, whose weights have a scale for each channel
    anyway, too; before a full one, its reach balanced against the weights that read it, which share a scale.
    """
    scales = {stream.tensors[0]: _of_stream(stream, observed) for stream in streams_of(graph)}
    graph = equalise(graph, scales)
    for chain in chains_of(graph):
        reach = _sounding(observed[chain.between].reach)
        if isinstance(chain.second, DepthwiseConv):
            scales[chain.between] = reach / np.median(reach)
        else:
            spread = np.abs(graph.constants[chain.second.weights]).max(axis=(0, 1, 2)) + 1e-8
            scale = np.sqrt(reach / spread)
            scales[chain.between] = scale / np.median(scale)
    return scales


def equalise(graph: Graph, scales: Scales) -> Graph:
    """The same network with its channels scaled. scales: for chains and streams of this graph, not necessarily all."""
    constants: Constants = dict(graph.constants)
    for stream in streams_of(graph):
        if stream.tensors[0] in scales:
            _scale(constants, stream.writers, stream.readers, scales[stream.tensors[0]])
    for chain in chains_of(graph):
        if chain.between in scales:
            _scale(constants, (chain.first,), (chain.second,), scales[chain.between])
    return replace(graph, constants=constants)


def _of_stream(stream: Stream, observed: Mapping[str, Observed]) -> NDArray[np.float64]:
    reach = _sounding(np.max([observed[name].reach for name in stream.tensors], axis=0))
    return np.asarray(reach / np.median(reach))


def _sounding(reach: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.maximum(reach, np.median(reach) * _WEAKEST) + 1e-12


def _scale(
    constants: Constants,
    writers: Sequence[Conv | DepthwiseConv],
    readers: Sequence[Conv | DepthwiseConv],
    scale: NDArray[np.float64],
) -> None:
    for writer in writers:
        for name in (writer.weights, writer.bias):
            constants[name] = _by_filter(constants[name], 1 / scale, writer)
    for reader in readers:
        constants[reader.weights] = (constants[reader.weights] * scale).astype(np.float32)


def _by_filter(
    values: NDArray[np.float32], factor: NDArray[np.float64], node: Conv | DepthwiseConv
) -> NDArray[np.float32]:
    sides = (-1, 1, 1, 1) if isinstance(node, Conv) and values.ndim == 4 else (-1,)
    return (values * factor.reshape(sides)).astype(np.float32)
