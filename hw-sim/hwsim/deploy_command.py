"""lfr-sim deploy: a whole deployment end to end, on any clip or street and any folder of photographs."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from rich.console import Console

from edge.errors import PackMissing
from hwsim.arguments import SEED_MAX, add_pack, count, count_or_none, seed
from hwsim.deploy.run import Deployment
from hwsim.deploy.wanted import STREET, DrawnWanted, Fault, StreetWanted, Wanted, parse_fault
from hwsim.errors import DeploymentBroken, DeploymentRefused
from hwsim.street.drawing import SCENARIO_PREFIX
from hwsim.street.finder import BRINGUP_PACK, DEFAULT_PACK

EXIT_SHORT = 3
EXIT_BROKEN = 4

_ABOUT = "run a whole deployment: authority, watchlist, broker, van and control room"
_EPILOG = """\
What is real: mosquitto with mutual TLS and an access list for each device, both halves of the van, the models,
the seals and signatures, the control room, and the fleet: lfr-fleet's own folder, build, order, server and close.
What is simulated: the camera's view, and that officer, custodian and root's holders keep their keys at one machine.

DIR then holds alerts.jsonl and records.jsonl (as the room received and verified them), summary.json, sheet.png
(each alert's crop beside the enrolment photograph) and, for the street, truth.jsonl. Keys, ciphertext, crops and
the room's store are removed at the end; DIR/site/log keeps the logs.

exit codes:
  0  done, and what was asked for was reached
  2  refused: bad usage or input (the message says what to do)
  3  done, but short of --alerted-min or --false-max, or the camera failed, or rows were left in the outbox
  4  broken: a part did not start, or died (the message ends with its log)

examples:
  lfr-sim deploy --camera clip.mp4 --watchlist photographs --out out
  lfr-sim deploy --camera street --people passers-by --watchlist wanted --filler others --filler-count 480 --out out
  lfr-sim deploy --camera street --people passers-by --watchlist wanted --fault broker@8+10 --out out
  lfr-sim deploy --camera rendered:rain --filler-count 50 --out out
"""


def add_parser(commands: Any) -> None:
    """Add the sub-command to argparse's sub-parsers."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "deploy",
        help=_ABOUT,
        description=f"{_ABOUT[0].upper()}{_ABOUT[1:]}.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--camera",
        required=True,
        metavar="FILE|street|rendered:SCENARIO",
        help="a clip, the simulated street, or a drawn one by a scenario's file or name",
    )
    parser.add_argument(
        "--watchlist",
        type=Path,
        metavar="FOLDER",
        help="one photograph or folder per person to find (of a drawn street: its own, drawn into DIR/people)",
    )
    parser.add_argument("--filler", type=Path, metavar="FOLDER", help="people to fill the list with, who stay away")
    parser.add_argument("--filler-count", type=count_or_none, metavar="N", help="how many of them (all there are)")
    parser.add_argument("--people", type=Path, metavar="FOLDER", help="street: who walks past (those of --watchlist)")
    parser.add_argument("--people-count", type=count, metavar="N", help="street: how many of them (all)")
    parser.add_argument("--density", type=float, default=5.5, metavar="N", help="street: people in view at once (5.5)")
    parser.add_argument("--seed", type=seed, default=0, metavar="N", help=f"street: 0 to {SEED_MAX} (0)")
    parser.add_argument("--truth", type=Path, metavar="FILE", help="clip: who is where, as lfr-sim street writes it")
    parser.add_argument(
        "--threshold",
        type=_share,
        metavar="X",
        help="the order's similarity (what the pack's calibration says for FPIR 0.1 %% on this list; else 0.55)",
    )
    parser.add_argument(
        "--synthetic",
        action="store_true",
        help="declare that everybody enrolled is a rendered person: a bring-up pack takes nobody else",
    )
    parser.add_argument("--precision", choices=("int8", "float32"), default="int8", help="weights (int8)")
    parser.add_argument("--pace", choices=("realtime", "fast"), default="realtime", help="fast: every frame, no drops")
    parser.add_argument("--headless", action="store_true", help="no pictures on the terminal")
    parser.add_argument("--json", action="store_true", help="print summary.json at the end, all else to stderr")
    parser.add_argument(
        "--fault",
        type=_fault,
        action="append",
        default=[],
        metavar="PART@S[+S]",
        help="kill -9 a part: broker@8+10",
    )
    parser.add_argument("--keep", action="store_true", help="keep keys, ciphertext and crops in DIR/site, to look at")
    parser.add_argument("--alerted-min", type=_share, default=0.8, metavar="X", help="with truth: share to find (0.8)")
    parser.add_argument("--false-max", type=count_or_none, default=1, metavar="N", help="with truth: false alerts (1)")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="where results go")
    add_pack(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Raises: LfrError."""
    console = Console(stderr=options.json)
    try:
        result = Deployment(_wanted(options), console).run()
    except DeploymentBroken as error:
        Console(stderr=True).print(f"lfr-sim: {error}", markup=False)
        return EXIT_BROKEN
    if options.json:
        print(json.dumps(result.summary, indent=1))
    for line in result.short:
        console.print(f"[bold red]short[/bold red]      {line}", highlight=False)
    return EXIT_SHORT if result.short else 0


def _wanted(options: argparse.Namespace) -> Wanted:
    drawn = _drawn(options)
    if options.watchlist is None and (drawn is None or drawn.lists_dir is None):
        raise DeploymentRefused("--watchlist FOLDER is missing: need one photograph or folder per person to find")
    street: StreetWanted | DrawnWanted | None = drawn
    watchlist, filler, filler_count = options.watchlist, options.filler, options.filler_count
    if drawn is not None and drawn.lists_dir is not None:
        watchlist = drawn.lists_dir / "watchlist"
        filler = drawn.lists_dir / "filler" if drawn.filler_count else None
        filler_count = None
    elif options.camera == STREET:
        street = StreetWanted(options.people or options.watchlist, options.people_count, options.seed, options.density)
    synthetic = options.synthetic or (drawn is not None and drawn.lists_dir is not None)
    pack_dir = options.packs / (options.pack or (BRINGUP_PACK if synthetic else DEFAULT_PACK))
    if not (pack_dir / "pack.yaml").is_file():
        raise PackMissing(f"{pack_dir}: no such pack; list those there are with: lfr-models list")
    return Wanted(
        camera=None if street is not None else Path(options.camera),
        street=street,
        watchlist_dir=watchlist,
        filler_dir=filler,
        filler_count=filler_count,
        pack_dir=pack_dir,
        precision=options.precision,
        threshold=options.threshold,
        subjects="synthetic" if synthetic else "real",
        truth=options.truth,
        out=options.out,
        pace=options.pace,
        pictures=not options.headless and not options.json,
        faults=tuple(options.fault),
        keep=options.keep,
        alerted_share_min=options.alerted_min,
        false_alerts_max=options.false_max,
    )


def _drawn(options: argparse.Namespace) -> DrawnWanted | None:
    """The drawn street, where the camera is one. It draws its own lists, unless a watchlist is given."""
    if not options.camera.startswith(SCENARIO_PREFIX):
        return None
    scenario = options.camera.removeprefix(SCENARIO_PREFIX)
    if scenario.endswith((".yaml", ".yml")):
        scenario = str(Path(scenario).resolve())
    if options.watchlist is not None:
        return DrawnWanted(scenario, None, 0)
    if options.filler is not None:
        raise DeploymentRefused("--filler: a drawn street draws its own; say how many with --filler-count")
    return DrawnWanted(scenario, options.out / "people", options.filler_count or 0)


def _share(text: str) -> float:
    value = float(text)
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError(f"{text}: need a number between 0 and 1")
    return value


def _fault(text: str) -> Fault:
    try:
        return parse_fault(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
