"""lfr-models calibrate and threshold as a person types them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edge.formats.calibration import CalibrationTable
from edge.trust.packs import open_pack, read_manifest
from models.calibration import commands
from models.calibration.store import add_tables
from models.cli import main
from tests.made_calibration import table_of
from tests.made_packs import WEIGHTS, manifest_of, write_manifest, write_weights
from tests.models.calibration.made_people import made_people


@pytest.fixture
def packs(tmp_path: Path) -> Path:
    folder = write_manifest(tmp_path / "packs" / "made", manifest_of(WEIGHTS))
    write_weights(folder, WEIGHTS)
    return tmp_path / "packs"


@pytest.fixture
def people(tmp_path: Path) -> Path:
    for name in ("ann", "bob", "cat"):
        (tmp_path / "people" / name).mkdir(parents=True)
        (tmp_path / "people" / name / "1.jpg").write_bytes(b"")
    return tmp_path / "people"


def threshold(packs: Path, *more: str) -> int:
    return main(["threshold", "made", "--packs", str(packs), *more])


def test_threshold_is_answered_to_people_and_to_machines(packs: Path, capsys):
    add_tables(packs / "made", [CalibrationTable.model_validate(table_of(WEIGHTS))])
    assert threshold(packs, "--watchlist", "1000", "--fpir", "0.01") == 0
    text = capsys.readouterr().out
    assert text.startswith("0.5000   (95% interval 0.4800 to 0.5400)")
    assert "extrapolated" in text
    assert threshold(packs, "--watchlist", "1000", "--fpir", "0.01", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["good"], told["threshold"], told["threshold_backend"]) == (True, 0.5, "litert/int8")
    assert told["sha256"] == read_manifest(packs / "made")[1]


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        (("--watchlist", "1000", "--fpir", "0.01", "--precision", "float32"), "CalibrationMissing"),
        (("--watchlist", "1000", "--fpir", "0.01", "--backend", "tflite-runtime"), "CalibrationMissing"),
        (("--watchlist", "99", "--fpir", "0.01"), "OutsideCalibration"),
        (("--watchlist", "1000", "--fpir", "0.001"), "OutsideCalibration"),
    ],
)
def test_what_the_tables_cannot_answer_is_refused_by_name(packs: Path, capsys, asked: tuple[str, ...], error: str):
    add_tables(packs / "made", [CalibrationTable.model_validate(table_of(WEIGHTS))])
    assert threshold(packs, *asked, "--json") == 2
    assert json.loads(capsys.readouterr().out)["error"] == error


@pytest.mark.parametrize("asked", [("0", "0.01"), ("many", "0.01"), ("100", "0"), ("100", "1"), ("100", "1 %")])
def test_question_that_is_none_is_bad_usage(packs: Path, asked: tuple[str, str], capsys):
    with pytest.raises(SystemExit) as ended:
        threshold(packs, "--watchlist", asked[0], "--fpir", asked[1])
    assert ended.value.code == 2


def calibrate(packs: Path, folder: Path, *more: str) -> int:
    words = ["calibrate", "made", "--packs", str(packs), "--on", str(folder), "--describe", "drawn at random"]
    return main([*words, *more])


def test_calibrated_pack_answers_and_says_what_it_rests_on(packs: Path, people: Path, capsys, monkeypatch):
    drawn = made_people(400)
    capsys.readouterr()
    monkeypatch.setattr(commands, "templates_of", lambda *given: drawn)
    assert calibrate(packs, people, "--synthetic", "--precision", "int8") == 0
    text = capsys.readouterr().out
    assert "made is now version 2" in text
    assert "most alike" in text
    pack = open_pack(packs / "made", "int8")
    assert pack.calibration is not None
    (table,) = pack.calibration.tables
    assert (table.backend, table.precision, table.data.people, table.data.subjects) == (
        "litert",
        "int8",
        400,
        "synthetic",
    )
    assert threshold(packs, "--watchlist", "100", "--fpir", "0.1", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["evidence"], told["data"], told["subjects"]) == ("measured", "drawn at random", "synthetic")


def test_every_precision_of_the_pack_is_calibrated(packs: Path, people: Path, capsys, monkeypatch):
    drawn = made_people(400)
    capsys.readouterr()
    monkeypatch.setattr(commands, "templates_of", lambda *given: drawn)
    assert calibrate(packs, people, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert [table["precision"] for table in told["tables"]] == ["int8", "float32"]
    assert told["version"] == 2
    assert {table["data"]["subjects"] for table in told["tables"]} == {"real"}


@pytest.mark.parametrize(
    ("more", "why"),
    [
        (("--same", "ann=dan"), "nobody is called dan"),
        (("--same", "ann=bob", "--same", "cat=bob"), "twice"),
        (("--same", "ann=bob", "--same", "bob=cat"), "twice"),
    ],
)
def test_people_declared_the_same_must_be_there_and_once(packs: Path, people: Path, capsys, more, why: str):
    assert calibrate(packs, people, *more) == 2
    assert why in capsys.readouterr().err
    assert read_manifest(packs / "made")[0].calibration is None


def test_too_few_people_leave_the_pack_as_it_was(packs: Path, people: Path, capsys, monkeypatch):
    before = read_manifest(packs / "made")[1]
    monkeypatch.setattr(commands, "templates_of", lambda *given: made_people(49))
    assert calibrate(packs, people) == 2
    assert "49 people" in capsys.readouterr().err
    assert read_manifest(packs / "made")[1] == before
