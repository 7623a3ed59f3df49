"""`lfr-models install`: weights fetched as they are, or built after the recipe beside the manifest."""

from __future__ import annotations

import argparse
import dataclasses
import os
from pathlib import Path
from typing import Any

from edge.drivers.litert import choose_runtime
from edge.errors import PackInvalid
from models.arguments import OWN_PACKS, add_command, pack_folder, show
from models.build.recipe import Recipe, read_recipe
from models.install import install_pack
from models.install_recipe import BuildRequest, install_recipe
from models.progress import StepLines, download_bars
from models.source import NoSource, Source, UpstreamSource, open_source
from models.tables import build_text, install_text

_EXIT_GOOD = 0


def add_command_to(commands: Any) -> None:
    """Add `install` to the sub-parsers of lfr-models."""
    install = add_command(
        commands, "install", _install, "bring or build a pack's weights, check them, put them in place"
    )
    install.add_argument(
        "--from",
        dest="place",
        metavar="FOLDER|URL",
        help="a folder or an http(s) address below which lie the paths that manifest or recipe call `source` (default, "
        "with a recipe: where the makers publish them); a broken-off download goes on where it stopped",
    )
    install.add_argument(
        "--calibrate-on",
        type=Path,
        metavar="FOLDER",
        help="with a recipe: photographs with a face each, whose ranges are taken in place of those kept with it",
    )
    install.add_argument(
        "--as",
        dest="new_name",
        metavar="NEW",
        help="with a recipe: write what was built as a pack of this name, with a manifest of its own",
    )


def _install(options: argparse.Namespace) -> int:
    folder = pack_folder(options)
    recipe = read_recipe(folder)
    if recipe is not None:
        return _build(options, folder, recipe)
    if options.calibrate_on is not None or options.new_name is not None:
        raise PackInvalid(f"{options.name}: its weights are fetched, not built: no --calibrate-on and no --as")
    source: Source = NoSource(f"lfr-models install {options.name} --from FOLDER|URL")
    if options.place is not None:
        source = open_source(options.place)
    with download_bars() as progress:
        files = install_pack(folder, source, progress)
    fields = {"good": True, "pack": options.name, "files": [dataclasses.asdict(file) for file in files]}
    show(options, fields, install_text(options.name, files))
    return _EXIT_GOOD


def _build(options: argparse.Namespace, folder: Path, recipe: Recipe) -> int:
    if options.new_name is not None:
        pack_folder(argparse.Namespace(name=options.new_name, packs=options.packs))
    source: Source = UpstreamSource(_hint(options.name)) if options.place is None else open_source(options.place)
    request = BuildRequest(folder, recipe, options.calibrate_on, options.new_name)
    with download_bars() as fetched:
        done = install_recipe(request, source, choose_runtime("auto", 1), fetched, StepLines())
    fields = {"good": True, "pack": done.name, **dataclasses.asdict(done)}
    show(options, fields, f"{install_text(done.name, done.files)}{build_text(done)}")
    return _EXIT_GOOD


def _hint(name: str) -> str:
    """What to type where the network cannot be reached and the files lie beside this checkout."""
    prepared = OWN_PACKS.parents[2] / "shared" / "models"
    place = os.path.relpath(prepared) if prepared.is_dir() else "FOLDER"
    return f"lfr-models install {name} --from {place}"
