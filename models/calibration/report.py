"""Calibrations as text for people: a table of thresholds, who looks alike, and one answer."""

from __future__ import annotations

from collections.abc import Sequence

from edge.formats.calibration import CalibrationTable
from models.calibration.answer import ThresholdAnswer
from models.tables import aligned

_MODELLED = "~"


def table_text(pack: str, table: CalibrationTable) -> str:
    """Thresholds with their intervals: a line for each size of list, a column for each FPIR."""
    levels = list(reversed(table.levels()))
    rows = [("ENTRIES", *(f"FPIR {level:g}" for level in levels))]
    for size in table.sizes():
        cells = [table.cell(size, level) for level in levels]
        rows.append(
            (
                f"{size:,}",
                *(
                    f"{_MODELLED if cell.evidence == 'extrapolated' else ''}{cell.threshold:.3f} "
                    f"({cell.low:.3f} to {cell.high:.3f})"
                    for cell in cells
                ),
            )
        )
    data, tail = table.data, table.tail
    return (
        f"{pack} {table.precision} on {table.backend} ({table.runtime}, {table.machine})\n"
        f"{data.description}: {data.people:,} {data.subjects} people, {data.templates:,} templates "
        f"({data.without_face} photographs without a face), {data.comparisons:,} comparisons of strangers\n"
        f"{aligned(rows)}\n"
        f"{_MODELLED} extrapolated: generalised Pareto above {tail.level:.3f} (shape {tail.shape:+.3f}, scale "
        f"{tail.scale:.4f}, {tail.exceedances:,} exceedances); where both are known it is within "
        f"{tail.gap_max:.4f} of what was measured"
    )


def alike_text(pairs: Sequence[tuple[str, str, float]]) -> str:
    """The pairs to look at."""
    rows = [(f"{score:.3f}", f"{name}={other}") for name, other, score in pairs]
    return f"most alike; is any of them one person under two names? then calibrate anew, with --same:\n{aligned(rows)}"


def answer_text(answer: ThresholdAnswer) -> str:
    """The threshold, its interval and its evidence."""
    between = "" if answer.cells == 1 else f", between {answer.cells} cells of the table"
    how = f"{answer.evidence}: {answer.pairs} pairs of different people reach it{between}"
    if answer.evidence == "extrapolated":
        how += "; too few to measure it, or fewer people than entries: by the model of the tail (docs/calibration.md)"
    return (
        f"{answer.threshold:.4f}   ({answer.confidence:.0%} interval {answer.low:.4f} to {answer.high:.4f})\n"
        f"for {answer.watchlist:,} entries at FPIR {answer.fpir:g} on {answer.threshold_backend}: "
        f"{answer.pack} version {answer.version}\n"
        f"{how}\n"
        f"data: {answer.data}; {answer.people:,} {answer.subjects} people, {answer.comparisons:,} comparisons of "
        f"strangers; {answer.runtime} on {answer.machine}"
    )
