"""Places that a network takes for faces are found once, and never on a face."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the extra `train` is not installed")

from models.training.detector_net import DetectorNet  # noqa: E402
from models.training.detector_targets import FACE, NONE  # noqa: E402
from models.training.hard_places import hard_places  # noqa: E402
from models.training.shards import Arrays  # noqa: E402


def nothing(done: int, total: int) -> None:
    pass


def everywhere() -> DetectorNet:
    """A network that takes every cell for a face as wide as its stride."""
    network = DetectorNet()
    with torch.no_grad():
        for output in network.outputs:
            for layer in output.values():
                layer.weight.zero_()
                layer.bias.zero_()
            output["face"].bias.fill_(9.0)
            output["fit"].bias.fill_(9.0)
    return network


def frames(kind: int) -> Arrays:
    boxes = np.array([[[0, 0, 32, 32]], [[32, 0, 32, 32]]], np.float32)
    images = np.zeros((2, 32, 64, 3), np.uint8)
    return {"images": images, "kinds": np.full((2, 1), kind, np.int8), "boxes": boxes}


def test_every_false_face_is_found_with_its_frame(tmp_path: Path) -> None:
    places = hard_places(everywhere(), frames(NONE), tmp_path, nothing)
    assert set(places[:, 0]) == {0, 1}
    assert (places[:, 3] > 0).all()


def test_what_lies_on_a_face_is_no_hard_place(tmp_path: Path) -> None:
    all_of_them = hard_places(everywhere(), frames(NONE), tmp_path / "none", nothing)
    others = hard_places(everywhere(), frames(FACE), tmp_path / "faces", nothing)
    assert 0 < len(others) < len(all_of_them)


def test_a_run_that_goes_on_has_the_same_hard_places(tmp_path: Path) -> None:
    first = hard_places(everywhere(), frames(NONE), tmp_path, nothing)
    again = hard_places(DetectorNet(), frames(NONE), tmp_path, nothing)
    np.testing.assert_array_equal(first, again)
