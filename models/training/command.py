"""What both training commands take, and how they speak."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import torch

_EPILOG = """\
needs the extra `train` (torch, matplotlib) and `sim`. Files in --out: checkpoint.pt, curves.csv, curves.png.

exit codes: 0 done; 2 refused (the message says what to do)
"""


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


def prepare(options: argparse.Namespace) -> torch.device:
    """Threads and device as asked for."""
    torch.set_num_threads(options.threads)
    wanted = options.device
    if wanted == "auto":
        wanted = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(wanted)


def told(report: Callable[[int, int], None], steps: int) -> Callable[[int, dict[str, float]], None]:
    """A bar's own report from a run's."""
    return lambda done, figures: report(done, steps)


def count(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{value}: need 1 or more")
    return value
