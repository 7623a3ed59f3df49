"""What lfr-models says, as text for people."""

from __future__ import annotations

from collections.abc import Sequence

from models.check import PackReport
from models.evaluate import Evaluation
from models.install import InstalledFile
from models.install_recipe import InstalledBuild
from models.intervals import Interval
from models.listing import ListedPack


def list_text(packs: Sequence[ListedPack]) -> str:
    """The packs, one a line; what is wrong with one goes below."""
    if not packs:
        return "no packs here"
    rows = [("NAME", "VERSION", "WEIGHTS", "PURPOSE", "PRECISIONS", "SIZE")]
    for pack in packs:
        rows.append(
            (
                pack.name,
                str(pack.version or "-"),
                pack.presence,
                pack.purpose or "-",
                ", ".join(pack.precisions) or "-",
                f"{pack.size_bytes / 1e6:.1f} MB" if pack.size_bytes else "-",
            )
        )
    notes = [f"{pack.name}: {pack.fault or pack.summary}" for pack in packs]
    return "\n".join([aligned(rows), "", *notes])


def install_text(name: str, files: Sequence[InstalledFile]) -> str:
    """What was brought, and what was there."""
    rows = [
        (file.name, f"{file.size_bytes:,} bytes", "installed" if file.fetched else "was there", file.sha256[:16] + "…")
        for file in files
    ]
    return f"{aligned(rows)}\n{name}: installed, every hash as the manifest pins it. Next: lfr-models verify {name}"


def build_text(done: InstalledBuild) -> str:
    """How close what was built is to the float networks; nothing where all was there."""
    if done.closeness is None:
        return ""
    near = done.closeness
    return (
        f"\nint8 against float32 on rendered faces: {near.found} of {near.faces} faces found by both, "
        f"templates at a mean cosine of {near.cosine:.4f}"
    )


def report_text(report: PackReport) -> str:
    """A pack found good, and how long a run takes here."""
    rows = [("PRECISION", "DETECTOR", "EMBEDDER")]
    rows += [(p.precision, f"{p.detector_ms:.1f} ms", f"{p.embedder_ms:.1f} ms") for p in report.precisions]
    return (
        f"{report.name} version {report.version}: good\n"
        f"manifest {report.sha256}\n"
        f"{report.files} files as pinned, shapes as stated; one run each on {report.runtime}, for information:\n"
        f"{aligned(rows)}"
    )


def evaluation_text(evaluation: Evaluation) -> str:
    """TPIR at each FPIR, with intervals, and the photographs that failed."""
    rows = [("FPIR AT MOST", "THRESHOLD", "TPIR", "95 % INTERVAL", "FOUND", "FALSE ALARMS")]
    for point in evaluation.points:
        rows.append(
            (
                f"{point.fpir_max:.1%}",
                f"{point.threshold:.4f}",
                f"{point.tpir.share:.4f}",
                _range(point.tpir),
                f"{point.found} of {evaluation.mated_searches}",
                f"{point.false_alarms} of {evaluation.non_mated_searches} ({_range(point.fpir)})",
            )
        )
    return (
        f"{evaluation.pack} version {evaluation.version} {evaluation.precision} on {evaluation.runtime}\n"
        f"{evaluation.enrolled} enrolled ({evaluation.failed_to_enrol} failed); no face found in "
        f"{evaluation.failed_mated} of {evaluation.mated_searches} mated and "
        f"{evaluation.failed_non_mated} of {evaluation.non_mated_searches} non-mated probes (counted as misses)\n"
        f"{aligned(rows)}{_NOT_FIT if evaluation.purpose == 'bring-up' else ''}"
    )


_NOT_FIT = """

NOT FIT FOR REAL FACES: this is a bring-up pack. These figures say how far it is from being of use on anybody who
exists; the appliance refuses a watchlist of real people under it."""


def _range(interval: Interval) -> str:
    return f"{interval.low:.4f} to {interval.high:.4f}"


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """Rows of cells, in columns."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )
