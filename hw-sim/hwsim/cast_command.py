"""lfr-sim cast: pick a watchlist, passers-by and filler from a folder of people."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from hwsim.arguments import add_pack, add_seed, count, count_or_none
from hwsim.cast import choose_cast, write_cast
from hwsim.street.finder import choose_finder
from hwsim.street.people import find_people

_ABOUT = "pick a cast from a folder of people: a watchlist, a street, filler"


def add_parser(commands: Any) -> None:
    """Add the sub-command to argparse's sub-parsers."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "cast",
        help=_ABOUT,
        description=f"{_ABOUT[0].upper()}{_ABOUT[1:]}. Nobody on the list walks past with the photograph that "
        "enrolled them. Photographs without one clear face are passed over where a pack is installed.",
    )
    parser.add_argument(
        "--from",
        dest="source",
        type=Path,
        required=True,
        metavar="FOLDER",
        help="FOLDER/<person>/*.jpg or FOLDER/<person>.jpg",
    )
    parser.add_argument("--people", type=count, required=True, metavar="N", help="how many walk past")
    parser.add_argument("--on-list", type=count_or_none, required=True, metavar="N", help="how many of them are listed")
    parser.add_argument(
        "--filler-count", type=count_or_none, default=0, metavar="N", help="listed people who stay away"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="the folder to write")
    add_seed(parser)
    add_pack(parser)
    parser.add_argument("--json", action="store_true", help="a summary for machines")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Raises: PhotographsMissing, CastTooSmall, FolderInUse, PackMissing, PackInvalid."""
    finder = choose_finder(options.packs, options.pack)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=Console(stderr=True)) as bars:
        choosing = bars.add_task("choosing", total=options.people + options.filler_count)
        cast = choose_cast(
            find_people(options.source),
            options.people,
            options.on_list,
            options.filler_count,
            options.seed,
            finder.accepts,
            finder.enrols,
            lambda done: bars.update(choosing, completed=done),
        )
    write_cast(cast, options.out)
    summary = {
        "out": str(options.out),
        "seed": cast.seed,
        "on_list": len(cast.on_list),
        "passers_by": len(cast.passers_by),
        "filler": len(cast.filler),
        "faces_found_by": finder.pack or "assumed centred",
    }
    if options.json:
        print(json.dumps(summary))
    else:
        print(
            f"{options.out}: {len(cast.on_list)} on the watchlist and {len(cast.passers_by)} others walk past, "
            f"{len(cast.filler)} filler (seed {cast.seed}, faces by {summary['faces_found_by']})"
        )
    return 0
