"""Strangers compared: each with every other's entry, nobody with himself, and the tail kept whole."""

from __future__ import annotations

import numpy as np
import pytest

from edge.errors import CalibrationDataInvalid
from models.accuracy import Templates
from models.calibration.strangers import KEPT_SHARE, compare_people
from tests.models.calibration.made_people import made_people


def test_kept_are_exactly_the_comparisons_of_strangers_above_the_floor():
    templates = made_people(300, each=2)
    found = compare_people(templates)
    every = templates.vectors.astype(np.float64) @ templates.vectors[::2].T.astype(np.float64)
    owner = np.repeat(np.arange(300), 2)
    every[np.arange(600), owner] = -2
    expected = np.sort(every[every >= found.floor])[::-1]
    assert found.score == pytest.approx(expected)
    assert len(found.score) >= KEPT_SHARE * found.comparisons
    assert (found.comparisons, found.people) == (600 * 299, 300)
    assert (found.person == owner[found.probe]).all()
    assert (found.entry != found.person).all()


def test_photographs_without_a_face_take_no_part():
    templates = made_people(60, each=2)
    vectors = templates.vectors.copy()
    vectors[[0, 1, 2]] = np.nan
    found = compare_people(Templates(vectors, templates.people))
    assert "p00000" not in found.names
    assert found.people == 59
    assert found.probes_of[0] == 1
    assert found.comparisons == 117 * 58


def test_pairs_of_people_are_counted_once_however_often_they_meet():
    templates = made_people(100, each=3)
    vectors = templates.vectors.copy()
    vectors[3:6] = vectors[0:3]
    found = compare_people(Templates(vectors, templates.people))
    assert found.pairs_at(0.95) == 1
    assert found.most_alike(1) == [("p00000", "p00001", pytest.approx(1.0))]


def test_too_few_people_are_refused_with_their_number():
    with pytest.raises(CalibrationDataInvalid, match="49 people"):
        compare_people(made_people(49))
