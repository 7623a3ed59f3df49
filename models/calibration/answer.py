"""What threshold a list of some size needs for some FPIR: the calibration's answer, with its interval and evidence."""

from __future__ import annotations

import math
from bisect import bisect_left
from dataclasses import dataclass
from typing import Literal

from edge.errors import CalibrationMissing, OutsideCalibration
from edge.formats.calibration import CalibrationCell, CalibrationTable
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
    sizes, levels = table.sizes(), table.levels()
    if not sizes[0] <= watchlist <= sizes[-1]:
        raise OutsideCalibration(
            f"{pack.manifest.name}: a list of {watchlist:,}, calibrated are {sizes[0]:,} to {sizes[-1]:,} entries"
        )
    if not levels[0] <= fpir <= levels[-1]:
        raise OutsideCalibration(f"{pack.manifest.name}: FPIR {fpir:g}, calibrated are {levels[0]:g} to {levels[-1]:g}")
    corners = _corners(table, watchlist, fpir)
    threshold, low, high = (
        math.fsum(weight * value for weight, value in zip(corners.values(), values, strict=True))
        for values in zip(*((cell.threshold, cell.low, cell.high) for cell in corners), strict=True)
    )
    if threshold >= 1:
        raise OutsideCalibration(
            f"{pack.manifest.name}: no similarity gives FPIR {fpir:g} on a list of {watchlist:,}; "
            "shorten the list, or accept more false alarms"
        )
    return ThresholdAnswer(
        pack=pack.manifest.name,
        version=pack.manifest.version,
        sha256=pack.sha256,
        threshold_backend=f"{backend}/{pack.precision}",
        watchlist=watchlist,
        fpir=fpir,
        threshold=_four_decimals(threshold),
        low=_four_decimals(low),
        high=_four_decimals(high),
        confidence=table.confidence,
        evidence="measured" if all(cell.evidence == "measured" for cell in corners) else "extrapolated",
        pairs=min(cell.pairs for cell in corners),
        cells=len(corners),
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


def _corners(table: CalibrationTable, watchlist: int, fpir: float) -> dict[CalibrationCell, float]:
    """The cells around a point and their weights: linear between them in the logarithms of size and FPIR."""
    return {
        table.cell(int(size), level): size_weight * level_weight
        for size, size_weight in _between([float(size) for size in table.sizes()], float(watchlist))
        for level, level_weight in _between(table.levels(), fpir)
    }


def _between(steps: list[float], value: float) -> list[tuple[float, float]]:
    """The step that a value is, or the two that it lies between, each with its weight."""
    above = bisect_left(steps, value)
    if steps[above] == value:
        return [(value, 1.0)]
    below = steps[above - 1]
    share = math.log(value / below) / math.log(steps[above] / below)
    return [(below, 1 - share), (steps[above], share)]


def _four_decimals(similarity: float) -> float:
    """Upwards, as the table's own."""
    return min(math.ceil(similarity * 1e4 - 1e-6) / 1e4, 1.0)
