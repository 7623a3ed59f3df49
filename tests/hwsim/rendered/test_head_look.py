"""Looks: neutral for enrolment, otherwise a person's own habits, now and then broken."""

from __future__ import annotations

import numpy as np
from hwsim.street.rendered.head.identity import Identity, sample_identity
from hwsim.street.rendered.head.look import HAT_SHARE, NEW_CUT_SHARE, TINTED_SHARE, Look, neutral_look, sample_look
from hwsim.street.rendered.head.warp import NEUTRAL

LOOKS = 300


def looks_of(identity: Identity) -> list[Look]:
    rng = np.random.default_rng(identity.seed)
    return [sample_look(identity, rng) for _ in range(LOOKS)]


def first_person(wears_glasses: bool, sex: str | None = None) -> Identity:
    people = (sample_identity(seed) for seed in range(200))
    return next(p for p in people if p.wears_glasses == wears_glasses and sex in (None, p.sex))


def test_neutral_look_is_fit_for_enrolment():
    for seed in range(20):
        person = sample_identity(seed)
        look = neutral_look(person)
        assert look.expression == NEUTRAL
        assert (look.gaze.open, look.gaze.right_cm, look.gaze.up_cm) == (1.0, 0.0, 0.0)
        assert look.glasses is None
        assert look.hat is None
        assert not look.tinted
        assert look.hairstyle == person.hairstyle
        assert look.beard == person.beard


def test_one_generator_state_gives_one_look():
    person = sample_identity(6)
    assert sample_look(person, np.random.default_rng(2)) == sample_look(person, np.random.default_rng(2))


def test_people_keep_their_habit_of_glasses():
    wearer, other = first_person(True), first_person(False)
    assert np.mean([look.glasses is not None for look in looks_of(wearer)]) > 0.7
    assert np.mean([look.glasses is not None for look in looks_of(other)]) < 0.15
    assert {look.glasses for look in looks_of(wearer)} <= {wearer.glasses, None}


def test_hair_changes_and_hats_are_as_rare_as_stated():
    person = first_person(False, "female")
    looks = looks_of(person)
    slack = 0.06
    assert abs(np.mean([look.hairstyle != person.hairstyle for look in looks]) - NEW_CUT_SHARE) < slack
    assert abs(np.mean([look.hat is not None for look in looks]) - HAT_SHARE) < slack
    assert abs(np.mean([look.tinted for look in looks]) - TINTED_SHARE) < slack
    assert {look.beard for look in looks} == {person.beard}


def test_another_cut_keeps_the_hairline():
    person = first_person(False, "male")
    cuts = [look.hairstyle for look in looks_of(person) if look.hairstyle != person.hairstyle]
    assert cuts
    assert {(cut.front_y_cm, cut.temples_cm, cut.thinning) for cut in cuts} == {
        (person.hairstyle.front_y_cm, person.hairstyle.temples_cm, person.hairstyle.thinning)
    }


def test_faces_move():
    looks = looks_of(sample_identity(9))
    assert np.std([look.expression.smile for look in looks]) > 0.2
    assert len({look.gaze for look in looks}) > 3
    assert max(look.expression.jaw for look in looks) > 0.3
