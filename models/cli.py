"""lfr-models: what packs there are; bringing their weights, verifying, evaluating and calibrating them."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from edge import __version__
from edge.errors import LfrError
from edge.trust.packs import open_pack
from models import install_command
from models.arguments import PACKS_VARIABLE, add_command, add_runtime, count, pack_folder, runtime_of, show
from models.bench import commands as bench_commands
from models.calibration import commands as calibration_commands
from models.evaluate import evaluate_pack
from models.golden import commands as golden_commands
from models.listing import list_packs
from models.openset import read_open_set
from models.progress import counting_bar
from models.tables import evaluation_text, list_text

EXIT_GOOD, EXIT_FAULTY, EXIT_REFUSED = 0, 1, 2

_EPILOG = f"""\
A pack is a folder with a manifest, pack.yaml, that pins the SHA-256 of every file of weights. Weights of others
are not part of this software; `install` fetches or builds them, and puts in place nothing but what the manifest pins.

examples:
  lfr-models list
  lfr-models install street                                  # from where their makers publish them
  lfr-models install street --from ../shared/models          # or from a folder or mirror that holds the same files
  lfr-models install street --calibrate-on photographs --as mine
  lfr-models verify street
  lfr-models evaluate street --lfw ../shared/faces/lfw --precision int8
  lfr-models calibrate street --on ../shared/faces/lfw/images --describe 'LFW, news photographs'
  lfr-models bench street --threads 1 2 4
  lfr-models threshold street --watchlist 10000 --fpir 0.001

environment:
  {PACKS_VARIABLE}   the folder of packs, where --packs is not given

exit codes:
  0  done; the pack is good
  1  list: a manifest in the folder is invalid; verify: a backend is beyond tolerance
  2  refused: a missing, altered or unfitting file, a failed download, bad usage (the message says what to do)
"""


def main(argv: Sequence[str] | None = None) -> int:
    """The command; its exit code."""
    options = _parser().parse_args(argv)
    try:
        return int(options.run(options))
    except LfrError as error:
        if options.json:
            print(json.dumps({"good": False, "error": type(error).__name__, "message": str(error)}, indent=1))
        print(f"lfr-models: {error}", file=sys.stderr)
        return EXIT_REFUSED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="lfr-models",
        description="Model packs: list, install, verify, evaluate, calibrate.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"lfr-models {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    add_command(commands, "list", _list, "the packs there are, and whether their weights are installed")
    install_command.add_command_to(commands)
    golden_commands.add_commands(commands)
    bench_commands.add_commands(commands)
    evaluate = add_command(commands, "evaluate", _evaluate, "TPIR at FPIR 1 % and 0.1 % on an open set of photographs")
    evaluate.add_argument(
        "--lfw",
        type=Path,
        required=True,
        metavar="FOLDER",
        help="holds openset.csv (role,identity,image; role: gallery, probe, impostor) and images/IDENTITY/IMAGE.jpg",
    )
    evaluate.add_argument(
        "--precision", choices=("int8", "float32"), default="int8", help="weights to run (default: int8)"
    )
    evaluate.add_argument(
        "--workers", type=count, default=2, metavar="N", help="photographs at a time, 1 to 64 (default: 2)"
    )
    add_runtime(evaluate)
    calibration_commands.add_commands(commands)
    return parser


def _list(options: argparse.Namespace) -> int:
    packs = list_packs(options.packs)
    show(options, {"packs": [dataclasses.asdict(pack) for pack in packs]}, list_text(packs))
    return EXIT_FAULTY if any(pack.presence == "invalid" for pack in packs) else EXIT_GOOD


def _evaluate(options: argparse.Namespace) -> int:
    pack = open_pack(pack_folder(options), options.precision)
    photographs = read_open_set(options.lfw)
    with counting_bar(f"{options.name} {options.precision}") as report:
        evaluation = evaluate_pack(pack, runtime_of(options), photographs, options.workers, report)
    show(options, {"good": True, **dataclasses.asdict(evaluation)}, evaluation_text(evaluation))
    return EXIT_GOOD


if __name__ == "__main__":
    sys.exit(main())
