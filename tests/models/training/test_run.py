"""A training run that was cut off ends as one that was not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the extra `train` is not installed")

from edge.errors import TrainingInvalid  # noqa: E402
from models.training import run  # noqa: E402
from models.training.detector_sampling import Windows  # noqa: E402
from models.training.detector_targets import FACE  # noqa: E402
from models.training.detector_trainee import DetectorTrainee  # noqa: E402
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


def detector_trainee() -> DetectorTrainee:
    rng = np.random.default_rng(5)
    frames = {
        "images": rng.integers(0, 256, (3, 256, 320, 3), dtype=np.uint8),
        "kinds": np.full((3, 1), FACE, np.int8),
        "boxes": np.tile(np.array([140, 90, 40, 46], np.float32), (3, 1, 1)),
        "landmarks": np.tile(np.array([160, 112], np.float32), (3, 1, 5, 1)),
    }
    torch.set_num_threads(1)
    sample = Windows(frames, np.array([[1, 40, 40, 20]], np.float32)).sample
    return DetectorTrainee(sample, 7, 4, 2, torch.device("cpu"), 24.0)


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


def test_a_detector_restored_halfway_ends_as_one_that_was_not(tmp_path: Path) -> None:
    whole, first, second = detector_trainee(), detector_trainee(), detector_trainee()
    for index in range(4):
        whole.step(index)
    for index in range(2):
        first.step(index)
    run.save(tmp_path, {"step": 2, "settings": {}, "trainee": first.state()})
    second.restore(run.load(tmp_path)["trainee"])
    for index in range(2, 4):
        second.step(index)
    for name, value in whole.network.state_dict().items():
        assert torch.equal(value, second.network.state_dict()[name]), name


def test_an_embedder_goes_on_with_network_and_classes_and_the_whole_margin() -> None:
    first, second, cold = trainee(), trainee(), trainee()
    first.step(0)
    second.begin_with(first.state())
    for name, value in first.network.state_dict().items():
        assert torch.equal(value, second.network.state_dict()[name]), name
    cold.restore(first.state())
    assert second.step(0)["loss"] > cold.step(0)["loss"] + 1


def test_a_checkpoint_of_other_settings_is_refused_by_name(tmp_path: Path) -> None:
    run.save(tmp_path, {"step": 3, "settings": {"seed": 1}, "trainee": {}})
    with pytest.raises(TrainingInvalid, match="seed"):
        run.run(trainee(), tmp_path, STEPS, {"seed": 7}, FakeClock(), nothing)


def test_a_damaged_checkpoint_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / run.CHECKPOINT_NAME).write_bytes(b"PK\x03\x04 half")
    with pytest.raises(TrainingInvalid, match="remove it"):
        run.run(trainee(), tmp_path, STEPS, {"seed": 7}, FakeClock(), nothing)
