"""The calibration's answer: its cell, or what lies between cells; and what it cannot say is refused by name."""

from __future__ import annotations

import math

import pytest

from edge.errors import CalibrationMissing, OutsideCalibration
from edge.formats.calibration import Calibration
from edge.formats.pack import PackManifest
from edge.trust.packs import VerifiedPack
from models.calibration.answer import answer
from models.calibration.report import answer_text, table_text
from tests.made_calibration import calibration, table
from tests.made_packs import WEIGHTS, manifest_of


def pack_with(*tables) -> VerifiedPack:
    manifest = PackManifest.model_validate(manifest_of(WEIGHTS))
    made = Calibration.model_validate(calibration(*tables)) if tables else None
    return VerifiedPack(manifest, "ab" * 32, "int8", b"", b"", made)


def test_size_and_fpir_of_the_table_are_answered_by_their_cell():
    found = answer(pack_with(table()), "litert", 100, 0.01)
    assert (found.threshold, found.low, found.high) == (0.42, 0.4, 0.46)
    assert (found.evidence, found.pairs, found.cells) == ("measured", 40, 1)
    assert found.threshold_backend == "litert/int8"


def test_between_two_sizes_the_answer_is_linear_in_their_logarithms():
    found = answer(pack_with(table()), "litert", 316, 0.01)
    share = math.log(3.16) / math.log(10)
    assert found.threshold == pytest.approx(0.42 + 0.08 * share, abs=1e-4)
    assert found.threshold >= 0.42 + 0.08 * share - 1e-6
    assert (found.evidence, found.pairs, found.cells) == ("extrapolated", 4, 2)


def test_between_four_cells_all_have_a_say():
    found = answer(pack_with(table()), "litert", 316, 0.03)
    size, level = math.log(3.16) / math.log(10), math.log(3) / math.log(10)
    low_fpir = 0.42 * (1 - size) + 0.5 * size
    high_fpir = 0.34 * (1 - size) + 0.42 * size
    assert found.threshold == pytest.approx(low_fpir * (1 - level) + high_fpir * level, abs=1e-4)
    assert found.cells == 4


@pytest.mark.parametrize("watchlist", [1, 99, 1001, 10**9])
def test_list_outside_the_table_is_refused_with_its_bounds(watchlist: int):
    with pytest.raises(OutsideCalibration, match="100 to 1,000 entries"):
        answer(pack_with(table()), "litert", watchlist, 0.01)


@pytest.mark.parametrize("fpir", [0.0099, 0.11, 1e-6])
def test_fpir_outside_the_table_is_refused_with_its_bounds(fpir: float):
    with pytest.raises(OutsideCalibration, match=r"0\.01 to 0\.1"):
        answer(pack_with(table()), "litert", 100, fpir)


@pytest.mark.parametrize("backend", ["tflite-runtime", "litert-reference", "litert+libedgetpu.so.1"])
def test_backend_that_was_not_calibrated_is_refused_and_told_what_there_is(backend: str):
    with pytest.raises(CalibrationMissing, match=r"there is: litert/int8.*lfr-models calibrate"):
        answer(pack_with(table()), backend, 100, 0.01)


def test_other_precision_is_not_answered_for():
    with pytest.raises(CalibrationMissing, match=r"no calibration for litert/int8; there is: litert/float32"):
        answer(pack_with(table(precision="float32")), "litert", 100, 0.01)


def test_pack_without_calibration_is_refused():
    with pytest.raises(CalibrationMissing, match="there is: none"):
        answer(pack_with(), "litert", 100, 0.01)


def test_threshold_that_no_similarity_reaches_is_refused():
    cells = table()["cells"]
    cells[2] |= {"threshold": 1.0, "low": 0.9, "high": 1.0}
    with pytest.raises(OutsideCalibration, match="no similarity"):
        answer(pack_with(table(cells=cells)), "litert", 1000, 0.01)


def test_text_tells_measured_from_extrapolated():
    made = pack_with(table())
    assert "measured: 40 pairs" in answer_text(answer(made, "litert", 100, 0.01))
    text = answer_text(answer(made, "litert", 500, 0.01))
    assert "extrapolated: 4 pairs" in text
    assert "synthetic people" in text
    assert made.calibration is not None
    lines = table_text("made", made.calibration.tables[0]).splitlines()
    assert "~" not in lines[3]
    assert lines[4].count("~") == 2
