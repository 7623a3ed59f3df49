"""What the commands of lfr-models have in common: the pack, the runtime, and output for people or machines."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from edge.drivers.litert import LiteRtRuntime, choose_runtime
from edge.errors import PackInvalid

PACKS_VARIABLE = "LFR_PACKS"
OWN_PACKS = Path(__file__).resolve().parent / "packs"


def add_command(
    commands: Any, name: str, run: Callable[[argparse.Namespace], int], about: str
) -> argparse.ArgumentParser:
    """Add a sub-command to argparse's sub-parsers."""
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


def add_runtime(command: argparse.ArgumentParser, threads: bool = True) -> None:
    """Add what chooses the inference runtime. threads: one number of them, too."""
    command.add_argument(
        "--runtime",
        choices=("auto", "litert", "tflite-runtime"),
        default="auto",
        help="inference runtime (default: the one installed, litert first)",
    )
    command.add_argument("--delegate", metavar="LIBRARY", help="the accelerator's delegate (default: the CPU)")
    if threads:
        command.add_argument(
            "--threads", type=count, default=1, metavar="N", help="threads a network may use, 1 to 64 (default: 1)"
        )


def count(text: str) -> int:
    """1 to 64, for argparse."""
    value = int(text)
    if not 1 <= value <= 64:
        raise argparse.ArgumentTypeError(f"{value}: need 1 to 64")
    return value


def pack_folder(options: argparse.Namespace) -> Path:
    """Raises: PackInvalid for a name that is a path."""
    if not options.name or Path(options.name).name != options.name or options.name.startswith("."):
        raise PackInvalid(f"{options.name!r}: need a pack's name, not a path; its folder goes to --packs")
    return Path(options.packs) / options.name


def runtime_of(options: argparse.Namespace) -> LiteRtRuntime:
    """Raises: RuntimeUnavailable, DelegateUnavailable."""
    return choose_runtime(options.runtime, options.threads, options.delegate)


def show(options: argparse.Namespace, fields: dict[str, Any], text: str) -> None:
    """Print one of the two."""
    print(json.dumps(fields, indent=1) if options.json else text)
