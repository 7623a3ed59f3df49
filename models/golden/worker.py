"""Runs one network in whatever environment it is started in, and leaves the outputs in files.

    python -m models.golden.worker RUNTIME KERNELS FOLDER

FOLDER holds model.tflite, whose hash the caller has checked, and inputs.npy; outputs.npz and outputs.json come beside
them. Nothing is imported but numpy and the runtime driver: the environment of tflite-runtime has little else.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np

from edge.drivers.litert import choose_runtime
from edge.errors import LfrError
from models.golden.outputs import run_network

EXIT_REFUSED = 2


def main(runtime: str, kernels: str, folder: Path) -> int:
    """Run it; errors go to standard error, in one line."""
    try:
        chosen = choose_runtime(runtime, 1, kernels=kernels)  # type: ignore[arg-type]  # driver refuses others
        outputs = run_network(
            chosen, (folder / "model.tflite").read_bytes(), "model.tflite", list(np.load(folder / "inputs.npy"))
        )
    except LfrError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return EXIT_REFUSED
    np.savez(folder / "outputs.npz", *outputs.values)
    said = {
        "backend": outputs.backend,
        "runtime": outputs.runtime,
        "specs": [asdict(spec) for spec in outputs.specs],
    }
    (folder / "outputs.json").write_text(json.dumps(said))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], Path(sys.argv[3])))
