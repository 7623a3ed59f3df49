"""The room's bundle holds what it shows, and nothing that could lead out of its folder."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.errors import PhotographUnreadable
from provisioning.deployment import BUNDLE_PHOTOGRAPH_SIDE_PX, write_room_bundle
from provisioning.enrolment import Entry

DIMENSION = 256


def entries_of(count: int, seed: int = 1) -> list[Entry]:
    vectors = np.random.default_rng(seed).normal(0, 1, (count, DIMENSION)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return [Entry(f"{i:032x}", f"Person Nr {i}", Path("none"), 1, vector) for i, vector in enumerate(vectors)]


@pytest.fixture
def enrolled(tmp_path: Path) -> list[Entry]:
    made = []
    for index, (width, height) in enumerate([(60, 80), (2000, 1000), (900, 5)]):
        photograph = tmp_path / f"person {index}.png"
        cv2.imwrite(str(photograph), np.full((height, width, 3), (10, 200, 90), np.uint8))
        made.append(Entry(f"{index:032x}", f"№ {index}/ä", photograph, 1, np.ones(4, np.float32)))
    return made


def test_the_bundle_has_reference_and_photograph_of_each_entry(tmp_path: Path, enrolled: list[Entry]):
    write_room_bundle(tmp_path / "bundle", "market", enrolled)
    bundle = json.loads((tmp_path / "bundle" / "bundle.json").read_text(encoding="utf-8"))
    assert (bundle["deployment"], bundle["watchlist"]) == ("market", "market-list")
    assert [each["reference"] for each in bundle["entries"]] == [entry.reference for entry in enrolled]
    for each, entry in zip(bundle["entries"], enrolled, strict=True):
        assert each["entry_id"] == entry.entry_id
        image = cv2.imread(str(tmp_path / "bundle" / each["photograph"]))
        assert np.abs(image.astype(int) - (10, 200, 90)).max() < 12


def test_photographs_are_shrunk_in_proportion_and_never_enlarged(tmp_path: Path, enrolled: list[Entry]):
    write_room_bundle(tmp_path / "bundle", "market", enrolled)
    sizes = [cv2.imread(str(tmp_path / "bundle" / "photos" / f"{entry.entry_id}.jpg")).shape[:2] for entry in enrolled]
    assert sizes == [(80, 60), (BUNDLE_PHOTOGRAPH_SIDE_PX // 2, BUNDLE_PHOTOGRAPH_SIDE_PX), (2, 320)]


def test_a_photograph_that_has_vanished_is_said(tmp_path: Path, enrolled: list[Entry]):
    enrolled[0].photograph.unlink()
    with pytest.raises(PhotographUnreadable):
        write_room_bundle(tmp_path / "bundle", "market", enrolled)


def test_a_photograph_s_name_cannot_leave_the_bundle(tmp_path: Path, enrolled: list[Entry]):
    write_room_bundle(tmp_path / "bundle", "market", enrolled)
    written = {path.relative_to(tmp_path / "bundle").parts[0] for path in (tmp_path / "bundle").rglob("*")}
    assert written == {"photos", "bundle.json"}
