"""Channels that say nothing are left out: what they add on average goes into the next bias.

The embedder's first block carries 20 of 64 such channels. A kernel's time is proportional to its channels.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from models.build.chains import Chain, Constants, chains_of
from models.build.graph import Conv, DepthwiseConv, Graph, Prelu
from models.build.observe import Observed

SILENT_SHARE = 1e-4
"""Of the variance that a layer's inputs bring: what the channels left out may add up to."""

_TOGETHER = 8
"""Kernels compute channels in eights: leaving out fewer saves nothing."""


@dataclass(frozen=True)
class Silent:
    """Channels of one tensor, rising, and each one's mean."""

    channels: tuple[int, ...]
    means: tuple[float, ...]


def silent_of(graph: Graph, observed: Mapping[str, Observed]) -> dict[str, Silent]:
    """For each tensor that a 1x1 convolution alone reads: its channels that bring less than SILENT_SHARE."""
    found = {}
    for chain in chains_of(graph):
        weights = graph.constants[chain.second.weights].astype(np.float64)
        if not isinstance(chain.second, Conv) or weights.shape[1:3] != (1, 1) or not _run_before(graph, chain):
            continue
        brought = observed[chain.between].variance * np.square(weights).sum(axis=(0, 1, 2))
        order = np.argsort(brought, kind="stable")
        count = int((np.cumsum(brought[order]) < SILENT_SHARE * brought.sum()).sum())
        channels = np.sort(order[: count - count % _TOGETHER])
        if len(channels):
            means = observed[chain.between].mean[channels]
            found[chain.between] = Silent(tuple(map(int, channels)), tuple(map(float, means)))
    return found


def drop_silent(graph: Graph, silent: Mapping[str, Silent]) -> Graph:
    """The network without these channels. silent: by tensor, as `silent_of` gives them for this graph."""
    for chain in chains_of(graph):
        if chain.between in silent:
            graph = _without(graph, chain, silent[chain.between])
    return graph


def _run_before(graph: Graph, chain: Chain) -> tuple[Conv | DepthwiseConv, ...]:
    """The convolutions that have to lose a channel: depthwise ones, up to the full one that makes it."""
    makers = {other.second.output: other for other in chains_of(graph)}
    run: list[Conv | DepthwiseConv] = [chain.first]
    while isinstance(run[-1], DepthwiseConv):
        if run[-1].output not in makers:
            return ()
        run.append(makers[run[-1].output].first)
    return tuple(run)


def _without(graph: Graph, chain: Chain, silent: Silent) -> Graph:
    constants: Constants = dict(graph.constants)
    channels = np.array(silent.channels)
    weights = constants[chain.second.weights]
    added = (weights[:, 0, 0, channels].astype(np.float64) * np.array(silent.means)).sum(axis=1)
    constants[chain.second.bias] = (constants[chain.second.bias] + added).astype(np.float32)
    constants[chain.second.weights] = np.delete(weights, channels, axis=3)
    run = _run_before(graph, chain)
    for first in run:
        axis = 0 if isinstance(first, Conv) else 3
        constants[first.weights] = np.delete(constants[first.weights], channels, axis)
        constants[first.bias] = np.delete(constants[first.bias], channels)
    for node in graph.nodes:
        if isinstance(node, Prelu) and node.input in {first.output for first in run}:
            constants[node.slopes] = np.delete(constants[node.slopes], channels, axis=2)
    return replace(graph, constants=constants)
