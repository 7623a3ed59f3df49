"""How far the outputs of two backends are apart, and whether that is within what kernels may differ by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge.devices import TensorSpec
from edge.formats.goldens import GoldenNetwork
from edge.formats.pack import DetectorSpec, Precision
from edge.records import FaceBox, Frame
from edge.vision.detect import Detector
from models.golden.outputs import NetworkOutputs

TYPICAL_SHARE = 0.99


@dataclass(frozen=True)
class Tolerance:
    """typical: what 99 % of an output's values stay within, in steps (int8) or real units (float32); cosine_min: of
    templates; landmarks_max: of golden faces, in shares of a face's width."""

    typical: float
    cosine_min: float
    landmarks_max: float


ACROSS_KERNELS: dict[Precision, Tolerance] = {
    "int8": Tolerance(32.0, 0.98, 0.08),
    "float32": Tolerance(1e-3, 0.9999, 0.001),
}
"""Kernels round differently, and forty layers carry it on. Seen on x86-64: 11 steps in the street pack and 27 in other
weights of the same networks; .992 and 5.8 % of a width."""

SAME_KERNELS: dict[Precision, Tolerance] = {
    "int8": Tolerance(1.0, 0.9999, 0.001),
    "float32": Tolerance(1e-4, 0.99999, 0.001),
}
"""For reference kernels against goldens that reference kernels made."""


@dataclass(frozen=True)
class OutputDifference:
    """One output against another. typical: within which 99 % of its values are; largest: the worst; both in steps
    where the output has a step, else in real units. cosine: None where either is all zeros."""

    shape: tuple[int, ...]
    step: float
    typical: float
    largest: float
    cosine: float | None


@dataclass(frozen=True)
class FacesDifference:
    """Golden faces found. landmarks: the furthest that one moved, in shares of its face's width; None where the
    numbers of faces differ."""

    found: int
    needed: int
    landmarks: float | None


def difference(found: NetworkOutputs, needed: NetworkOutputs) -> tuple[OutputDifference, ...]:
    """Every output against the same output of another backend."""
    return tuple(
        _difference(spec.shape, spec.scale, a.ravel(), b.ravel())
        for spec, a, b in zip(needed.specs, found.values, needed.values, strict=True)
    )


def difference_from_golden(found: NetworkOutputs, golden: GoldenNetwork) -> tuple[OutputDifference, ...] | None:
    """Every output against what the pack carries of it; None where the outputs are of another form altogether."""
    if [list(values.shape) for values in found.values] != [output.shape for output in golden.outputs]:
        return None
    return tuple(
        _difference(
            tuple(output.shape),
            output.step,
            values.ravel()[output.at],
            np.array(output.values, np.float32) * np.float32(output.step or 1.0),
        )
        for values, output in zip(found.values, golden.outputs, strict=True)
    )


def faces_difference(
    found: NetworkOutputs,
    needed: NetworkOutputs,
    inputs: Sequence[NDArray[np.uint8]],
    spec: DetectorSpec,
) -> FacesDifference:
    """What a detector's outputs mean: the golden faces, decoded as on the van."""
    ours, theirs = (_faces(outputs, inputs, spec) for outputs in (found, needed))
    if [len(faces) for faces in ours] != [len(faces) for faces in theirs]:
        return FacesDifference(sum(map(len, ours)), sum(map(len, theirs)), None)
    moved = [
        min(_moved(face, other) for other in our_faces)
        for our_faces, their_faces in zip(ours, theirs, strict=True)
        for face in their_faces
    ]
    return FacesDifference(sum(map(len, ours)), sum(map(len, theirs)), max(moved, default=0.0))


def within(
    outputs: Sequence[OutputDifference] | None, faces: FacesDifference | None, role: str, tolerance: Tolerance
) -> bool:
    """Whether differences are what they may be."""
    if outputs is None or any(output.typical > tolerance.typical for output in outputs):
        return False
    if role == "embedder" and any(output.cosine is None or output.cosine < tolerance.cosine_min for output in outputs):
        return False
    return faces is None or (faces.landmarks is not None and faces.landmarks <= tolerance.landmarks_max)


def _difference(
    shape: tuple[int, ...], step: float, found: NDArray[np.float32], needed: NDArray[np.float32]
) -> OutputDifference:
    apart = np.abs(found.astype(np.float64) - needed) / (step or 1.0)
    lengths = float(np.linalg.norm(found)) * float(np.linalg.norm(needed))
    cosine = float(found.astype(np.float64) @ needed) / lengths if lengths > 0 else None
    return OutputDifference(shape, step, float(np.quantile(apart, TYPICAL_SHARE)), float(apart.max()), cosine)


def _faces(
    outputs: NetworkOutputs, inputs: Sequence[NDArray[np.uint8]], spec: DetectorSpec
) -> list[tuple[FaceBox, ...]]:
    return [
        Detector(_Answered(outputs, number, picture.shape), spec).detect(Frame(number, picture[0], None, 0.0, 0.0))
        for number, picture in enumerate(inputs)
    ]


def _moved(face: FaceBox, other: FaceBox) -> float:
    return float(np.linalg.norm(face.landmarks - other.landmarks, axis=1).max() / other.width_px)


class _Answered:
    """Implements Model: a network that has answered already, to one of its inputs."""

    def __init__(self, outputs: NetworkOutputs, number: int, shape: tuple[int, ...]) -> None:
        self.inputs: tuple[TensorSpec, ...] = (TensorSpec(shape, "uint8", 1.0, 0),)
        self.outputs = outputs.specs
        self._values = tuple(values[number : number + 1] for values in outputs.values)

    def run(self, tensor: NDArray[np.uint8] | NDArray[np.float32]) -> tuple[NDArray[np.float32], ...]:
        return self._values
