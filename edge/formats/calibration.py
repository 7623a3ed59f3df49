"""The calibration of a pack: which threshold gives which FPIR on a list of which size (PACK.md 6)."""

from __future__ import annotations

import math
from bisect import bisect_left
from dataclasses import dataclass
from itertools import pairwise, product
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from edge.errors import OutsideCalibration
from edge.formats.pack import Precision, Sha256, Subjects

Backend = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._+-]{0,47}$")]
Share = Annotated[float, Field(gt=0, lt=1)]
Cosine = Annotated[float, Field(ge=-1, le=1)]
Count = Annotated[int, Field(ge=0, lt=2**53)]
Text = Annotated[str, Field(min_length=1, max_length=400)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class CalibrationData(_Part):
    """What was compared. merged: folders declared to be of a person who has another."""

    description: Text
    subjects: Subjects
    people: Count
    templates: Count
    without_face: Count
    merged: Count
    comparisons: Count


class TailFit(_Part):
    """The fitted tail of the similarities between strangers, and how far it is from what was measured at most."""

    level: Cosine
    share_above: Share
    scale: Annotated[float, Field(gt=0)]
    shape: float
    exceedances: Count
    gap_max: Annotated[float, Field(ge=0, le=2)]


class CalibrationCell(_Part):
    """A threshold, its interval, and what it rests on. pairs: of people, at or above it in the data."""

    watchlist: Annotated[int, Field(ge=1, le=10_000_000)]
    fpir: Share
    threshold: Cosine
    low: Cosine
    high: Cosine
    evidence: Literal["measured", "extrapolated"]
    pairs: Count

    @model_validator(mode="after")
    def _interval_holds_its_threshold(self) -> CalibrationCell:
        if not self.low <= self.threshold <= self.high:
            raise ValueError(f"threshold {self.threshold} outside its interval {self.low} to {self.high}")
        return self


@dataclass(frozen=True)
class Interpolated:
    """A threshold at a point of a table, its interval, and the cells that it lies between: 1, 2 or 4."""

    threshold: float
    low: float
    high: float
    cells: tuple[CalibrationCell, ...]

    @property
    def evidence(self) -> Literal["measured", "extrapolated"]:
        """What it rests on, at the weakest of its cells."""
        return "measured" if all(cell.evidence == "measured" for cell in self.cells) else "extrapolated"


class CalibrationTable(_Part):
    """Every threshold for one backend and precision."""

    backend: Backend
    precision: Precision
    runtime: Text
    machine: Text
    detector_sha256: Sha256
    embedder_sha256: Sha256
    data: CalibrationData
    tail: TailFit
    confidence: Share
    resamples: Count
    seed: Count
    cells: Annotated[list[CalibrationCell], Field(min_length=1, max_length=1000)]

    @model_validator(mode="after")
    def _cells_are_a_whole_table(self) -> CalibrationTable:
        cells = {(cell.watchlist, cell.fpir): cell.threshold for cell in self.cells}
        if len(cells) != len(self.cells) or set(cells) != set(product(self.sizes(), self.levels())):
            raise ValueError("cells are not every size of watchlist with every FPIR, once")
        rising = [[cells[size, fpir] for size in self.sizes()] for fpir in self.levels()]
        rising += [[cells[size, fpir] for fpir in reversed(self.levels())] for size in self.sizes()]
        if any(first > second for steps in rising for first, second in pairwise(steps)):
            raise ValueError("a threshold is lower for a longer list, or for a smaller FPIR")
        return self

    def sizes(self) -> list[int]:
        """The sizes of watchlist, rising."""
        return sorted({cell.watchlist for cell in self.cells})

    def levels(self) -> list[float]:
        """The FPIR levels, rising."""
        return sorted({cell.fpir for cell in self.cells})

    def cell(self, watchlist: int, fpir: float) -> CalibrationCell:
        """The cell of a size and a level that are in the table."""
        return next(cell for cell in self.cells if (cell.watchlist, cell.fpir) == (watchlist, fpir))

    def at(self, watchlist: int, fpir: float) -> Interpolated:
        """The threshold for a size of list and an FPIR: linear between cells in the logarithms of both.

        Rounded up to four decimals, as the table's own. Raises: OutsideCalibration.
        """
        sizes, levels = self.sizes(), self.levels()
        if not sizes[0] <= watchlist <= sizes[-1]:
            raise OutsideCalibration(f"a list of {watchlist:,}, calibrated are {sizes[0]:,} to {sizes[-1]:,} entries")
        if not levels[0] <= fpir <= levels[-1]:
            raise OutsideCalibration(f"FPIR {fpir:g}, calibrated are {levels[0]:g} to {levels[-1]:g}")
        corners = [
            (self.cell(int(size), level), size_weight * level_weight)
            for size, size_weight in _between([float(size) for size in sizes], float(watchlist))
            for level, level_weight in _between(levels, fpir)
        ]
        threshold, low, high = (
            math.fsum(weight * value for (_, weight), value in zip(corners, values, strict=True))
            for values in zip(*((cell.threshold, cell.low, cell.high) for cell, _ in corners), strict=True)
        )
        if threshold >= 1:
            raise OutsideCalibration(
                f"no similarity gives FPIR {fpir:g} on a list of {watchlist:,}; "
                "shorten the list, or accept more false alarms"
            )
        cells = tuple(cell for cell, _ in corners)
        return Interpolated(_four_decimals(threshold), _four_decimals(low), _four_decimals(high), cells)


class Calibration(_Part):
    """All tables of a pack."""

    format: Literal[1]
    tables: Annotated[list[CalibrationTable], Field(min_length=1, max_length=64)]

    @model_validator(mode="after")
    def _one_table_for_each_backend(self) -> Calibration:
        backends = [(table.backend, table.precision) for table in self.tables]
        if len(set(backends)) != len(backends):
            raise ValueError("two tables for one backend and precision")
        return self

    def table(self, backend: str, precision: Precision) -> CalibrationTable | None:
        """The table of a backend and a precision, if there is one."""
        return next((each for each in self.tables if (each.backend, each.precision) == (backend, precision)), None)


def _between(steps: list[float], value: float) -> list[tuple[float, float]]:
    """The step that a value is, or the two that it lies between, each with its weight."""
    above = bisect_left(steps, value)
    if steps[above] == value:
        return [(value, 1.0)]
    below = steps[above - 1]
    share = math.log(value / below) / math.log(steps[above] / below)
    return [(below, 1 - share), (steps[above], share)]


def _four_decimals(similarity: float) -> float:
    """Upwards."""
    return min(math.ceil(similarity * 1e4 - 1e-6) / 1e4, 1.0)
