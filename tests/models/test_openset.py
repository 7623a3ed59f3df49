"""The open set: how it is read, how thresholds follow from scores, and what the street pack reaches on it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.drivers.litert import choose_runtime
from edge.errors import OpenSetInvalid
from edge.trust.packs import open_pack
from models.evaluate import evaluate_pack
from models.openset import NOT_COMPARED, operating_point, read_open_set
from tests.reference import reference_dir

GOOD = "role,identity,image\ngallery,a,a_1\nprobe,a,a_2\nimpostor,b,b_1\n"


def test_list_is_read_into_photographs(tmp_path: Path):
    (tmp_path / "openset.csv").write_text(GOOD)
    photographs = read_open_set(tmp_path)
    assert [(photo.role, photo.identity) for photo in photographs] == [
        ("gallery", "a"),
        ("probe", "a"),
        ("impostor", "b"),
    ]
    assert photographs[1].path == tmp_path / "images" / "a" / "a_2.jpg"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "role,image\ngallery,a\n",
        "role,identity,image\n",
        GOOD + "stranger,c,c_1\n",
        GOOD + "probe,c,c_1\n",
        GOOD + "impostor,a,a_3\n",
        GOOD + "probe,a\n",
        GOOD + "probe,a,a_3,more\n",
        GOOD + "probe,a,../../a\n",
        GOOD + "probe,,x\n",
        "\0",
    ],
)
def test_list_that_does_not_say_who_is_who_is_refused(tmp_path: Path, text: str):
    (tmp_path / "openset.csv").write_text(text)
    with pytest.raises(OpenSetInvalid, match=r"openset\.csv"):
        read_open_set(tmp_path)


def test_missing_list_is_refused(tmp_path: Path):
    with pytest.raises(OpenSetInvalid, match=r"openset\.csv"):
        read_open_set(tmp_path)


def test_threshold_lies_just_above_the_first_score_too_many():
    non_mated = [i / 1000 for i in range(1000)]
    point = operating_point([0.9895, 0.9905, 0.5], non_mated, 0.01)
    assert point.false_alarms == 10
    assert point.threshold == pytest.approx(0.989)
    assert point.threshold > 0.989
    assert (point.found, point.tpir.share) == (2, pytest.approx(2 / 3))


def test_no_false_alarm_is_allowed_where_the_searches_are_too_few():
    point = operating_point([0.7, 0.5], [0.6] * 999, 0.001)
    assert (point.false_alarms, point.found) == (0, 1)
    assert point.fpir.high == pytest.approx(0.0037, abs=1e-4)


def test_photographs_without_a_face_are_misses_and_no_false_alarms():
    point = operating_point([0.9, NOT_COMPARED], [NOT_COMPARED] * 100, 0.01)
    assert (point.found, point.false_alarms, point.tpir.share) == (1, 0, 0.5)


@given(
    st.lists(st.floats(-1, 1), min_size=1, max_size=60),
    st.lists(st.floats(-1, 1), min_size=1, max_size=300),
    st.floats(0, 1),
)
def test_fpir_is_never_above_what_was_asked_for(mated: list[float], non_mated: list[float], fpir_max: float):
    point = operating_point(mated, non_mated, fpir_max)
    assert point.fpir.share <= fpir_max + 1e-9
    lower = np.nextafter(np.nextafter(point.threshold, -2), -2)
    assert point.threshold <= -1 or sum(score >= lower for score in non_mated) > fpir_max * len(non_mated) - 1e-6


@pytest.mark.real
@pytest.mark.parametrize("precision", ["float32", "int8"])
def test_street_pack_finds_the_enrolled_at_one_per_cent_false_positives(street_pack_dir: Path, precision):
    photographs = read_open_set(reference_dir("faces", "lfw"))
    evaluation = evaluate_pack(
        open_pack(street_pack_dir, precision), choose_runtime("auto", 1), photographs, 2, lambda done, total: None
    )
    assert (evaluation.enrolled, evaluation.mated_searches, evaluation.non_mated_searches) == (100, 258, 955)
    one_per_cent, one_per_mille = evaluation.points
    assert one_per_cent.tpir.share >= 0.947
    assert one_per_cent.fpir.share <= 0.01
    assert one_per_mille.tpir.share >= 0.80
