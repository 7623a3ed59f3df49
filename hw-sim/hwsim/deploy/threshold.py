"""The similarity that a deployment's order asks for, where nobody names one: what the pack's calibration says."""

from __future__ import annotations

from pathlib import Path

from edge.errors import CalibrationMissing
from provisioning.thresholds import SetThreshold, set_threshold

FPIR = 0.001
"""One false alarm for a thousand faces that pass: the ceiling of DOMAIN.md 7."""

UNCALIBRATED = 0.55


def threshold_for(pack_dir: Path, backend: str, entries_max: int, chosen: float | None) -> SetThreshold:
    """For a list that may grow to entries_max. backend: `litert/int8`. Raises: OutsideCalibration."""
    try:
        return set_threshold(pack_dir, backend, entries_max, FPIR, chosen)
    except CalibrationMissing:
        return set_threshold(pack_dir, backend, entries_max, FPIR, UNCALIBRATED)
