"""What each tensor of a graph reaches on pictures: its lowest and highest number, and each channel's statistics."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from edge.devices import Runtime
from models.build.graph import Graph
from models.build.tensors import float_tensors
from models.build.tflite_writer import write_tflite

Report = Callable[[int, int], None]
"""Told how many pictures are done, of how many."""


@dataclass(frozen=True)
class Observed:
    """One tensor over all pictures. low, high: what so many of them keep to as was asked for.

    reach, mean, variance: by channel, float64 (channels,); reach is the highest absolute number.
    """

    low: float
    high: float
    reach: NDArray[np.float64]
    mean: NDArray[np.float64]
    variance: NDArray[np.float64]


def observe(
    graph: Graph, runtime: Runtime, pictures: Sequence[NDArray[np.uint8]], report: Report, within: float = 1.0
) -> dict[str, Observed]:
    """Every tensor by name, the input too. pictures: uint8 (height, width, 3), of the input's size.

    within: the share of them that a tensor's lowest number, and its highest, holds for.

    Raises: GraphInvalid, ModelRejected, PackShapeMismatch.
    """
    names = tuple(node.output for node in graph.nodes)
    seen_by = replace(graph, outputs=names)
    model = runtime.load(write_tflite(seen_by, float_tensors(seen_by)), f"{graph.name}, observed")
    found: dict[str, list[NDArray[np.float32]]] = {name: [] for name in (graph.input, *names)}
    for done, picture in enumerate(pictures, 1):
        values = (picture[None].astype(np.float32), *model.run(picture[None]))
        for name, value in zip((graph.input, *names), values, strict=True):
            cells = value.reshape(-1, value.shape[-1])
            squares = np.einsum("ij,ij->j", cells, cells) / np.float32(len(cells))
            found[name].append(np.stack([cells.min(axis=0), cells.max(axis=0), cells.mean(axis=0), squares]))
        report(done, len(pictures))
    return {name: _joined(np.stack(each).astype(np.float64), within) for name, each in found.items()}


def _joined(each: NDArray[np.float64], within: float) -> Observed:
    """each: (pictures, 4, channels): lowest, highest, mean, and mean of squares."""
    lowest, highest = each[:, 0].min(axis=0), each[:, 1].max(axis=0)
    low, high = -_reached(-each[:, 0].min(axis=1), within), _reached(each[:, 1].max(axis=1), within)
    mean, squares = each[:, 2:].mean(axis=0)
    variance = np.maximum(squares - mean**2, 0)
    return Observed(low, high, np.maximum(-lowest, highest), mean, variance)


def _reached(highest: NDArray[np.float64], within: float) -> float:
    """The least number that this share of the pictures does not exceed. highest: each picture's (pictures,)."""
    return float(np.quantile(highest, within, method="inverted_cdf"))
