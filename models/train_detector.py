"""Train the bring-up detector on rendered frames: make the set, train, draw the curves."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.progress import counting_bar
from models.training import command, run
from models.training.detector_net import DetectorNet
from models.training.detector_sampling import WholeFrames, Windows
from models.training.detector_trainee import RATE_MAX, DetectorTrainee
from models.training.frame_set import make_close_up_set, make_frame_set
from models.training.hard_places import hard_places
from models.training.shards import Arrays, read_shards

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
    parser.add_argument(
        "--landmark-full-px", type=float, default=0.0, metavar="PX",
        help="landmarks of narrower faces count less, in proportion (default: all count alike)",
    )  # fmt: skip
    parser.add_argument(
        "--zoom-share", type=float, default=0.0, metavar="X",
        help="of the samples, show one face as large as on an enrolment photograph (default: 0)",
    )  # fmt: skip
    parser.add_argument(
        "--windows", action="store_true",
        help="show windows of frames: round faces, and round what the network of --start takes for faces",
    )  # fmt: skip
    return command.carry_out(parser, _train, argv)


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
    if options.windows:
        sample = Windows(frames, _hard(options, frames)).sample
    else:
        sample = WholeFrames(frames, zoom_share).sample
    trainee = DetectorTrainee(
        sample, options.seed, options.steps, options.batch, device, full_px, options.rate or RATE_MAX
    )
    settings: dict[str, Any] = {"frames": len(frames["images"])}
    if full_px:
        settings["landmark_full_px"] = full_px
    if zoom_share:
        settings["zoom_share"] = zoom_share
    if options.windows:
        settings["windows"] = True
    command.train(trainee, options, settings, "bring-up detector")


def _hard(options: argparse.Namespace, frames: Arrays) -> NDArray[np.float32]:
    """What the network that a run begins with takes for faces; nothing, where it begins with none."""
    if not options.start:
        return np.empty((0, 4), np.float32)
    network = DetectorNet()
    network.begin_with(run.load(options.start)["trainee"]["network"])
    with counting_bar("looking for hard places") as report:
        return hard_places(network, frames, options.out, report)


if __name__ == "__main__":
    sys.exit(main())
