"""A network's outputs for its golden inputs, on one backend."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge.devices import Runtime, TensorSpec

Values = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class NetworkOutputs:
    """backend: what computed them. values: for each output of the network, float32 (inputs, …) in real units.

    specs: how the model file declares each output.
    """

    backend: str
    runtime: str
    values: tuple[Values, ...]
    specs: tuple[TensorSpec, ...]


def run_network(runtime: Runtime, content: bytes, label: str, inputs: Sequence[NDArray[np.uint8]]) -> NetworkOutputs:
    """Run verified weights on each input, uint8 (1, height, width, 3).

    Raises: ModelRejected, PackShapeMismatch, DelegateUnavailable.
    """
    model = runtime.load(content, label)
    answers = [model.run(picture) for picture in inputs]
    values = tuple(np.concatenate([answer[i] for answer in answers]) for i in range(len(model.outputs)))
    return NetworkOutputs(runtime.backend, f"{runtime.name} {runtime.version}", values, model.outputs)
