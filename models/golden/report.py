"""Verification as text for people: a table for each network, a column for each backend."""

from __future__ import annotations

from collections.abc import Sequence

from models.golden.compare import TYPICAL_SHARE, OutputDifference
from models.golden.verify import BackendReport, NetworkReport
from models.tables import aligned


def verify_text(networks: Sequence[NetworkReport]) -> str:
    """Every network, and the word on it."""
    return "\n\n".join(network_text(network) for network in networks)


def network_text(network: NetworkReport) -> str:
    """A network's outputs, golden and faces on each backend."""
    stepped = any(output.step for output in network.backends[0].outputs)
    unit = "steps (LSB)" if stepped else "real units"
    backends = network.backends
    rows = [("AGAINST " + network.first, *(backend.backend for backend in backends))]
    for number, output in enumerate(backends[0].outputs):
        cells = (_cell(backend.outputs[number]) for backend in backends)
        rows.append((f"output {number} {_shape(output)}", *cells))
    rows.append(("least cosine", *(_cosine(backend) for backend in backends)))
    if network.role == "detector":
        rows.append(("golden faces", *(_faces(backend) for backend in backends)))
    if network.carried:
        rows.append(("AGAINST the pack's golden", *(_golden(backend) for backend in backends)))
    rows.append(("", *("good" if backend.good else "BEYOND TOLERANCE" for backend in backends)))
    one, other, apart = network.apart
    carried = "" if network.carried else "; the pack carries no golden of it"
    return (
        f"{network.file}: {network.role}, {network.precision}; {unit}: within which {TYPICAL_SHARE:.0%} of the values "
        f"are / the worst{carried}\n{aligned(rows)}\n"
        f"furthest apart: {one} and {other}, {apart:.3g}"
    )


def _cell(output: OutputDifference) -> str:
    return f"{output.typical:.2g} / {output.largest:.2g}" if output.largest else "same"


def _shape(output: OutputDifference) -> str:
    return "x".join(str(size) for size in output.shape)


def _cosine(backend: BackendReport) -> str:
    cosines = [output.cosine for output in backend.outputs if output.cosine is not None]
    return f"{min(cosines):.5f}" if cosines else "-"


def _faces(backend: BackendReport) -> str:
    if backend.faces is None:
        return "-"
    if backend.faces.landmarks is None:
        return f"{backend.faces.found}, need {backend.faces.needed}"
    return f"{backend.faces.found}, within {backend.faces.landmarks:.1%} of width"


def _golden(backend: BackendReport) -> str:
    if backend.golden is None:
        return "other shapes"
    worst = max(backend.golden, key=lambda output: output.typical)
    return _cell(worst)
