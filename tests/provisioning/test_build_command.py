"""`lfr-fleet watchlist build` from its command line: codes, words, progress; and who looks like whom."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest

from edge.trust.packs import VerifiedPack
from provisioning import build_command
from provisioning.build_progress import ProgressLine, describe
from provisioning.examination import Progress
from provisioning.likeness import UNCALIBRATED, find_pairs, review_similarity
from tests.fake_clock import FakeClock
from tests.provisioning.build_rig import Rig, rig_in
from tests.vision.made_van import made_pack


@pytest.fixture
def rig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Rig:
    rig = rig_in(tmp_path)
    monkeypatch.setattr(build_command, "open_pack", lambda folder, precision: made_pack())
    monkeypatch.setattr(build_command, "choose_runtime", lambda kind, threads: rig.runtime)
    return rig


def run(rig: Rig, *options: str) -> int:
    arguments = ["build", str(rig.folder / "photos"), "--entries", str(rig.table()), "--pack", "made"]
    return build_command.main([*arguments, "--out", str(rig.out), "--subjects", "synthetic", *options])


def test_a_build_says_what_it_made_and_what_is_next(rig: Rig, capsys: pytest.CaptureFixture[str]):
    rig.person(1)
    assert run(rig) == build_command.BUILT
    out = capsys.readouterr().out
    assert "1 entry in" in out
    assert "contact-sheet.html" in out


def test_refused_rows_have_an_exit_code_of_their_own(rig: Rig, capsys: pytest.CaptureFixture[str]):
    rig.person(1)
    rig.person(2, category="nobody")
    assert run(rig) == build_command.INCOMPLETE
    assert "row 3 (p2): category: 'nobody'" in capsys.readouterr().err
    assert run(rig, "--skip-refused") == build_command.BUILT


def test_a_table_pack_or_folder_that_cannot_be_used_has_another(rig: Rig, capsys: pytest.CaptureFixture[str]):
    rig.person(1)
    assert run(rig, "--entries", str(rig.folder / "none.csv")) == build_command.UNUSABLE
    assert run(rig, "--policy", "atlantis") == build_command.UNUSABLE
    assert run(rig, "--subjects", "real") == build_command.UNUSABLE
    assert run(rig, "--out", str(rig.folder)) == build_command.UNUSABLE
    assert capsys.readouterr().err.count("lfr-fleet: ") == 4


@pytest.mark.parametrize("option", [("--workers", "0"), ("--alike", "1.5"), ("--alike", "x")])
def test_wrong_usage_is_refused(rig: Rig, option: tuple[str, str]):
    rig.person(1)
    with pytest.raises(SystemExit) as stop:
        run(rig, *option)
    assert stop.value.code == 2


# Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_says_share_rate_and_time_left():
    text = describe(Progress(done=250, total=1000, resumed=50), took_s=10.0)
    assert text == "250 of 1,000 photographs (50 from before), 20.0 a second, 0:00:38 left"


def test_progress_on_a_terminal_stays_on_one_line():
    stream, clock = Terminal(), FakeClock()
    line = ProgressLine(stream, clock)
    for done in range(1, 5):
        clock.advance(1)
        line(Progress(done, 4, 0))
    assert stream.getvalue().count("\n") == 1
    assert stream.getvalue().count("\r") == 4


def test_progress_in_a_log_is_a_line_now_and_then():
    stream, clock = io.StringIO(), FakeClock()
    line = ProgressLine(stream, clock)
    for done in range(1, 101):
        clock.advance(1)
        line(Progress(done, 100, 0))
    assert stream.getvalue().count("\n") == 4


# Likeness


def test_pairs_are_those_of_every_row_with_every_other():
    vectors = np.random.default_rng(2).normal(0, 1, (1200, 8)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    whole = np.triu(vectors @ vectors.T, 1)
    expected = {(int(i), int(j)) for i, j in np.argwhere(whole >= 0.97)}
    pairs = find_pairs(vectors, 0.97)
    assert {(pair.first, pair.second) for pair in pairs} == expected
    assert [pair.similarity for pair in pairs] == sorted((pair.similarity for pair in pairs), reverse=True)


def test_more_pairs_than_anybody_reviews_are_cut_to_the_most_alike(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("provisioning.likeness.PAIRS_MAX", 5)
    vectors = np.ones((40, 1), np.float32)
    assert len(find_pairs(vectors, 0.5)) == 5


def test_review_similarity_is_the_calibration_s_and_rises_with_the_list():
    from edge.trust.packs import open_pack

    pack: VerifiedPack = open_pack(Path(__file__).resolve().parents[2] / "models" / "packs" / "bringup", "int8")
    assert review_similarity(pack, "litert", 10) <= review_similarity(pack, "litert", 10_000) < 1
    assert review_similarity(pack, "unheard-of", 10) == UNCALIBRATED
