"""The threshold of an order, and the certificate that goes with it: from the pack's calibration, or chosen by hand."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from edge.errors import AuthorityInvalid, CalibrationMissing, OutsideCalibration
from edge.formats.orders import CalibrationCertificate
from edge.formats.pack import Precision
from edge.trust.packs import read_calibration, read_manifest


@dataclass(frozen=True)
class SetThreshold:
    """threshold_backend: for what it was set, `litert/int8`. words: where it is from, for whoever signs."""

    similarity: float
    threshold_backend: str
    certificate: CalibrationCertificate
    words: str


def set_threshold(pack: Path, backend: str, entries_max: int, fpir: float, chosen: float | None) -> SetThreshold:
    """For a list that may grow to entries_max. backend: `litert/int8`.

    Raises: CalibrationMissing, OutsideCalibration, AuthorityInvalid, PackMissing, PackInvalid, PackHashMismatch.
    """
    if chosen is not None:
        certificate = CalibrationCertificate(fpir=fpir, entries=entries_max, calibration_sha256=None, evidence="chosen")
        return SetThreshold(
            chosen, backend, certificate, f"{chosen:.4f}, chosen by hand: no calibration vouches for it"
        )
    manifest, _ = read_manifest(pack)
    calibration = read_calibration(pack, manifest)
    runtime, _, kind = backend.partition("/")
    if kind not in ("int8", "float32"):
        raise AuthorityInvalid(f"backend {backend!r}: need a runtime and a precision, such as litert/int8")
    precision: Precision = kind  # type: ignore[assignment]
    table = calibration.table(runtime, precision) if calibration is not None else None
    if table is None or manifest.calibration is None:
        raise CalibrationMissing(
            f"{manifest.name}: no calibration for {backend}; make one with lfr-models calibrate, or take the "
            "responsibility with --threshold"
        )
    entries = max(entries_max, table.sizes()[0])
    try:
        found = table.at(entries, fpir)
    except OutsideCalibration as error:
        raise OutsideCalibration(f"{manifest.name}: {error}; choose another --fpir or --entries-max") from None
    certificate = CalibrationCertificate(
        fpir=fpir, entries=entries, calibration_sha256=manifest.calibration.sha256, evidence=found.evidence
    )
    words = (
        f"{found.threshold:.4f} (interval {found.low:.4f} to {found.high:.4f}): false alarms in {fpir:.2%} of searches "
        f"against {entries:,} entries, {found.evidence} on {table.data.people:,} {table.data.subjects} people"
    )
    return SetThreshold(found.threshold, backend, certificate, words)
