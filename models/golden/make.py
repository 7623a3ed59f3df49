"""Goldens made: what a pack's networks answer, by the plainest kernels there are, the runtime's reference ones."""

from __future__ import annotations

import json
import platform
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from edge.devices import Runtime
from edge.errors import PackInvalid
from edge.formats.goldens import GoldenNetwork, GoldenOutput, Goldens
from edge.formats.pack import PackManifest
from edge.trust.packs import read_pinned
from models.golden.networks import GoldenSubject
from models.golden.outputs import NetworkOutputs, run_network
from models.golden.pictures import picture_sha256

GOLDENS_NAME = "goldens.json"

_SPREAD, _LARGEST = 64, 64
"""Values kept of each output and input: spread over it evenly, and the largest, where the faces are."""

_DIGITS = 7


def make_goldens(subjects: Sequence[GoldenSubject], runtime: Runtime, report: Callable[[int, int], None]) -> Goldens:
    """Run every network. runtime: with reference kernels. Raises: ModelRejected, PackShapeMismatch."""
    networks = []
    for number, subject in enumerate(subjects, 1):
        outputs = run_network(runtime, subject.content, subject.file.name, subject.inputs)
        networks.append(golden_of(subject, outputs))
        report(number, len(subjects))
    made_with = f"{runtime.backend}, {runtime.name} {runtime.version}, {platform.machine()}"
    return Goldens(format=1, made_with=made_with, networks=networks)


def golden_of(subject: GoldenSubject, outputs: NetworkOutputs) -> GoldenNetwork:
    """What is kept of a network's outputs."""
    return GoldenNetwork(
        weights_sha256=subject.file.sha256,
        inputs_sha256=inputs_sha256(subject),
        outputs=[
            _golden_output(values, spec.scale) for values, spec in zip(outputs.values, outputs.specs, strict=True)
        ],
    )


def inputs_sha256(subject: GoldenSubject) -> list[str]:
    """By which goldens name the inputs they are for."""
    return [picture_sha256(picture) for picture in subject.inputs]


def goldens_bytes(goldens: Goldens) -> bytes:
    """The file: JSON, one output's values a line."""
    fields = goldens.model_dump(mode="json")
    lines = []
    for network in fields["networks"]:
        outputs = ",\n".join("   " + json.dumps(output, separators=(",", ":")) for output in network.pop("outputs"))
        head = json.dumps(network)[:-1]
        lines.append(f'  {head}, "outputs": [\n{outputs}\n  ]}}')
    head = json.dumps({"format": fields["format"], "made_with": fields["made_with"]})[:-1]
    return (head + ', "networks": [\n' + ",\n".join(lines) + "\n]}\n").encode()


def read_goldens(folder: Path, manifest: PackManifest) -> Goldens | None:
    """The pack's goldens, if it has some. Raises: PackMissing, PackInvalid, PackHashMismatch."""
    if manifest.goldens is None:
        return None
    data = read_pinned(folder, manifest.goldens, "it belongs beside the manifest; copy the pack's whole folder")
    try:
        return Goldens.model_validate_json(data)
    except ValidationError as error:
        raise PackInvalid(f"{folder / manifest.goldens.name}: {error.errors()[0]['msg']}") from None


def _golden_output(values: NDArray[np.float32], step: float) -> GoldenOutput:
    flat = values.ravel()
    each = flat.reshape(len(values), -1)
    spread = np.unique(np.linspace(0, each.shape[1] - 1, min(_SPREAD, each.shape[1])).astype(int))
    largest = np.argsort(-np.abs(each), axis=1, kind="stable")[:, : min(_LARGEST, each.shape[1])]
    rows = np.arange(len(values))[:, None] * each.shape[1]
    at = np.unique(np.concatenate([(rows + spread).ravel(), (rows + largest).ravel()]))
    kept = np.rint(flat[at] / np.float32(step)) if step else flat[at]
    return GoldenOutput(
        shape=list(values.shape),
        step=step,
        at=at.tolist(),
        values=[float(f"{value:.{_DIGITS}g}") for value in kept.tolist()],
    )
