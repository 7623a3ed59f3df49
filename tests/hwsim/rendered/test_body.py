"""Bodies that walk: feet on the ground, the head at its owner's height, one stride like the next."""

from __future__ import annotations

import numpy as np
import pytest
from hwsim.street.body import Build
from hwsim.street.rendered.body import HEAD_TOP_CM, Body, build_body
from hwsim.street.rendered.clothes import Bag, Cut, Legwear, choose_outfit
from hwsim.street.rendered.gait import Manner, walk_pose
from hwsim.street.rendered.skeleton import Bone, Skeleton, side

PLAIN = Manner(step=1.0, swing=1.0, elbow_deg=12.0, lean_deg=0.0, hands_in_pockets=False)
SKIN = np.array([0.4, 0.25, 0.18], np.float32)
STRIDES = np.linspace(0, 1, 9)[:-1]


def somebody(seed: int, stature_m: float = 1.7, masculine: bool = True) -> Body:
    outfit = choose_outfit(np.random.default_rng(seed), masculine, SKIN)
    return build_body(Build(stature_m, 1.0), masculine, outfit, PLAIN)


@pytest.mark.parametrize("stature_m", [1.5, 1.95])
def test_feet_stay_on_the_ground_and_the_head_at_its_height(stature_m: float):
    body = somebody(3, stature_m)
    for stride in STRIDES:
        posed = body.at(float(stride))
        assert posed.vertices[:, 1].min() == pytest.approx(0.0, abs=2.5)
        assert posed.head_cm[1] + HEAD_TOP_CM == pytest.approx(100 * stature_m, abs=6.0)


def test_a_stride_ends_as_it_began():
    first, last = walk_pose(0.0, PLAIN), walk_pose(1.0, PLAIN)
    for bone, rotation in first.items():
        assert np.allclose(rotation, last[bone], atol=1e-5)


def test_the_left_leg_does_what_the_right_one_did_half_a_stride_before():
    for bone in (Bone.THIGH_RIGHT, Bone.SHIN_RIGHT, Bone.FOOT_RIGHT):
        assert np.allclose(walk_pose(0.2, PLAIN)[bone], walk_pose(0.7, PLAIN)[side(bone, left=True)], atol=1e-6)


def test_bones_keep_their_length_in_every_pose():
    skeleton = Skeleton.sized(1.0, 1.0)
    for stride in STRIDES:
        rotations, offsets = skeleton.pose(walk_pose(float(stride), PLAIN))
        places = np.einsum("bij,bj->bi", rotations, skeleton.joints_cm) + offsets
        for upper, lower in ((Bone.THIGH_LEFT, Bone.SHIN_LEFT), (Bone.UPPER_ARM_RIGHT, Bone.FOREARM_RIGHT)):
            at_ease = np.linalg.norm(skeleton.joints_cm[lower] - skeleton.joints_cm[upper])
            assert np.linalg.norm(places[lower] - places[upper]) == pytest.approx(at_ease, rel=1e-4)


def test_skin_does_not_tear_at_knees_shoulders_and_hips():
    body = somebody(5)
    for part, span in zip(body.parts, body.spans, strict=True):
        at_ease = body.vertices[span][part.faces]
        lengths = np.linalg.norm(at_ease - np.roll(at_ease, 1, axis=1), axis=2)
        for stride in STRIDES:
            moved = body.at(float(stride)).vertices[span][part.faces]
            stretched = np.linalg.norm(moved - np.roll(moved, 1, axis=1), axis=2)
            assert (stretched < 2.6 * lengths + 7.0).all()


def test_clothes_vary_and_go_together():
    outfits = [choose_outfit(np.random.default_rng(seed), seed % 2 == 0, SKIN, seed % 3 / 2) for seed in range(90)]
    assert {outfit.cut for outfit in outfits} == set(Cut)
    assert {outfit.legwear for outfit in outfits} == set(Legwear)
    assert {outfit.bag for outfit in outfits} == set(Bag)
    assert all((outfit.legwear is Legwear.BARE) == (outfit.cut is Cut.DRESS) for outfit in outfits)
    assert not any(outfit.legwear is Legwear.SKIRT for outfit in outfits[::2])
    colours = {tuple(np.round(outfit.top[..., :3].mean(axis=(0, 1)), 2)) for outfit in outfits}
    assert len(colours) > 60


def test_fewer_coats_are_worn_as_it_grows_warm():
    def coats(warmth: float) -> int:
        rngs = (np.random.default_rng([seed, 8]) for seed in range(50))
        return sum(choose_outfit(rng, True, SKIN, warmth).cut in (Cut.COAT, Cut.PUFFER) for rng in rngs)

    assert coats(1.0) < 0.6 * coats(0.0)
