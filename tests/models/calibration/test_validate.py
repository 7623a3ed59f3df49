"""How far to believe a calibration, as it is measured: with people whose truth is known."""

from __future__ import annotations

import functools
import json
from pathlib import Path

import numpy as np
import pytest

from edge.errors import CalibrationDataInvalid
from edge.trust.packs import read_manifest
from models.accuracy import Templates
from models.calibration import commands, validate
from models.calibration.fit import CalibrationResult, calibrate
from models.calibration.report import validation_text
from models.calibration.strangers import compare_people
from models.cli import main
from tests.made_packs import WEIGHTS, manifest_of, write_manifest, write_weights
from tests.models.calibration.made_people import SEED, made_people

PEOPLE, SOME = 700, 330


def quiet(done: int, total: int) -> None:
    """No progress."""


@pytest.fixture(scope="module")
def templates() -> Templates:
    return made_people(PEOPLE, each=2)


@pytest.fixture(scope="module")
def whole(templates: Templates) -> CalibrationResult:
    return calibrate(compare_people(templates), SEED, quiet, resamples=40)


@pytest.fixture(scope="module")
def found(templates: Templates, whole: CalibrationResult) -> validate.Validation:
    return validate.validate(templates, whole, SOME, SEED, quiet, draws=4)


def test_tables_of_fewer_people_are_held_against_what_all_measure(found, whole):
    measured = {(cell.watchlist, cell.fpir): cell for cell in whole.cells if cell.evidence == "measured"}
    assert found.trials
    for trial in found.trials:
        assert trial.measured == measured[trial.watchlist, trial.fpir].threshold
        assert abs(trial.bias) < 0.05
        assert 0 <= trial.held <= 4
    assert sum(trial.held for trial in found.trials) >= 3 * len(found.trials)


def test_mates_are_counted_at_the_thresholds_of_the_whole_table(found, whole, templates):
    scores = np.einsum("ij,ij->i", templates.vectors[::2].astype(float), templates.vectors[1::2].astype(float))
    for mates in found.mates:
        (cell,) = (cell for cell in whole.cells if (cell.watchlist, cell.fpir) == (mates.watchlist, 0.001))
        assert mates.rate is not None
        assert (mates.rate.successes, mates.rate.trials) == (int((scores >= cell.threshold).sum()), PEOPLE)


def test_people_with_one_photograph_each_have_no_mates():
    single = made_people(400)
    whole = calibrate(compare_people(single), SEED, quiet, resamples=4)
    found = validate.validate(single, whole, 330, SEED, quiet, draws=1)
    assert {mates.rate for mates in found.mates} == {None}
    assert "nobody has two photographs" in validation_text(found)


@pytest.mark.parametrize("people", [PEOPLE, PEOPLE + 1])
def test_all_of_the_people_are_no_sample_of_them(templates, whole, people):
    with pytest.raises(CalibrationDataInvalid, match=f"{people} people of {PEOPLE}; need some of them"):
        validate.validate(templates, whole, people, SEED, quiet)


def test_validating_writes_nothing_and_answers_people_and_machines(tmp_path: Path, capsys, monkeypatch, templates):
    folder = write_manifest(tmp_path / "packs" / "made", manifest_of(WEIGHTS))
    write_weights(folder, WEIGHTS)
    (tmp_path / "people" / "ann").mkdir(parents=True)
    (tmp_path / "people" / "ann" / "1.jpg").write_bytes(b"")
    monkeypatch.setattr(commands, "templates_of", lambda *_: templates)
    monkeypatch.setattr(commands, "validate", functools.partial(validate.validate, draws=2))
    before = read_manifest(folder)
    words = ["calibrate", "made", "--packs", str(tmp_path / "packs"), "--on", str(tmp_path / "people")]
    assert main([*words, "--validate", str(SOME), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["good"]
    assert {one["people"] for name, one in told.items() if name != "good"} == {SOME}
    assert read_manifest(folder) == before
