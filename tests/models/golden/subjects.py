"""The tiny networks as golden subjects, and backends that answer as they are told."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np

from edge.drivers.litert import Kernels, choose_runtime
from edge.formats.pack import PackFile, Precision
from models.golden.networks import GoldenSubject
from models.golden.outputs import NetworkOutputs, run_network
from tests.tiny.network import picture

TINY = Path(__file__).resolve().parents[2] / "tiny"


def subject(precision: Precision, inputs: int = 2, altered: bool = False) -> GoldenSubject:
    """A tiny network as an embedder. altered: with other weights."""
    name = f"conv_{precision}.tflite"
    content = (TINY / ("conv_int8_scaled.tflite" if altered else name)).read_bytes()
    file = PackFile(name=name, source=name, sha256=hashlib.sha256(content).hexdigest(), size_bytes=len(content))
    return GoldenSubject("embedder", precision, file, content, tuple(picture(seed) for seed in range(inputs)))


def on(kernels: Kernels) -> Callable[[GoldenSubject], NetworkOutputs]:
    """Runs a subject on one of our own kernel paths."""
    runtime = choose_runtime("auto", 1, kernels=kernels)
    return lambda given: run_network(runtime, given.content, given.file.name, given.inputs)


def lying(backend: str, by: float) -> Callable[[GoldenSubject], NetworkOutputs]:
    """A backend whose every value is off by so much, in real units."""

    def run(given: GoldenSubject) -> NetworkOutputs:
        true = on("reference")(given)
        values = tuple(each + np.float32(by) for each in true.values)
        return NetworkOutputs(backend, "made 1", values, true.specs)

    return run
