"""Calibrating a network: silent channels, equalising scales and ranges, found once and kept as a file of numbers.

From the numbers alone the int8 file follows, byte for byte: whoever builds it gets the weights that were measured,
and needs neither the pictures nor the same processor.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge.devices import Runtime
from models.build.equalise import equalise, scales_of
from models.build.graph import Conv, DepthwiseConv, Graph
from models.build.observe import Observed, Report, observe
from models.build.quantise import Span, quantise
from models.build.silence import Silent, drop_silent, silent_of
from models.build.tensors import float_tensors
from models.build.tflite_writer import write_tflite

_DIGITS = 5
"""Significant ones that are kept of each number."""


@dataclass(frozen=True)
class Calibration:
    """What a graph needs to become int8, each by tensor name. spans: of every tensor, after the other two."""

    silent: Mapping[str, Silent]
    scales: Mapping[str, NDArray[np.float64]]
    spans: Mapping[str, Span]


def calibrate(
    graph: Graph, runtime: Runtime, pictures: Sequence[NDArray[np.uint8]], report: Report, within: float = 1.0
) -> Calibration:
    """pictures: uint8 (height, width, 3), such as the network will meet; each is looked at three times.

    within: the share of them that each end of a range holds for; what goes beyond is cut off, all else has finer steps.

    report: told how many looks are done, of how many. Raises: GraphInvalid, ModelRejected, PackShapeMismatch.
    """
    looks = 0

    def look(looked_at: Graph) -> dict[str, Observed]:
        nonlocal looks
        before, looks = looks, looks + len(pictures)
        return observe(looked_at, runtime, pictures, lambda done, _: report(before + done, 3 * len(pictures)), within)

    silent = {name: _kept(each) for name, each in silent_of(graph, look(graph)).items()}
    graph = drop_silent(graph, silent)
    scales = {name: _short(scale) for name, scale in scales_of(graph, look(graph)).items()}
    graph = equalise(graph, scales)
    convolved = {node.input for node in graph.nodes if isinstance(node, Conv | DepthwiseConv)}
    spans = {
        name: Span(
            float(_short(np.array(each.low))),
            float(_short(np.array(each.high))),
            _short(each.mean) if name in convolved else None,
        )
        for name, each in look(graph).items()
    }
    return Calibration(silent, scales, spans)


def int8_file(graph: Graph, calibration: Calibration) -> bytes:
    """The network as full int8 TFLite. calibration: of this very graph. Raises: GraphInvalid."""
    graph = equalise(drop_silent(graph, calibration.silent), calibration.scales)
    return write_tflite(graph, quantise(graph, calibration.spans))


def float_file(graph: Graph) -> bytes:
    """The network as float32 TFLite. Raises: GraphInvalid."""
    return write_tflite(graph, float_tensors(graph))


def _kept(silent: Silent) -> Silent:
    return Silent(silent.channels, tuple(map(float, _short(np.array(silent.means)))))


def _short(numbers: NDArray[np.float64]) -> NDArray[np.float64]:
    """The numbers as they are written: _DIGITS significant digits."""
    return np.array([float(f"{number:.{_DIGITS}g}") for number in numbers.reshape(-1)]).reshape(numbers.shape)
