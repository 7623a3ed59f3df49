"""What an evaluation says to people."""

from __future__ import annotations

import pytest

from edge.formats.pack import Purpose
from models.evaluate import Evaluation
from models.openset import operating_point
from models.tables import evaluation_text


def evaluation(purpose: Purpose) -> Evaluation:
    point = operating_point([0.9, 0.8, 0.2], [0.1, 0.3], 0.01)
    return Evaluation("some", 1, "0" * 64, purpose, "int8", "litert 2", 3, 0, 3, 0, 2, 0, (point,))


@pytest.mark.parametrize(("purpose", "warned"), [("bring-up", True), ("operations", False)])
def test_a_bring_up_pack_on_real_faces_is_called_not_fit(purpose: Purpose, warned: bool) -> None:
    text = evaluation_text(evaluation(purpose))
    assert ("NOT FIT FOR REAL FACES" in text) == warned
    assert "2 of 3" in text
