"""Identities: one seed is one person, everybody differs, and the groups that reports speak of come in equal shares."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, fields
from itertools import pairwise

import numpy as np
import pytest
from hwsim.street.rendered.head.identity import AGE_BANDS_YEARS, SEXES, TONE_BANDS, Identity, sample_identity

MANY = 1000


@pytest.fixture(scope="module")
def people() -> list[Identity]:
    return [sample_identity(seed) for seed in range(MANY)]


def luminance(identity: Identity) -> float:
    return float(identity.complexion.skin @ (0.2126, 0.7152, 0.0722))


def test_one_seed_is_one_person():
    first, second = sample_identity(41), sample_identity(41)
    assert first.shape == second.shape
    assert first.hairstyle == second.hairstyle
    assert first.beard == second.beard
    for field in fields(first.complexion):
        np.testing.assert_array_equal(getattr(first.complexion, field.name), getattr(second.complexion, field.name))


def test_two_people_differ_in_every_length_of_the_head(people):
    first, second = (asdict(person.shape) for person in people[:2])
    either = {"hood", "jaw_angle", "cleft", "hollow", "jowl"}  # Many have none of these.
    assert not [name for name in first if name not in either and first[name] == second[name]]


def test_sexes_and_tones_come_in_equal_shares(people):
    sexes = Counter(person.sex for person in people)
    tones = Counter(person.tone_band for person in people)
    assert set(sexes) == set(SEXES)
    assert set(tones) == set(range(1, TONE_BANDS + 1))
    assert all(abs(count / MANY - 1 / len(SEXES)) < 0.05 for count in sexes.values())
    assert all(abs(count / MANY - 1 / TONE_BANDS) < 0.04 for count in tones.values())


def test_ages_come_evenly_from_18_to_85(people):
    ages = [person.age_years for person in people]
    assert (min(ages), max(ages)) == (18, 85)
    for low, high in AGE_BANDS_YEARS:
        share = sum(low <= age <= high for age in ages) / MANY
        assert abs(share - (high - low + 1) / 68) < 0.05
    assert {person.age_band for person in people} == {f"{low}-{high}" for low, high in AGE_BANDS_YEARS}


def test_tone_bands_go_from_pale_to_dark_skin(people):
    means = [
        np.mean([luminance(person) for person in people if person.tone_band == band])
        for band in range(1, TONE_BANDS + 1)
    ]
    assert all(paler > 1.2 * darker for paler, darker in pairwise(means))


def test_groups_do_not_predict_each_other(people):
    darkness = [person.darkness for person in people]
    ages = [person.age_years for person in people]
    male = [person.sex == "male" for person in people]
    assert np.abs(np.corrcoef([darkness, ages, male])[np.triu_indices(3, 1)]).max() < 0.08


def test_features_stand_in_a_faces_order(people):
    for person in people:
        s, c = person.shape, person.complexion
        assert s.eye_y_cm + c.brow_lift_cm > s.eye_y_cm > s.nose_y_cm > s.mouth_y_cm + s.upper_lip_cm, person.seed
        assert s.mouth_y_cm - s.lower_lip_cm > s.chin_y_cm, person.seed
        assert s.eye_x_cm > 0.9 * c.eye_width_cm * s.eye_size, person.seed
        assert c.skin.min() > 0, person.seed


def test_only_men_have_beards(people):
    assert {person.beard.cut for person in people if person.sex == "female"} == {"none"}
    assert len({person.beard.cut for person in people if person.sex == "male"}) > 4
