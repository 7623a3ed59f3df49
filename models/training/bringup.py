"""The bring-up networks from their training runs: as graphs, calibrated on rendered people, in both precisions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge.devices import Runtime
from models.build.calibrate import calibrate, float_file, int8_file
from models.build.graph import Graph
from models.training.run import load

FRAMES_WITHIN = 0.75
"""Of the detector's frames, for each end of a range. On 900 frames that served to choose this, float32 found 913 of
926 faces from 16 px and int8 912; with 1, the extremes of all frames, int8 found 909."""

Report = Callable[[int, int], None]


@dataclass(frozen=True, eq=False)
class Built:
    """One network: float32 and int8 TFLite. steps: of its training."""

    float32: bytes
    int8: bytes
    steps: int


def build_embedder(run: Path, runtime: Runtime, faces: Sequence[NDArray[np.uint8]], report: Report) -> Built:
    """faces: aligned, of the network's size. Raises: TrainingInvalid."""
    from models.training.embedder_net import EmbedderNet
    from models.training.export import embedder_graph

    network, checkpoint = EmbedderNet(), load(run)
    network.load_state_dict(checkpoint["trainee"]["network"])
    graph = embedder_graph(network.eval())
    return Built(float_file(graph), int8_file(graph, calibrate(graph, runtime, faces, report)), checkpoint["step"])


def build_detectors(
    run: Path,
    runtime: Runtime,
    frames: Sequence[NDArray[np.uint8]],
    sizes_px: Sequence[tuple[int, int]],
    report: Report,
) -> dict[tuple[int, int], Built]:
    """For each size, width and height. frames: all of one size; what they reach holds for every size.

    Raises: TrainingInvalid.
    """
    from models.training.detector_net import DetectorNet
    from models.training.export import detector_graph

    network, checkpoint = DetectorNet(), load(run)
    network.load_state_dict(checkpoint["trainee"]["network"])
    network.eval()

    def graph_of(width_px: int, height_px: int) -> Graph:
        return detector_graph(network, width_px, height_px)

    height, width = frames[0].shape[:2]
    calibration = calibrate(graph_of(width, height), runtime, frames, report, FRAMES_WITHIN)
    return {
        size: Built(float_file(graph), int8_file(graph, calibration), checkpoint["step"])
        for size in sizes_px
        for graph in (graph_of(*size),)
    }
