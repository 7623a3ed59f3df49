"""lfr-sim street: a clip of a street with its truth, of photographs of people or drawn by a scenario."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table

from hwsim.arguments import add_pack, add_seed, count
from hwsim.errors import StreetInvalid
from hwsim.street.clip import write_clip
from hwsim.street.compose import StreetComposer, StreetPlan
from hwsim.street.drawing import need_renderer
from hwsim.street.finder import choose_finder
from hwsim.street.people import find_people
from hwsim.street.portraits import load_portraits
from hwsim.street.truth import Truth
from hwsim.street.walk import DENSITY_MAX

_ABOUT = "make a street video with ground truth, of photographs of people or drawn by a scenario"
_EPILOG = """\
With --people, --out is the clip to write; everyone passes once. With --scenario, --out is a folder, which then holds
clip.mp4, truth.jsonl, sheet.png, and watchlist/ (and with --filler, filler/): enrolment photographs as
lfr-sim deploy --watchlist and --filler take them. Everybody in it is drawn; nobody is real.

examples:
  lfr-sim street --people passers-by --out street.mp4 --sheet sheet.png
  lfr-sim street --scenario rain --out out --filler 100
  lfr-sim deploy --camera out/clip.mp4 --truth out/truth.jsonl --watchlist out/watchlist --out deployment
"""
PHOTOGRAPHS_ONLY = ("truth", "sheet", "count", "seed", "size", "fps", "seconds", "density", "pack")


def add_parser(commands: Any) -> None:
    """Add the sub-command to argparse's sub-parsers."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "street",
        help=_ABOUT,
        description=f"{_ABOUT[0].upper()}{_ABOUT[1:]}.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    who = parser.add_mutually_exclusive_group(required=True)
    who.add_argument("--people", type=Path, metavar="FOLDER", help="FOLDER/<person>/*.jpg or FOLDER/<person>.jpg")
    who.add_argument("--scenario", metavar="FILE|NAME", help="a scenario's YAML, or the name of one of our own")
    parser.add_argument(
        "--out", type=Path, required=True, metavar="CLIP.mp4|DIR", help="the clip to write; with --scenario, a folder"
    )
    parser.add_argument("--filler", type=count, metavar="N", help="scenario: photographs of N more, who stay away")
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
    parser.set_defaults(photograph_defaults={name: parser.get_default(name) for name in PHOTOGRAPHS_ONLY})
    parser.add_argument("--json", action="store_true", help="a summary for machines")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Raises: PhotographsMissing, StreetInvalid, ConfigInvalid, ToolMissing, PackMissing, PackInvalid."""
    if options.scenario is not None:
        return _run_scenario(options)
    if options.filler is not None:
        raise StreetInvalid("--filler: goes with --scenario; for photographs, give those who stay away a folder")
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
    summary = {
        "clip": str(options.out),
        "truth": str(truth_path),
        "sheet": str(options.sheet) if options.sheet else None,
        **_told(truth),
        "faces_found_by": finder.pack or "assumed centred",
        "photographs_refused": len(loaded.refused),
    }
    print(json.dumps(summary)) if options.json else _show(summary, Console())
    return 0


def _run_scenario(options: argparse.Namespace) -> int:
    given = [n for n in PHOTOGRAPHS_ONLY if getattr(options, n) != options.photograph_defaults[n]]
    if given:
        raise StreetInvalid(f"--{given[0]}: is for streets of photographs; the scenario says all that")
    if options.out.suffix or options.out.is_file():
        raise StreetInvalid(f"{options.out}: with --scenario, --out is a folder; name one")
    need_renderer()
    from hwsim.street.rendered.files import ScenarioFiles, write_scenario
    from hwsim.street.rendered.scenario import read_scenario

    scenario = read_scenario(options.scenario)
    bars = Progress(
        TextColumn("{task.description:<10}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )
    tasks: dict[str, TaskID] = {}

    def show(what: str, done: int, total: int) -> None:
        if what not in tasks:
            tasks[what] = bars.add_task(what, total=total)
        bars.update(tasks[what], completed=done)

    with bars:
        truth = write_scenario(scenario, options.out, options.filler or 0, progress=show)
    files = ScenarioFiles(options.out)
    summary = {
        "about": scenario.about,
        "clip": str(files.clip),
        "truth": str(files.truth),
        "sheet": str(files.sheet),
        "watchlist": str(files.watchlist) if files.watchlist.is_dir() else None,
        "filler": str(files.filler) if options.filler else None,
        **_told(truth),
        "wanted": scenario.crowd.wanted,
    }
    print(json.dumps(summary)) if options.json else _show(summary, Console())
    return 0


def _told(truth: Truth) -> dict[str, Any]:
    """What a summary says of every street, photographs or drawn."""
    header = truth.header
    return {
        "seed": header.seed,
        "width_px": header.width_px,
        "height_px": header.height_px,
        "frames": header.frames,
        "frames_per_s": header.frames_per_s,
        "seconds": round(header.frames / header.frames_per_s, 3),
        "people": len(header.people),
        "people_passed": len(truth.people_passed()),
    }


def _show(summary: dict[str, Any], console: Console) -> None:
    table = Table(show_header=False, box=None, pad_edge=False)
    for key, value in summary.items():
        if value is not None:
            table.add_row(key.replace("_", " "), str(value))
    console.print(table)
    if summary.get("faces_found_by") == "assumed centred":
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
