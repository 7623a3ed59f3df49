"""lfr-models: what packs there are, bringing their weights, verifying and evaluating them."""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from edge import __version__
from edge.clock import SystemClock
from edge.drivers.litert import LiteRtRuntime, choose_runtime
from edge.errors import LfrError, PackInvalid
from edge.trust.packs import open_pack
from models.check import check_pack
from models.evaluate import evaluate_pack
from models.install import install_pack
from models.listing import list_packs
from models.openset import read_open_set
from models.progress import counting_bar, download_bars
from models.source import NoSource, Source, open_source
from models.tables import evaluation_text, install_text, list_text, report_text

PACKS_VARIABLE = "LFR_PACKS"
OWN_PACKS = Path(__file__).resolve().parent / "packs"

EXIT_GOOD, EXIT_FAULTY, EXIT_REFUSED = 0, 1, 2

_EPILOG = f"""\
A pack is a folder with a manifest, pack.yaml, that pins the SHA-256 of every file of weights. Weights of others
are not part of this software; `install` brings them, and puts in place nothing but what the manifest pins.

examples:
  lfr-models list
  lfr-models install street --from ../shared/models
  lfr-models install street --from https://models.example.org/street
  lfr-models verify street
  lfr-models evaluate street --lfw ../shared/faces/lfw --precision int8

environment:
  {PACKS_VARIABLE}   the folder of packs, where --packs is not given

exit codes:
  0  done; the pack is good
  1  list: a manifest in the folder is invalid
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
        description="Model packs: list, install, verify, evaluate.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"lfr-models {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _command(commands, "list", _list, "the packs there are, and whether their weights are installed")
    install = _command(commands, "install", _install, "bring a pack's weights, check them, and put them in place")
    install.add_argument(
        "--from",
        dest="place",
        metavar="FOLDER|URL",
        help="where the weights are: a folder or an http(s) address, below which lie the paths that the manifest "
        "calls `source`; a broken-off download goes on where it stopped",
    )
    verify = _command(commands, "verify", _verify, "check every hash, load every network, check its shapes, time it")
    evaluate = _command(commands, "evaluate", _evaluate, "TPIR at FPIR 1 % and 0.1 % on an open set of photographs")
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
        "--workers", type=_count, default=2, metavar="N", help="photographs at a time, 1 to 64 (default: 2)"
    )
    for command in (verify, evaluate):
        command.add_argument(
            "--runtime",
            choices=("auto", "litert", "tflite-runtime"),
            default="auto",
            help="inference runtime (default: the one installed, litert first)",
        )
        command.add_argument(
            "--threads", type=_count, default=1, metavar="N", help="threads a network may use, 1 to 64 (default: 1)"
        )
    return parser


def _command(commands: Any, name: str, run: Any, about: str) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = commands.add_parser(
        name, help=about.replace("%", "%%"), description=about[0].upper() + about[1:] + "."
    )
    if name != "list":
        command.add_argument("name", metavar="NAME", help="the pack, as `lfr-models list` names it")
    command.add_argument(
        "--packs",
        type=Path,
        default=Path(os.environ.get(PACKS_VARIABLE) or OWN_PACKS),
        metavar="DIR",
        help=f"folder of packs (default: ${PACKS_VARIABLE}, or the packs of this software)",
    )
    command.add_argument("--json", action="store_true", help="for machines")
    command.set_defaults(run=run)
    return command


def _count(text: str) -> int:
    value = int(text)
    if not 1 <= value <= 64:
        raise argparse.ArgumentTypeError(f"{value}: need 1 to 64")
    return value


def _list(options: argparse.Namespace) -> int:
    packs = list_packs(options.packs)
    _show(options, {"packs": [dataclasses.asdict(pack) for pack in packs]}, list_text(packs))
    return EXIT_FAULTY if any(pack.presence == "invalid" for pack in packs) else EXIT_GOOD


def _install(options: argparse.Namespace) -> int:
    folder = _folder(options)
    source: Source = NoSource(f"lfr-models install {options.name} --from FOLDER|URL{_hint()}")
    if options.place is not None:
        source = open_source(options.place)
    with download_bars() as progress:
        files = install_pack(folder, source, progress)
    fields = {"good": True, "pack": options.name, "files": [dataclasses.asdict(file) for file in files]}
    _show(options, fields, install_text(options.name, files))
    return EXIT_GOOD


def _verify(options: argparse.Namespace) -> int:
    report = check_pack(_folder(options), _runtime(options), SystemClock())
    _show(options, {"good": True, **dataclasses.asdict(report)}, report_text(report))
    return EXIT_GOOD


def _evaluate(options: argparse.Namespace) -> int:
    pack = open_pack(_folder(options), options.precision)
    photographs = read_open_set(options.lfw)
    with counting_bar(f"{options.name} {options.precision}") as report:
        evaluation = evaluate_pack(pack, _runtime(options), photographs, options.workers, report)
    _show(options, {"good": True, **dataclasses.asdict(evaluation)}, evaluation_text(evaluation))
    return EXIT_GOOD


def _folder(options: argparse.Namespace) -> Path:
    """Raises: PackInvalid for a name that is a path."""
    if not options.name or Path(options.name).name != options.name or options.name.startswith("."):
        raise PackInvalid(f"{options.name!r}: need a pack's name, not a path; its folder goes to --packs")
    return Path(options.packs) / options.name


def _runtime(options: argparse.Namespace) -> LiteRtRuntime:
    return choose_runtime(options.runtime, options.threads)


def _hint() -> str:
    """Where prepared weights lie beside this checkout, as the user would type it."""
    prepared = OWN_PACKS.parents[2] / "shared" / "models"
    return f"; prepared weights are in {os.path.relpath(prepared)}" if prepared.is_dir() else ""


def _show(options: argparse.Namespace, fields: dict[str, Any], text: str) -> None:
    print(json.dumps(fields, indent=1) if options.json else text)


if __name__ == "__main__":
    sys.exit(main())
