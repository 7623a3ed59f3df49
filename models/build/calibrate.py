"""What each tensor of a graph reaches on calibration pictures: its lowest and highest number, and channel means."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from edge.devices import Runtime
from models.build.graph import Graph
from models.build.tensors import float_tensors
from models.build.tflite_writer import write_tflite


@dataclass(frozen=True)
class Observed:
    """One tensor over all pictures. By channel, float32 (channels,): the highest absolute number, mean, variance."""

    low: float
    high: float
    channel_high: NDArray[np.float32]
    channel_mean: NDArray[np.float32]
    channel_variance: NDArray[np.float32]


def observe(
    graph: Graph, runtime: Runtime, pictures: Sequence[NDArray[np.uint8]], report: Callable[[int, int], None]
) -> Mapping[str, Observed]:
    """Every tensor by name, the input too. pictures: uint8 (height, width, 3), of the input's size.

    report: told how many pictures are done, of how many. Raises: GraphInvalid, ModelRejected, PackShapeMismatch.
    """
    names = tuple(node.output for node in graph.nodes)
    seen_by = replace(graph, outputs=names)
    model = runtime.load(write_tflite(seen_by, float_tensors(seen_by)), f"{graph.name}, observed")
    found: dict[str, list[NDArray[np.float32]]] = {}
    for done, picture in enumerate(pictures, 1):
        values = (picture[None].astype(np.float32), *model.run(picture[None]))
        for name, value in zip((graph.input, *names), values, strict=True):
            cells = value.reshape(-1, value.shape[-1])
            moments = (cells.min(axis=0), cells.max(axis=0), cells.mean(axis=0), np.square(cells).mean(axis=0))
            found.setdefault(name, []).append(np.stack(moments))
        report(done, len(pictures))
    return {name: _joined(np.stack(each)) for name, each in found.items()}


def _joined(each: NDArray[np.float32]) -> Observed:
    """each: (pictures, 4, channels): lowest, highest, mean, and mean of squares."""
    low, high = each[:, 0].min(axis=0), each[:, 1].max(axis=0)
    mean, squares = each[:, 2:].mean(axis=0, dtype=np.float64)
    variance = np.maximum(squares - mean**2, 0)
    reach = np.maximum(-low, high)
    return Observed(float(low.min()), float(high.max()), reach, mean.astype("f4"), variance.astype("f4"))
