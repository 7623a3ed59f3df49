"""Building a pack's weights after its recipe: fetch, read, calibrate, quantise, compare; then into place, whole."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from edge.devices import Model, Runtime
from edge.errors import PackInvalid
from edge.formats.pack import PackFile, PackManifest, Precision
from edge.vision.align import Aligner
from edge.vision.detect import Detector
from edge.vision.embed import Embedder
from models.build.calibrate import calibrate, float_file, int8_file
from models.build.compare import Closeness, compare_detectors, compare_embedders
from models.build.graph import Graph
from models.build.networks import prepare, read_detector, read_embedder
from models.build.photographs import CalibrationPictures, Picture, calibration_pictures, read_photographs
from models.build.ranges_file import ranges_bytes, read_ranges
from models.build.recipe import Recipe
from models.build.workbench import Workbench

Fetch = Callable[[PackFile], bytes]
"""Brings an upstream file, checked."""


class BuildProgress(Protocol):
    """What a build tells of itself."""

    def begin(self, step: str) -> None:
        """The next step, in words."""

    def count(self, done: int, total: int) -> None:
        """Within a step that takes a while."""


@dataclass(frozen=True)
class Built:
    """weights: by the manifest's file names. ranges: by the recipe's. closeness: of int8 to float32."""

    weights: Mapping[str, bytes]
    ranges: Mapping[str, bytes]
    closeness: Closeness


class PackBuilder:
    """One build. Make it, and call `build`."""

    def __init__(
        self,
        folder: Path,
        manifest: PackManifest,
        recipe: Recipe,
        runtime: Runtime,
        bench: Workbench,
        progress: BuildProgress,
    ) -> None:
        """folder: where the recipe's ranges lie. runtime: on the CPU, to calibrate and compare with."""
        self._folder = folder
        self._manifest = manifest
        self._recipe = recipe
        self._runtime = runtime
        self._bench = bench
        self._progress = progress

    def build(self, fetch: Fetch, calibrate_on: Path | None) -> Built:
        """Every file of the manifest. calibrate_on: photographs, in place of the ranges kept with the recipe.

        Raises: DownloadFailed, PackHashMismatch, InstallFailed, GraphInvalid, PhotographsMissing, NoFaceFound,
        BuildBelowFloor.
        """
        if "int8" not in self._manifest.detector.files.keys() & self._manifest.embedder.files.keys():
            raise PackInvalid(f"{self._manifest.name}: a recipe builds int8, and the manifest has no int8 files")
        self._progress.begin("fetch the networks as their makers publish them, and check their hashes")
        onnx = fetch(self._recipe.detector.onnx)
        xml, weights = fetch(self._recipe.embedder.xml), fetch(self._recipe.embedder.bin)
        self._progress.begin("read them; rewrite them in operators that have fast int8 kernels")
        sizes = self._manifest.detector.sizes
        detectors = [read_detector(onnx, size.input) for size in sizes]
        embedder = read_embedder(xml, weights)
        originals = (onnx, xml, weights)
        ranges = (
            self._kept_ranges()
            if calibrate_on is None
            else self._new_ranges(calibrate_on, originals, detectors[0], embedder)
        )
        self._progress.begin("equalise across layers, and quantise to int8")
        made: dict[str, bytes] = {}
        for size, graph in zip(sizes, detectors, strict=True):
            made |= self._files(graph, size.files, ranges[self._recipe.detector.ranges], originals)
        made |= self._files(embedder, self._manifest.embedder.files, ranges[self._recipe.embedder.ranges], originals)
        self._progress.begin("compare int8 with float32 on rendered faces that neither was calibrated on")
        return Built(made, ranges, self._compare(detectors[0], embedder, made))

    def _files(
        self, graph: Graph, files: Mapping[Precision, PackFile], ranges: bytes, originals: tuple[bytes, ...]
    ) -> dict[str, bytes]:
        def make_float32() -> bytes:
            return float_file(graph)

        def make_int8() -> bytes:
            return int8_file(prepare(graph), read_ranges(ranges, graph.name, f"{graph.name}'s ranges"))

        makers = {"float32": make_float32, "int8": make_int8}
        inputs = (*originals, ranges, str(graph.input_shape).encode())
        return {
            file.name: self._bench.step(f"{graph.name}-{precision}", inputs, makers[precision])
            for precision, file in files.items()
        }

    def _kept_ranges(self) -> dict[str, bytes]:
        self._progress.begin("take the ranges kept with the recipe: of rendered people, the same everywhere")
        names = (self._recipe.detector.ranges, self._recipe.embedder.ranges)
        return {name: (self._folder / name).read_bytes() for name in names}

    def _new_ranges(
        self, folder: Path, originals: tuple[bytes, ...], detector: Graph, embedder: Graph
    ) -> dict[str, bytes]:
        self._progress.begin(f"calibrate on the photographs in {folder}")
        photographs = read_photographs(folder)
        shown = b"".join(photograph.tobytes() for photograph in photographs)
        described = f"{len(photographs)} photographs (SHA-256 of their pixels {hashlib.sha256(shown).hexdigest()[:16]})"

        def pictures() -> CalibrationPictures:
            spec = self._manifest.detector
            finder = Detector(self._runtime.load(float_file(detector), "detector, float32"), spec)
            return calibration_pictures(photographs, finder, Aligner(self._manifest.embedder), spec.input, described)

        prepared: list[CalibrationPictures] = []

        def make(graph: Graph, choose: Callable[[CalibrationPictures], tuple[Picture, ...]]) -> bytes:
            if not prepared:
                prepared.append(pictures())
            found = calibrate(prepare(graph), self._runtime, choose(prepared[0]), self._progress.count)
            return ranges_bytes(graph.name, described, found)

        inputs = (*originals, shown)
        return {
            self._recipe.detector.ranges: self._bench.step(
                "detector-ranges", inputs, lambda: make(detector, lambda found: found.frames)
            ),
            self._recipe.embedder.ranges: self._bench.step(
                "embedder-ranges", inputs, lambda: make(embedder, lambda found: found.faces)
            ),
        }

    def _compare(self, detector: Graph, embedder: Graph, made: Mapping[str, bytes]) -> Closeness:
        """The first size of detector, and the embedder, against the float networks they come from."""
        size, faces = self._manifest.detector.sizes[0], self._manifest.embedder
        spec = self._manifest.detector.of_size(size)

        def load(content: bytes, label: str) -> Model:
            return self._runtime.load(content, label)

        finder = Detector(load(float_file(detector), "detector, float32"), spec)
        quick_finder = Detector(load(made[size.files["int8"].name], "detector, int8"), spec)
        embed = Embedder(load(float_file(embedder), "embedder, float32"), faces)
        quick_embed = Embedder(load(made[faces.files["int8"].name], "embedder, int8"), faces)
        sure, found = compare_detectors(quick_finder, finder)
        return Closeness(sure, found, compare_embedders(quick_embed, embed, finder, Aligner(faces)))
