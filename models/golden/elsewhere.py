"""Another environment's runtime, driven as a process of its own: tflite-runtime needs an older numpy than ours."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge.devices import TensorSpec
from edge.drivers.litert import Kernels, RuntimeKind
from edge.errors import RuntimeUnavailable
from models.golden.outputs import NetworkOutputs

ROOT = Path(__file__).resolve().parents[2]
BESIDE_US = ROOT / ".venv-tflite" / "bin" / "python"
"""The environment of tflite-runtime, where `scripts/setup` has made one."""

RUN_TIMEOUT_S = 300.0


def run_network_elsewhere(
    python: Path, runtime: RuntimeKind, kernels: Kernels, content: bytes, inputs: Sequence[NDArray[np.uint8]]
) -> NetworkOutputs:
    """As `run_network`, by the interpreter of another environment. content: verified weights.

    Raises: RuntimeUnavailable when that environment cannot run it, with what it said.
    """
    with tempfile.TemporaryDirectory(prefix="lfr-golden-") as name:
        folder = Path(name)
        (folder / "model.tflite").write_bytes(content)
        np.save(folder / "inputs.npy", np.stack(inputs))
        command = [str(python), "-m", "models.golden.worker", runtime, kernels, str(folder)]
        try:
            done = subprocess.run(
                command,
                capture_output=True,
                text=True,
                timeout=RUN_TIMEOUT_S,
                check=False,
                cwd=folder,
                env=os.environ | {"PYTHONPATH": str(ROOT)},
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise RuntimeUnavailable(f"{python}: cannot be run: {error}; give a Python with --also") from error
        if done.returncode != 0:
            said = (done.stderr.strip().splitlines() or ["silent"])[-1]
            raise RuntimeUnavailable(f"{python}: {runtime} ({kernels} kernels) ended with {done.returncode}: {said}")
        told = json.loads((folder / "outputs.json").read_text())
        with np.load(folder / "outputs.npz", allow_pickle=False) as kept:
            values = tuple(kept[f"arr_{i}"] for i in range(len(told["specs"])))
        specs = tuple(
            TensorSpec(tuple(spec["shape"]), spec["dtype"], spec["scale"], spec["zero_point"]) for spec in told["specs"]
        )
        return NetworkOutputs(told["backend"], told["runtime"], values, specs)
