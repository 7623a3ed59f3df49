"""A pack's networks on every backend there is, against the goldens it carries and against one another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from edge.errors import GoldenMismatch
from edge.formats.goldens import Goldens
from edge.formats.pack import Precision
from models.golden.compare import (
    ACROSS_KERNELS,
    SAME_KERNELS,
    FacesDifference,
    OutputDifference,
    difference,
    difference_from_golden,
    faces_difference,
    within,
)
from models.golden.make import inputs_sha256
from models.golden.networks import GoldenSubject, Role
from models.golden.outputs import NetworkOutputs

Run = Callable[[GoldenSubject], NetworkOutputs]
"""Runs a network on one backend."""

_REFERENCE = "-reference"


@dataclass(frozen=True)
class BackendReport:
    """One backend. outputs, faces: against the first backend; golden: against what the pack carries, None where it
    carries nothing of this network, or the outputs' shapes differ; judged where the kernels are those that made it.
    good: within the tolerances of compare.py."""

    backend: str
    runtime: str
    outputs: tuple[OutputDifference, ...]
    faces: FacesDifference | None
    golden: tuple[OutputDifference, ...] | None
    good: bool


@dataclass(frozen=True)
class NetworkReport:
    """One file of weights on all backends. first: what they are compared with; apart: the two furthest from each
    other, and by how much of the worse output's values (99 % of them stay within)."""

    role: Role
    precision: Precision
    file: str
    weights_sha256: str
    carried: bool
    first: str
    backends: tuple[BackendReport, ...]
    apart: tuple[str, str, float]

    @property
    def good(self) -> bool:
        """Whether every backend is."""
        return all(backend.good for backend in self.backends)


def verify_network(
    subject: GoldenSubject, goldens: Goldens | None, runs: Sequence[Run], report: Callable[[], None]
) -> NetworkReport:
    """Run a network everywhere. runs: at least one, the first with reference kernels. report: told of each run done.

    Raises: GoldenMismatch when the goldens are for other inputs; what running raises.
    """
    everywhere = []
    for run in runs:
        everywhere.append(run(subject))
        report()
    first = everywhere[0]
    golden = goldens.of(subject.file.sha256) if goldens is not None else None
    if golden is not None and golden.inputs_sha256 != inputs_sha256(subject):
        raise GoldenMismatch(
            f"{subject.file.name}: the goldens are for other inputs than this version draws; make them anew with: "
            "lfr-models goldens"
        )
    reports = []
    for outputs in everywhere:
        plain = outputs.backend.endswith(_REFERENCE)
        apart = difference(outputs, first)
        spec = subject.spec
        faces = None if spec is None else faces_difference(outputs, first, subject.inputs, spec)
        kept = None if golden is None else difference_from_golden(outputs, golden)
        tolerances = (SAME_KERNELS if plain else ACROSS_KERNELS)[subject.precision]
        good = within(apart, faces, subject.role, tolerances)
        if golden is not None and plain:
            good = good and within(kept, None, "sampled", tolerances)
        reports.append(BackendReport(outputs.backend, outputs.runtime, apart, faces, kept, good))
    return NetworkReport(
        subject.role,
        subject.precision,
        subject.file.name,
        subject.file.sha256,
        golden is not None,
        first.backend,
        tuple(reports),
        _furthest(everywhere),
    )


def _furthest(everywhere: Sequence[NetworkOutputs]) -> tuple[str, str, float]:
    pairs = [
        (one.backend, other.backend, max(output.typical for output in difference(one, other)))
        for number, one in enumerate(everywhere)
        for other in everywhere[number + 1 :]
    ]
    return max(pairs, key=lambda pair: pair[2], default=(everywhere[0].backend, everywhere[0].backend, 0.0))
