"""How much of a face is seen: all of it, less what the edge cuts off and what stands in front."""

from __future__ import annotations

import numpy as np
import pytest
from hwsim.street.face_seen import FaceSeen

BOX = (40.0, 30.0, 20.0, 28.0)


def face(left_px: float = 40.0, presence: float = 1.0) -> FaceSeen:
    return FaceSeen.uncovered("somebody", (left_px, *BOX[1:]), (100, 80), presence)


def test_uncovered_it_is_seen_whole():
    assert face().visible == 1.0


@pytest.mark.parametrize(("left_px", "share"), [(-10.0, 0.5), (90.0, 0.5), (-30.0, 0.0), (120.0, 0.0)])
def test_the_pictures_edge_cuts_it(left_px: float, share: float):
    assert face(left_px).visible == pytest.approx(share, abs=0.06)


def test_half_covered_half_is_seen():
    half = face()
    half.hide_behind(np.ones((80, 10), np.float32), 40, 0)
    assert half.visible == pytest.approx(0.5, abs=0.05)


def test_cover_elsewhere_takes_nothing():
    whole = face()
    whole.hide_behind(np.ones((20, 20), np.float32), 70, 0)
    assert whole.visible == 1.0


def test_cover_of_bytes_counts_as_much_as_its_opacity():
    dim = face()
    dim.hide_behind(np.full((80, 100), 255, np.uint8), 0, 0, 0.4 / 255)
    assert dim.visible == pytest.approx(0.6, abs=0.01)


def test_two_covers_hide_no_more_than_there_is():
    twice = face(presence=0.5)
    for _ in range(2):
        twice.hide_behind(np.full((80, 100), 0.5, np.float32), 0, 0)
    assert twice.visible == pytest.approx(0.125, abs=0.01)
