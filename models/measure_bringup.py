"""Measure the bring-up networks on rendered people they never saw: int8 and float, detector and embedder, as JSON."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from edge.drivers.litert import choose_runtime
from edge.errors import LfrError
from models.progress import counting_bar
from models.training import held_out
from models.training.bringup import Built, build_detectors, build_embedder
from models.training.measure_detector import measure_detector
from models.training.measure_embedder import measure_embedder

FRAMES, PEOPLE = 600, 400
SIZES_PX = (24.0, 16.0)


def main(argv: Sequence[str] | None = None) -> int:
    """The command; its exit code."""
    parser = argparse.ArgumentParser(prog="python -m models.measure_bringup", description=__doc__)
    parser.add_argument("--detector", type=Path, required=True, metavar="RUN", help="--out of train_detector")
    parser.add_argument("--embedder", type=Path, required=True, metavar="RUN", help="--out of train_embedder")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="the figures, as JSON")
    parser.add_argument("--frames", type=int, default=FRAMES, metavar="N", help=f"default: {FRAMES}")
    parser.add_argument("--people", type=int, default=PEOPLE, metavar="N", help=f"who pass, default: {PEOPLE}")
    parser.add_argument(
        "--draw", type=int, default=0, metavar="N", help="which frames and people; another number, others (default: 0)"
    )
    options = parser.parse_args(argv)
    try:
        figures = _measure(options)
    except LfrError as error:
        print(f"measure_bringup: {error}", file=sys.stderr)
        return 2
    options.out.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    return 0


def _measure(options: argparse.Namespace) -> dict[str, Any]:
    runtime = choose_runtime("litert", 1)
    with counting_bar("building") as report:
        frames = held_out.calibration_frames()
        detectors = build_detectors(options.detector, runtime, frames, held_out.SIZES_PX, report)
        embedder = build_embedder(options.embedder, runtime, held_out.calibration_faces(), report)
    figures: dict[str, Any] = {"runtime": f"{runtime.name} {runtime.version}", "detector": {}, "embedder": {}}
    with counting_bar("frames") as report:
        scenes = held_out.scenes(options.frames, report, options.draw)
    for precision in ("float32", "int8"):
        content = _of(detectors[held_out.SCENE_PX], precision)
        found = measure_detector(scenes, held_out.finder(runtime, content, held_out.SCENE_PX), SIZES_PX)
        figures["detector"][precision] = dataclasses.asdict(found)
    with counting_bar("street") as report:
        contents = {size: built.int8 for size, built in detectors.items()}
        faces, photographs = held_out.street(options.people, runtime, contents, report, options.draw)
    for precision in ("float32", "int8"):
        embed = held_out.embed_with(runtime, _of(embedder, precision))
        measured = measure_embedder(
            faces, held_out.enrolled(photographs, embed), embed, held_out.groups_of(faces.passed)
        )
        figures["embedder"][precision] = dataclasses.asdict(measured)
    return figures


def _of(built: Built, precision: str) -> bytes:
    return built.int8 if precision == "int8" else built.float32


if __name__ == "__main__":
    sys.exit(main())
