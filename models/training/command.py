"""What both training commands take, how they run and how they speak."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

import torch

from edge.clock import SystemClock
from edge.errors import LfrError
from models.progress import counting_bar
from models.training import curves, run

_EPILOG = """\
needs the extra `train` (torch, matplotlib) and `sim`. Files in --out: checkpoint.pt, curves.csv, curves.png.

exit codes: 0 done; 2 refused (the message says what to do)
"""


class Startable(run.Trainee, Protocol):
    """A trainee that can begin where another run ended."""

    def begin_with(self, state: dict[str, Any]) -> None:
        """Take the network of another run's state."""


def parser(name: str, description: str, seed: int, steps: int, batch: int) -> argparse.ArgumentParser:
    """The options both commands have."""
    made = argparse.ArgumentParser(
        prog=f"python -m models.{name}",
        description=description,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument(
        "--set", type=Path, required=True, metavar="DIR", help="the training set; made if it is not there"
    )
    made.add_argument("--out", type=Path, required=True, metavar="DIR", help="checkpoint and curves")
    made.add_argument(
        "--seed", type=int, default=seed, metavar="N", help=f"of everything drawn by lot (default: {seed})"
    )
    made.add_argument("--steps", type=count, default=steps, metavar="N", help=f"of training (default: {steps})")
    made.add_argument("--batch", type=count, default=batch, metavar="N", help=f"samples a step (default: {batch})")
    made.add_argument("--start", type=Path, metavar="RUN", help="begin with the network of another run's --out")
    made.add_argument(
        "--rate",
        type=float,
        default=None,
        metavar="X",
        help="of learning, at its highest (default: as for a first run)",
    )
    made.add_argument("--workers", type=count, default=2, metavar="N", help="processes that render (default: 2)")
    made.add_argument("--threads", type=count, default=1, metavar="N", help="threads of a step (default: 1)")
    made.add_argument(
        "--device",
        choices=("auto", "cpu", "cuda"),
        default="auto",
        help="where to train (default: a GPU if there is one)",
    )
    made.add_argument("--only-set", action="store_true", help="make the set and stop")
    return made


def carry_out(
    parser: argparse.ArgumentParser, act: Callable[[argparse.Namespace], None], argv: Sequence[str] | None
) -> int:
    """Do what the options ask for; the command's exit code."""
    options = parser.parse_args(argv)
    try:
        act(options)
    except LfrError as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return 2
    return 0


def train(trainee: Startable, options: argparse.Namespace, settings: dict[str, Any], title: str) -> None:
    """Train to the end and draw the curves. settings: what made the run, beside what both commands take."""
    asked = {"seed": options.seed, "steps": options.steps, "batch": options.batch, **settings}
    if options.rate:
        asked["rate"] = options.rate
    if options.start:
        trainee.begin_with(run.load(options.start)["trainee"])
        asked["start"] = options.start.name
    with counting_bar("steps") as report:
        run.run(
            trainee, options.out, options.steps, asked, SystemClock(), lambda done, figures: report(done, options.steps)
        )
    curves.draw_curves(options.out / run.CURVES_NAME, options.out / "curves.png", title)


def prepare(options: argparse.Namespace) -> torch.device:
    """Threads and device as asked for."""
    torch.set_num_threads(options.threads)
    wanted = options.device
    if wanted == "auto":
        wanted = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(wanted)


def count(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{value}: need 1 or more")
    return value
