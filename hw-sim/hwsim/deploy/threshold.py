"""The similarity that a deployment's order asks for, where nobody names one: what the pack's calibration says."""

from __future__ import annotations

from edge.errors import CalibrationMissing
from edge.trust.packs import VerifiedPack
from models.calibration.answer import answer, table_for

FPIR = 0.001
"""One false alarm for a thousand faces that pass: the ceiling of DOMAIN.md 7."""

UNCALIBRATED = 0.55


def threshold_for(pack: VerifiedPack, backend: str, entries: int) -> tuple[float, str]:
    """The threshold for a list of so many entries, and in words where it is from. Raises: OutsideCalibration."""
    try:
        smallest = table_for(pack, backend, pack.precision).sizes()[0]
    except CalibrationMissing:
        return UNCALIBRATED, f"{UNCALIBRATED:.2f}: the pack has no calibration for {backend}/{pack.precision}"
    found = answer(pack, backend, max(entries, smallest), FPIR)
    words = (
        f"{found.threshold:.3f}: FPIR {FPIR:.1%} on a list of {found.watchlist}, {found.evidence} "
        f"on {found.people} {found.subjects} people"
    )
    return found.threshold, words
