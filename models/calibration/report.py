"""Calibrations as text for people: a table of thresholds, who looks alike, and one answer."""

from __future__ import annotations

from collections.abc import Sequence

from edge.formats.calibration import CalibrationTable
from models.accuracy import Rate
from models.calibration.answer import ThresholdAnswer
from models.calibration.validate import MATES_FPIR, Validation
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


def validation_text(found: Validation) -> str:
    """What came of asking tables of fewer people."""
    rows = [
        (
            "ENTRIES",
            "FPIR",
            "MEASURED ON ALL",
            f"{found.people} PEOPLE: MEAN OFF",
            "DEVIATION",
            "INTERVALS THAT HELD IT",
        )
    ]
    rows += [
        (
            f"{trial.watchlist:,}",
            f"{trial.fpir:g}",
            f"{trial.measured:.3f}",
            f"{trial.bias:+.3f}",
            f"{trial.deviation:.3f}",
            f"{trial.held} of {found.draws}",
        )
        for trial in found.trials
    ]
    mates = [("ENTRIES", f"FPIR {MATES_FPIR:g}", "MATED COMPARISONS THAT REACH IT (95 %, by people)")]
    mates += [(f"{one.watchlist:,}", f"{one.threshold:.3f}", _rate_text(one.rate)) for one in found.mates]
    return f"{found.draws} tables, each of {found.people} people\n{aligned(rows)}\n\n{aligned(mates)}"


def _rate_text(rate: Rate | None) -> str:
    if rate is None:
        return "nobody has two photographs"
    near = rate.interval
    return (
        f"{rate.successes} of {rate.trials}, {rate.people} people: {near.share:.3f} ({near.low:.3f} to {near.high:.3f})"
    )


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
