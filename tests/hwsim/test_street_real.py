"""A street of real photographs, seen by the real detector."""

from __future__ import annotations

from pathlib import Path

import pytest
from hwsim.street.compose import StreetComposer, StreetPlan
from hwsim.street.finder import choose_finder
from hwsim.street.people import find_people
from hwsim.street.portraits import load_portraits
from hwsim.street.truth import iou

from tests.reference import reference_dir

EVERY = 6
DETECTED_MIN = 0.90
FALSE_PER_FRAME_MAX = 0.10


@pytest.mark.real
def test_the_detector_finds_the_faces_the_truth_says_are_there(street_pack_dir: Path) -> None:
    images = reference_dir("faces", "lfw", "images")
    finder = choose_finder(street_pack_dir.parent, street_pack_dir.name)
    portraits = load_portraits(find_people(images), finder.find, seed=7, count=16).portraits
    street = StreetComposer(portraits, StreetPlan(seed=7))
    wanted = found = strangers = looked_at = 0
    for index in range(0, street.header.frames, EVERY):
        picture, frame = street.frame(index)
        faces = finder.find(picture)
        looked_at += 1
        for seen in frame.people:
            if seen.visible >= 0.9 and seen.width_px >= 24:
                wanted += 1
                found += any(iou(seen, face) > 0.3 for face in faces)
        strangers += sum(all(iou(seen, face) < 0.2 for seen in frame.people) for face in faces)
    assert wanted > 50
    assert found >= DETECTED_MIN * wanted
    assert strangers <= FALSE_PER_FRAME_MAX * looked_at
