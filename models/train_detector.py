"""Train the bring-up detector on rendered frames: make the set, train, draw the curves."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from edge.clock import SystemClock
from edge.errors import LfrError
from models.progress import counting_bar
from models.training import command, curves, run
from models.training.detector_trainee import DetectorTrainee
from models.training.frame_set import make_close_up_set, make_frame_set
from models.training.shards import read_shards

SEED, FRAMES, STEPS, BATCH = 7, 20_000, 8_000, 24
CLOSE_UPS = 4_096

_DESCRIPTION = """\
Train the detector of the bring-up pack on rendered people, nobody else's. The set is made first, shard by shard; then
training goes on from the last checkpoint in --out, or begins. Cut off anywhere, the same command goes on."""


def main(argv: Sequence[str] | None = None) -> int:
    """The command; its exit code."""
    parser = command.parser("train_detector", _DESCRIPTION, SEED, STEPS, BATCH)
    parser.add_argument("--frames", type=command.count, default=FRAMES, metavar="N", help=f"default: {FRAMES}")
    parser.add_argument(
        "--close-ups", type=Path, metavar="DIR", help="a second set, of faces twice as large; made if it is not there"
    )
    parser.add_argument(
        "--close-up-frames", type=command.count, default=CLOSE_UPS, metavar="N", help=f"default: {CLOSE_UPS}"
    )
    parser.add_argument("--start", type=Path, metavar="RUN", help="begin with the network of another run's --out")
    parser.add_argument(
        "--landmark-full-px", type=float, default=0.0, metavar="PX",
        help="landmarks of narrower faces count less, in proportion (default: all count alike)",
    )  # fmt: skip
    parser.add_argument(
        "--zoom-share", type=float, default=0.0, metavar="X",
        help="of the samples, show one face as large as on an enrolment photograph (default: 0)",
    )  # fmt: skip
    options = parser.parse_args(argv)
    try:
        _train(options)
    except LfrError as error:
        print(f"train_detector: {error}", file=sys.stderr)
        return 2
    return 0


def _train(options: argparse.Namespace) -> None:
    with counting_bar("frames") as report:
        make_frame_set(options.set, options.seed, options.frames, options.workers, report)
    if options.close_ups:
        with counting_bar("shards of close-ups") as report:
            make_close_up_set(options.close_ups, options.seed, options.close_up_frames, options.workers, report)
    if options.only_set:
        return
    device = command.prepare(options)
    frames = read_shards(options.set)
    if options.close_ups:
        more = read_shards(options.close_ups)
        frames = {name: np.concatenate([frames[name], more[name]]) for name in frames}
    full_px, zoom_share = options.landmark_full_px, options.zoom_share
    trainee = DetectorTrainee(frames, options.seed, options.steps, options.batch, device, full_px, zoom_share)
    settings = {"seed": options.seed, "steps": options.steps, "batch": options.batch, "frames": len(frames["images"])}
    if options.start:
        trainee.begin_with(run.load(options.start)["trainee"])
        settings["start"] = options.start.name
    if full_px:
        settings["landmark_full_px"] = full_px
    if zoom_share:
        settings["zoom_share"] = zoom_share
    with counting_bar("steps") as report:
        run.run(trainee, options.out, options.steps, settings, SystemClock(), command.told(report, options.steps))
    curves.draw_curves(options.out / run.CURVES_NAME, options.out / "curves.png", "bring-up detector")


if __name__ == "__main__":
    sys.exit(main())
