"""Another environment's runtime answers through files; what it cannot do is said in its own words."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from edge.errors import RuntimeUnavailable
from models.golden.elsewhere import BESIDE_US, run_network_elsewhere
from tests.models.golden.subjects import on, subject


@pytest.mark.parametrize("precision", ["int8", "float32"])
def test_outputs_come_over_from_another_process_as_they_were(precision):
    given = subject(precision)
    found = run_network_elsewhere(Path(sys.executable), "litert", "reference", given.content, given.inputs)
    needed = on("reference")(given)
    assert (found.backend, found.runtime, found.specs) == (needed.backend, needed.runtime, needed.specs)
    assert all(np.array_equal(a, b) for a, b in zip(found.values, needed.values, strict=True))


def test_network_that_it_refuses_is_told_in_its_words():
    given = subject("int8")
    with pytest.raises(RuntimeUnavailable, match=r"ended with 2: ModelRejected: model\.tflite"):
        run_network_elsewhere(Path(sys.executable), "litert", "fast", b"\0" * 100, given.inputs)


def test_python_that_is_not_there_is_refused(tmp_path: Path):
    given = subject("int8")
    with pytest.raises(RuntimeUnavailable, match="--also"):
        run_network_elsewhere(tmp_path / "python", "litert", "fast", given.content, given.inputs)


@pytest.mark.skipif(not BESIDE_US.is_file(), reason="no environment of tflite-runtime here: scripts/setup makes one")
@pytest.mark.parametrize("precision", ["int8", "float32"])
def test_tflite_runtime_computes_what_litert_does_on_reference_kernels(precision):
    given = subject(precision)
    found = run_network_elsewhere(BESIDE_US, "auto", "reference", given.content, given.inputs)
    assert found.backend == "tflite-runtime-reference"
    assert np.allclose(found.values[0], on("reference")(given).values[0], atol=1e-6)
