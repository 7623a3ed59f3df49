"""A training run that was cut off ends as one that was not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the extra `train` is not installed")

from edge.errors import TrainingInvalid  # noqa: E402
from models.training import run  # noqa: E402
from models.training.embedder_trainee import EmbedderTrainee  # noqa: E402
from tests.fake_clock import FakeClock  # noqa: E402

STEPS = 60


class CutOff(Exception):
    pass


class Cut:
    """A trainee whose power goes at one step."""

    def __init__(self, trainee: run.Trainee, at: int) -> None:
        self._trainee, self._at = trainee, at

    def step(self, index: int) -> dict[str, float]:
        if index == self._at:
            raise CutOff
        return self._trainee.step(index)

    def state(self) -> dict[str, Any]:
        return self._trainee.state()

    def restore(self, state: dict[str, Any]) -> None:
        self._trainee.restore(state)


def trainee() -> EmbedderTrainee:
    rng = np.random.default_rng(4)
    images = rng.integers(0, 256, (24, 76, 76, 3), dtype=np.uint8)
    torch.set_num_threads(1)
    return EmbedderTrainee(images, np.repeat(np.arange(6), 4), 7, STEPS, 4, torch.device("cpu"))


def nothing(done: int, figures: dict[str, float]) -> None:
    pass


def train(one: run.Trainee, folder: Path, every_s: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "CHECKPOINT_EVERY_S", every_s)
    run.run(one, folder, STEPS, {"seed": 7}, FakeClock(), nothing)


def test_a_run_cut_off_ends_as_one_that_was_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    train(trainee(), tmp_path / "whole", 0.0, monkeypatch)
    with pytest.raises(CutOff):
        train(Cut(trainee(), 51), tmp_path / "cut", 0.0, monkeypatch)
    train(trainee(), tmp_path / "cut", 0.0, monkeypatch)
    whole, cut = run.load(tmp_path / "whole"), run.load(tmp_path / "cut")
    for name, value in whole["trainee"]["network"].items():
        assert torch.equal(value, cut["trainee"]["network"][name]), name
    assert (tmp_path / "whole" / "curves.csv").read_bytes() == (tmp_path / "cut" / "curves.csv").read_bytes()


def test_a_checkpoint_of_other_settings_is_refused_by_name(tmp_path: Path) -> None:
    run.save(tmp_path, {"step": 3, "settings": {"seed": 1}, "trainee": {}})
    with pytest.raises(TrainingInvalid, match="seed"):
        run.run(trainee(), tmp_path, STEPS, {"seed": 7}, FakeClock(), nothing)


def test_a_damaged_checkpoint_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / run.CHECKPOINT_NAME).write_bytes(b"PK\x03\x04 half")
    with pytest.raises(TrainingInvalid, match="remove it"):
        run.run(trainee(), tmp_path, STEPS, {"seed": 7}, FakeClock(), nothing)
