"""What a composed street promises: the same from the same seed, everyone once, and a truth that is true."""

from __future__ import annotations

import functools
import itertools

import numpy as np
import pytest
from hwsim.errors import StreetInvalid
from hwsim.street.compose import StreetComposer, StreetPlan
from hwsim.street.truth import Truth

from tests.hwsim.drawn_people import colour_of, draw_portraits

SMALL = StreetPlan(seed=5, width_px=480, height_px=270, frames_per_s=10.0)
PEOPLE = 8


@functools.cache
def small_street() -> StreetComposer:
    return StreetComposer(draw_portraits(PEOPLE, plain=True), SMALL)


@functools.cache
def small_street_frames() -> tuple[tuple[np.ndarray, Truth], ...]:
    street = small_street()
    composed = [street.frame(index) for index in range(street.header.frames)]
    return tuple((picture, seen) for picture, seen in composed)


@functools.cache
def small_street_truth() -> Truth:
    return Truth(small_street().header, [seen for _, seen in small_street_frames()])


def test_the_same_seed_gives_the_same_pixels_and_truth():
    again = StreetComposer(draw_portraits(PEOPLE, plain=True), SMALL)
    assert again.header == small_street().header
    for index in (0, 17, 40):
        picture, seen = again.frame(index)
        assert np.array_equal(picture, small_street_frames()[index][0])
        assert seen == small_street_frames()[index][1]


def test_frames_do_not_depend_on_the_order_in_which_they_are_asked_for():
    again = StreetComposer(draw_portraits(PEOPLE, plain=True), SMALL)
    for index in (40, 3, 21):
        assert np.array_equal(again.frame(index)[0], small_street_frames()[index][0])


def test_a_street_of_one_person_has_one_pass():
    one = StreetComposer(draw_portraits(1), StreetPlan(seed=5, width_px=320, height_px=180))
    assert one.header.people == ("p00",)
    assert [seen.person for seen in one.frame(one.header.frames // 2)[1].people] == ["p00"]


def test_another_seed_gives_another_street():
    other = StreetComposer(draw_portraits(PEOPLE, plain=True), StreetPlan(6, 480, 270, 10.0))
    assert other.frame(20)[1] != small_street_frames()[20][1]
    assert not np.array_equal(other.frame(20)[0], small_street_frames()[20][0])


def test_a_frame_is_the_callers_own():
    street = small_street()
    street.frame(3)[0][:] = 0
    assert np.array_equal(street.frame(3)[0], small_street_frames()[3][0])


def test_frames_are_of_the_size_asked_for():
    for picture, _ in small_street_frames()[::15]:
        assert picture.shape == (270, 480, 3)
        assert picture.dtype == np.uint8


def test_everyone_passes_and_passes_once():
    truth = small_street_truth()
    assert truth.people_passed(width_min_px=9, visible_min=0.9) == truth.header.people
    for person in truth.header.people:
        frames = [frame.frame for frame in truth.frames if any(seen.person == person for seen in frame.people)]
        assert frames == list(range(frames[0], frames[-1] + 1))


def test_faces_grow_as_people_come_nearer():
    truth = small_street_truth()
    for person in truth.header.people:
        widths = [seen.width_px for frame in truth.frames for seen in frame.people if seen.person == person]
        assert all(later > earlier for earlier, later in itertools.pairwise(widths))
        assert widths[0] * 1280 / 480 < 20
        assert widths[-1] * 1280 / 480 > 55


def test_boxes_lie_at_least_partly_in_the_picture():
    for frame in small_street_truth().frames:
        for seen in frame.people:
            assert seen.left_px < 480
            assert seen.left_px + seen.width_px > 0
            assert seen.top_px < 270


def _likeness(picture: np.ndarray, seen, number: int) -> float:
    """Cosine between the colour in the middle of a face and that which the person has."""
    x, y = round(seen.left_px + seen.width_px / 2), round(seen.top_px + seen.height_px / 2)
    found = picture[y - 1 : y + 2, x - 1 : x + 2].reshape(-1, 3).mean(axis=0)
    wanted = np.asarray(colour_of(number, PEOPLE), float)
    return float(found @ wanted / np.linalg.norm(found) / np.linalg.norm(wanted))


def test_a_face_said_to_be_visible_shows_its_own_colour_and_a_hidden_one_does_not():
    visible, hidden = [], []
    for picture, frame in small_street_frames():
        for seen in frame.people:
            inside = 3 < seen.left_px + seen.width_px / 2 < 476 and seen.top_px + seen.height_px / 2 < 266
            if not inside or seen.width_px < 10:
                continue
            if seen.visible > 0.97:
                visible.append(_likeness(picture, seen, int(seen.person[1:])))
            elif seen.visible < 0.03:
                hidden.append(_likeness(picture, seen, int(seen.person[1:])))
    assert len(visible) > 100
    assert np.mean(np.asarray(visible) > 0.97) > 0.97
    assert not hidden or np.mean(np.asarray(hidden) > 0.97) < 0.2


def test_people_occlude_one_another():
    crowd = StreetComposer(draw_portraits(12, plain=True), StreetPlan(2, 320, 180, 5.0, density=12))
    seen = [person for index in range(crowd.header.frames) for person in crowd.frame(index)[1].people]
    whole = [p for p in seen if p.left_px > 0 and p.left_px + p.width_px < 320 and p.width_px > 6]
    assert any(person.visible < 0.3 for person in whole)


def test_light_changes_over_time():
    means = [float(picture[:60].mean()) for picture, _ in small_street_frames()[::5]]
    assert max(means) / min(means) > 1.05


def test_a_density_asked_for_is_about_what_is_in_view():
    street = StreetComposer(draw_portraits(14), StreetPlan(1, 160, 160, 4.0, density=3.0))
    counts = [len(street.frame(index)[1].people) for index in range(20, street.header.frames - 20)]
    assert 1.8 < np.mean(counts) < 4.2


def test_a_length_asked_for_is_kept_and_everyone_passes_within_it():
    street = StreetComposer(draw_portraits(4), StreetPlan(1, 160, 160, 5.0, lasts_s=14.0))
    assert street.header.frames == 70
    truth = Truth(street.header, [street.frame(index)[1] for index in range(70)])
    assert {person for frame in truth.frames for person in (seen.person for seen in frame.people)} == set(
        street.header.people
    )
    assert all((passage := truth.passage_s(person)) and passage[1] < 14.0 for person in street.header.people)


@pytest.mark.parametrize(
    ("count", "wanted", "says"),
    [
        (0, SMALL, "at least one"),
        (3, StreetPlan(width_px=100, height_px=720), "at least 160 px"),
        (3, StreetPlan(frames_per_s=0.0), "rate above 0"),
        (3, StreetPlan(density=0.0), "density 0"),
        (3, StreetPlan(density=50.0), "at most 20"),
        (60, StreetPlan(lasts_s=10.0), "need at least"),
    ],
)
def test_a_street_that_cannot_be_is_refused(count, wanted, says):
    with pytest.raises(StreetInvalid, match=says):
        StreetComposer(draw_portraits(count), wanted)


def test_two_portraits_of_one_person_are_refused():
    with pytest.raises(StreetInvalid, match="2 portraits of 1 people"):
        StreetComposer(draw_portraits(1) * 2, SMALL)
