"""Channels that say nothing are left out: what they add on average goes into the next bias.

The embedder's first block carries 20 of 64 such channels. A kernel's time is proportional to its channels.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from models.build.calibrate import Observed
from models.build.equalise import Chain, chains_of
from models.build.graph import Conv, DepthwiseConv, Graph, Prelu

SILENT_SHARE = 1e-4
"""Of the variance that a layer's inputs bring: what the channels left out may add up to."""

_TOGETHER = 8
"""Kernels compute channels in eights: leaving out fewer saves nothing."""


def drop_silent(graph: Graph, observed: Mapping[str, Observed]) -> Graph:
    """The network without channels that bring less than SILENT_SHARE of a 1x1 convolution's variance."""
    makers = {chain.second.output: chain for chain in chains_of(graph)}
    for chain in chains_of(graph):
        if isinstance(chain.second, Conv) and graph.constants[chain.second.weights].shape[1:3] == (1, 1):
            silent = _silent(graph, chain, observed[chain.between])
            firsts = _run_before(chain, makers)
            if len(silent) and firsts:
                graph = _without(graph, firsts, chain, silent, observed[chain.between].channel_mean)
    return graph


def _silent(graph: Graph, chain: Chain, between: Observed) -> NDArray[np.intp]:
    weights = graph.constants[chain.second.weights].astype(np.float64)
    brought = between.channel_variance * np.square(weights).sum(axis=(0, 1, 2))
    order = np.argsort(brought, kind="stable")
    count = int((np.cumsum(brought[order]) < SILENT_SHARE * brought.sum()).sum())
    return np.sort(order[: count - count % _TOGETHER])


def _run_before(chain: Chain, makers: Mapping[str, Chain]) -> tuple[Conv | DepthwiseConv, ...]:
    """The convolutions that have to lose the channel: depthwise ones, up to the full one that makes it."""
    run: list[Conv | DepthwiseConv] = [chain.first]
    while isinstance(run[-1], DepthwiseConv):
        if run[-1].output not in makers:
            return ()
        run.append(makers[run[-1].output].first)
    return tuple(run)


def _without(
    graph: Graph,
    firsts: tuple[Conv | DepthwiseConv, ...],
    chain: Chain,
    silent: NDArray[np.intp],
    mean: NDArray[np.float32],
) -> Graph:
    constants = dict(graph.constants)
    weights = constants[chain.second.weights]
    constants[chain.second.bias] = constants[chain.second.bias] + weights[:, 0, 0, silent] @ mean[silent]
    constants[chain.second.weights] = np.delete(weights, silent, axis=3)
    tensors = {first.output for first in firsts}
    for first in firsts:
        axis = 0 if isinstance(first, Conv) else 3
        constants[first.weights] = np.delete(constants[first.weights], silent, axis)
        constants[first.bias] = np.delete(constants[first.bias], silent)
    for node in graph.nodes:
        if isinstance(node, Prelu) and node.input in tensors:
            constants[node.slopes] = np.delete(constants[node.slopes], silent, axis=2)
    return replace(graph, constants=constants)
