"""Installing a pack whose weights are built here: into its own folder as its manifest pins them, or as a new pack."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from edge.devices import Runtime
from edge.errors import PackHashMismatch, PackInvalid
from edge.formats.pack import PackFile, PackManifest
from edge.trust.packs import MANIFEST_NAME, read_manifest
from models.build.compare import Closeness
from models.build.pack_builder import BuildProgress, Built, PackBuilder
from models.build.recipe import RECIPE_NAME, Recipe
from models.build.workbench import Workbench
from models.install import PARTIAL_FOLDER, InstalledFile, Progress, fetch_aside, forget, is_good, put_in_place
from models.source import Source


@dataclass(frozen=True)
class BuildRequest:
    """What to build. folder: of manifest and recipe. calibrate_on: photographs, or the ranges kept with the recipe.

    new_name: of a pack beside it, with a manifest of its own; None: the pack itself, byte for byte as pinned.
    """

    folder: Path
    recipe: Recipe
    calibrate_on: Path | None = None
    new_name: str | None = None


@dataclass(frozen=True)
class InstalledBuild:
    """files: now in place. closeness: of int8 to float32, where anything had to be built."""

    name: str
    files: tuple[InstalledFile, ...]
    closeness: Closeness | None


def install_recipe(
    request: BuildRequest, source: Source, runtime: Runtime, fetched: Progress, progress: BuildProgress
) -> InstalledBuild:
    """Build what is not there yet, or is not as pinned, and put it in place by renames, the manifest last.

    Raises: PackMissing, PackInvalid, PackHashMismatch (both hashes), DownloadFailed, InstallFailed, GraphInvalid,
    PhotographsMissing, NoFaceFound, BuildBelowFloor.
    """
    manifest, _ = read_manifest(request.folder)
    if request.calibrate_on is not None and request.new_name is None:
        raise PackInvalid(
            f"{manifest.name}: weights calibrated on other photographs are not those its manifest pins; "
            "give the pack that holds them a name with --as NAME"
        )
    if request.new_name is None and all(is_good(request.folder, file) for file in manifest.files()):
        return InstalledBuild(manifest.name, _installed(manifest, built=False), None)
    into = request.folder if request.new_name is None else request.folder.parent / request.new_name
    aside = into / PARTIAL_FOLDER
    bench = Workbench(aside)
    builder = PackBuilder(request.folder, manifest, request.recipe, runtime, bench, progress)
    built = builder.build(lambda file: fetch_aside(aside, file, source, fetched), request.calibrate_on)
    if request.new_name is None:
        progress.begin("check every file against the manifest, and put it in place")
        _check_pinned(manifest, built)
        put_in_place(into, built.weights)
    else:
        progress.begin(f"write the pack {request.new_name} and its manifest")
        manifest = _renewed(manifest, request, built, into)
        recipe = (request.folder / RECIPE_NAME).read_bytes()
        put_in_place(into, {**built.weights, **built.ranges, RECIPE_NAME: recipe, MANIFEST_NAME: _dumped(manifest)})
    bench.clear()
    forget(aside)
    return InstalledBuild(manifest.name, _installed(manifest, built=True), built.closeness)


def _installed(manifest: PackManifest, built: bool) -> tuple[InstalledFile, ...]:
    return tuple(InstalledFile(file.name, file.size_bytes, file.sha256, built) for file in manifest.files())


def _check_pinned(manifest: PackManifest, built: Built) -> None:
    for file in manifest.files():
        found = hashlib.sha256(built.weights[file.name]).hexdigest()
        if found != file.sha256:
            raise PackHashMismatch(
                f"{file.name}: built here with SHA-256 {found}, the manifest of the pack pins {file.sha256}; "
                "the versions of numpy, flatbuffers and ai-edge-litert are not those it was made with: "
                "install those of requirements/lock.txt, or build a pack of your own with --as NAME"
            )


def _renewed(manifest: PackManifest, request: BuildRequest, built: Built, into: Path) -> PackManifest:
    """The manifest of what was built: without calibration and goldens, which are of other weights."""
    version = read_manifest(into)[0].version + 1 if (into / MANIFEST_NAME).is_file() else 1
    fields = manifest.model_dump(mode="json", exclude_none=True, exclude={"calibration", "goldens"})
    fields |= {"name": request.new_name, "version": version}
    for size in fields["detector"]["sizes"]:
        _pin(size["files"], built.weights)
    _pin(fields["embedder"]["files"], built.weights)
    return PackManifest.model_validate(fields)


def _pin(files: dict[str, dict[str, Any]], weights: Mapping[str, bytes]) -> None:
    for file in files.values():
        content = weights[PackFile.model_validate(file).name]
        file |= {"sha256": hashlib.sha256(content).hexdigest(), "size_bytes": len(content)}


def _dumped(manifest: PackManifest) -> bytes:
    fields = manifest.model_dump(mode="json", exclude_none=True)
    text: str = yaml.safe_dump(fields, sort_keys=False, width=118, allow_unicode=True)
    return text.encode()
