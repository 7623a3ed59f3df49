"""lfr-sim street: compose a clip of a street from a folder of photographs, with its truth."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from edge.errors import StreetInvalid
from hwsim.arguments import add_pack, add_seed, count
from hwsim.street.clip import write_clip
from hwsim.street.compose import StreetComposer, StreetPlan
from hwsim.street.finder import choose_finder
from hwsim.street.people import find_people
from hwsim.street.portraits import load_portraits
from hwsim.street.walk import DENSITY_MAX

_ABOUT = "compose a street video from photographs of people, with ground truth"


def add_parser(commands: Any) -> None:
    """Add the sub-command to argparse's sub-parsers."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "street", help=_ABOUT, description=f"{_ABOUT[0].upper()}{_ABOUT[1:]}. Everyone passes once."
    )
    parser.add_argument(
        "--people", type=Path, required=True, metavar="FOLDER", help="FOLDER/<person>/*.jpg or FOLDER/<person>.jpg"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="CLIP.mp4", help="the clip to write")
    parser.add_argument("--truth", type=Path, metavar="CLIP.jsonl", help="the truth to write (beside the clip)")
    parser.add_argument("--sheet", type=Path, metavar="SHEET.png", help="a picture of frames with the true boxes")
    parser.add_argument("--count", type=count, metavar="N", help="so many of the people, drawn by lot (all)")
    add_seed(parser)
    parser.add_argument("--size", type=_size, default=(1280, 720), metavar="WxH", help="in pixels (1280x720)")
    parser.add_argument("--fps", type=_rate, default=15.0, metavar="N", help="frames a second (15)")
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--seconds", type=_seconds, metavar="S|auto", help="length (auto: as the density asks)")
    length.add_argument(
        "--density", type=float, default=5.5, metavar="N", help=f"people in view at once, at most {DENSITY_MAX:g} (5.5)"
    )
    add_pack(parser)
    parser.add_argument("--json", action="store_true", help="a summary for machines")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Raises: PhotographsMissing, StreetInvalid, PackMissing, PackInvalid."""
    if options.out.suffix.lower() != ".mp4":
        raise StreetInvalid(f"{options.out}: clips are mp4; name it so")
    truth_path: Path = options.truth or options.out.with_suffix(".jsonl")
    people = find_people(options.people)
    finder = choose_finder(options.packs, options.pack)
    console = Console(stderr=True)
    bars = Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), console=console
    )
    with bars:
        looking = bars.add_task("finding faces", total=options.count or len(people))
        loaded = load_portraits(
            people, finder.find, options.seed, options.count, lambda done: bars.update(looking, completed=done)
        )
        width_px, height_px = options.size
        composer = StreetComposer(
            loaded.portraits,
            StreetPlan(options.seed, width_px, height_px, options.fps, options.density, options.seconds),
        )
        composing = bars.add_task("composing", total=composer.header.frames)
        for path in (options.out, truth_path, options.sheet):
            if path is not None:
                path.parent.mkdir(parents=True, exist_ok=True)
        truth = write_clip(
            composer, options.out, truth_path, options.sheet, lambda done: bars.update(composing, completed=done)
        )
    header = truth.header
    summary = {
        "clip": str(options.out),
        "truth": str(truth_path),
        "sheet": str(options.sheet) if options.sheet else None,
        "seed": header.seed,
        "width_px": header.width_px,
        "height_px": header.height_px,
        "frames": header.frames,
        "frames_per_s": header.frames_per_s,
        "seconds": round(header.frames / header.frames_per_s, 3),
        "people": len(header.people),
        "people_passed": len(truth.people_passed()),
        "faces_found_by": finder.pack or "assumed centred",
        "photographs_refused": len(loaded.refused),
    }
    print(json.dumps(summary)) if options.json else _show(summary, Console())
    return 0


def _show(summary: dict[str, Any], console: Console) -> None:
    table = Table(show_header=False, box=None, pad_edge=False)
    for key, value in summary.items():
        if value is not None:
            table.add_row(key.replace("_", " "), str(value))
    console.print(table)
    if summary["faces_found_by"] == "assumed centred":
        console.print("No pack is installed: faces were taken to be centred. See: lfr-models install")


def _size(text: str) -> tuple[int, int]:
    width, separator, height = text.partition("x")
    if not separator or not width.isdigit() or not height.isdigit() or max(int(width), int(height)) > 7680:
        raise argparse.ArgumentTypeError(f"{text}: need WIDTHxHEIGHT in pixels, such as 1280x720")
    if int(width) % 2 or int(height) % 2:
        raise argparse.ArgumentTypeError(f"{text}: need even numbers of pixels")
    return int(width), int(height)


def _rate(text: str) -> float:
    value = float(text)
    if not 1 <= value <= 120:
        raise argparse.ArgumentTypeError(f"{text}: need 1 to 120 frames a second")
    return value


def _seconds(text: str) -> float | None:
    if text == "auto":
        return None
    value = float(text)
    if not 1 <= value <= 24 * 3600:
        raise argparse.ArgumentTypeError(f"{text}: need 1 to 86400 seconds, or auto")
    return value
