"""Verifying an installed pack: every hash, then each precision loaded as on the van, and timed once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from edge.clock import Clock
from edge.devices import Model, Runtime
from edge.formats.pack import NetworkInput, PackManifest, Precision
from edge.trust.packs import open_pack, read_manifest
from edge.vision.detect import Detector
from edge.vision.embed import Embedder
from models.install import check_file


@dataclass(frozen=True)
class PrecisionReport:
    """One precision of a pack that loads, and has the shapes its manifest states. Times: one run, for information."""

    precision: Precision
    detector_ms: float
    embedder_ms: float


@dataclass(frozen=True)
class PackReport:
    """A pack found good. sha256: of the manifest, which pins all the rest."""

    name: str
    version: int
    sha256: str
    files: int
    runtime: str
    precisions: tuple[PrecisionReport, ...]


def check_pack(folder: Path, runtime: Runtime, clock: Clock) -> PackReport:
    """Raises: PackMissing, PackInvalid, PackHashMismatch, ModelRejected, PackShapeMismatch, DelegateUnavailable."""
    manifest, sha256 = read_manifest(folder)
    for file in manifest.files():
        check_file(folder, file)
    reports = tuple(_check_precision(folder, precision, runtime, clock) for precision in precisions_of(manifest))
    return PackReport(
        manifest.name, manifest.version, sha256, len(manifest.files()), f"{runtime.name} {runtime.version}", reports
    )


def precisions_of(manifest: PackManifest) -> tuple[Precision, ...]:
    """The precisions for which the pack has both networks."""
    both = manifest.detector.files.keys() & manifest.embedder.files.keys()
    return tuple(precision for precision in get_args(Precision) if precision in both)


def _check_precision(folder: Path, precision: Precision, runtime: Runtime, clock: Clock) -> PrecisionReport:
    pack = open_pack(folder, precision)
    detector_spec, embedder_spec = pack.manifest.detector, pack.manifest.embedder
    detector = runtime.load(pack.detector, str(folder / detector_spec.files[precision].name))
    Detector(detector, detector_spec)
    embedder = runtime.load(pack.embedder, str(folder / embedder_spec.files[precision].name))
    Embedder(embedder, embedder_spec)
    return PrecisionReport(
        precision,
        _run_ms(detector, _grey(detector_spec.input), clock),
        _run_ms(embedder, _grey(embedder_spec.input), clock),
    )


def _grey(spec: NetworkInput) -> NDArray[np.uint8]:
    return np.full((1, spec.height_px, spec.width_px, 3), 128, np.uint8)


def _run_ms(model: Model, image: NDArray[np.uint8], clock: Clock) -> float:
    before_s = clock.monotonic_s()
    model.run(image)
    return (clock.monotonic_s() - before_s) * 1000
