"""A calibration says one thing for each size and FPIR, in one order, or it is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from edge.formats.calibration import Calibration
from tests.made_calibration import calibration, table


def read(fields: dict[str, Any]) -> Calibration:
    return Calibration.model_validate_json(json.dumps(fields))


def test_a_whole_table_is_read():
    (found,) = read(calibration()).tables
    assert (found.sizes(), found.levels()) == ([100, 1000], [0.01, 0.1])
    assert found.cell(1000, 0.01).threshold == 0.5


def test_table_is_found_by_backend_and_precision():
    read_tables = read(calibration(table(), table(precision="float32"), table(backend="litert-reference")))
    found = read_tables.table("litert-reference", "int8")
    assert found is not None
    assert found.backend == "litert-reference"
    assert read_tables.table("tflite-runtime", "int8") is None


def test_two_tables_for_one_backend_are_refused():
    with pytest.raises(ValidationError, match="two tables for one backend"):
        read(calibration(table(), table()))


def changed(index: int, **changes: Any) -> dict[str, Any]:
    cells = table()["cells"]
    cells[index] |= changes
    return calibration(table(cells=cells))


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        (calibration(table(cells=table()["cells"][:3])), "every size"),
        (calibration(table(cells=table()["cells"] + table()["cells"][:1])), "every size"),
        (changed(2, threshold=0.41, low=0.41), "lower for a longer list"),
        (changed(0, threshold=0.33, low=0.33), "smaller FPIR"),
        (changed(0, low=0.43), "outside its interval"),
        (changed(0, high=0.41), "outside its interval"),
        (changed(0, evidence="guessed"), "evidence"),
        (changed(0, fpir=0.0), "fpir"),
        (changed(0, threshold=1.2, high=1.3), "threshold"),
        (changed(0, watchlist=100.5), "watchlist"),
        (changed(0, pairs=-1), "pairs"),
        (calibration(table(backend="lite rt")), "backend"),
        (calibration(table(embedder_sha256="22")), "embedder_sha256"),
        (calibration(table(note="none")), "note"),
        ({"format": 2, "tables": [table()]}, "format"),
        ({"format": 1, "tables": []}, "tables"),
    ],
)
def test_calibration_that_is_none_is_refused(fields: dict[str, Any], why: str):
    with pytest.raises(ValidationError, match=why):
        read(fields)


def test_number_that_is_none_is_refused():
    with pytest.raises(ValidationError):
        Calibration.model_validate_json(json.dumps(changed(0, threshold=float("nan"))))
