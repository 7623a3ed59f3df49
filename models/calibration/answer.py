"""What threshold a list of some size needs for some FPIR: the calibration's answer, with its interval and evidence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from edge.errors import CalibrationMissing, OutsideCalibration
from edge.formats.calibration import CalibrationTable
from edge.formats.pack import Precision
from edge.trust.packs import VerifiedPack


@dataclass(frozen=True)
class ThresholdAnswer:
    """A threshold for an order, and what it rests on.

    threshold_backend: as an order writes it. pairs: pairs of people at or above it in the data, in the cell with the
    fewest. cells: 1, or the 2 or 4 that it lies between.
    """

    pack: str
    version: int
    sha256: str
    threshold_backend: str
    watchlist: int
    fpir: float
    threshold: float
    low: float
    high: float
    confidence: float
    evidence: Literal["measured", "extrapolated"]
    pairs: int
    cells: int
    people: int
    comparisons: int
    subjects: str
    data: str
    runtime: str
    machine: str


def answer(pack: VerifiedPack, backend: str, watchlist: int, fpir: float) -> ThresholdAnswer:
    """Raises: CalibrationMissing, OutsideCalibration."""
    table = table_for(pack, backend, pack.precision)
    try:
        found = table.at(watchlist, fpir)
    except OutsideCalibration as error:
        raise OutsideCalibration(f"{pack.manifest.name}: {error}") from None
    return ThresholdAnswer(
        pack=pack.manifest.name,
        version=pack.manifest.version,
        sha256=pack.sha256,
        threshold_backend=f"{backend}/{pack.precision}",
        watchlist=watchlist,
        fpir=fpir,
        threshold=found.threshold,
        low=found.low,
        high=found.high,
        confidence=table.confidence,
        evidence=found.evidence,
        pairs=min(cell.pairs for cell in found.cells),
        cells=len(found.cells),
        people=table.data.people,
        comparisons=table.data.comparisons,
        subjects=table.data.subjects,
        data=table.data.description,
        runtime=table.runtime,
        machine=table.machine,
    )


def table_for(pack: VerifiedPack, backend: str, precision: Precision) -> CalibrationTable:
    """Raises: CalibrationMissing, naming what there is."""
    tables = [] if pack.calibration is None else pack.calibration.tables
    table = None if pack.calibration is None else pack.calibration.table(backend, precision)
    if table is None:
        there = ", ".join(f"{each.backend}/{each.precision}" for each in tables) or "none"
        raise CalibrationMissing(
            f"{pack.manifest.name} version {pack.manifest.version}: no calibration for {backend}/{precision}; "
            f"there is: {there}; make one with: lfr-models calibrate {pack.manifest.name} --on FOLDER"
        )
    return table
