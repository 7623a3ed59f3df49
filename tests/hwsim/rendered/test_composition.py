"""People put into a picture: what hides a face, and what does not."""

from __future__ import annotations

import functools
from dataclasses import replace

import numpy as np
from hwsim.street.rendered.backdrop import Backdrop, light_street
from hwsim.street.rendered.composition import Present, Seen, Shutter, compose
from hwsim.street.rendered.figure import Figure, Moment, dress
from hwsim.street.rendered.head.identity import sample_identity
from hwsim.street.rendered.head.look import neutral_look
from hwsim.street.rendered.raster import FAR
from hwsim.street.rendered.tilted_view import TiltedView
from hwsim.street.rendered.weather import OVERCAST

VIEW = TiltedView(320, 240, across_deg=44.0, height_cm=160.0, tilt_deg=0.0)
SHARP = Shutter(open_s=0.0, defocus=0.0)


@functools.cache
def somebody(seed: int) -> Figure:
    identity = sample_identity(seed)
    return dress(identity, neutral_look(identity), np.random.default_rng(seed), 0.5)


@functools.cache
def nowhere() -> Backdrop:
    grey = np.full((240, 320, 3), 0.3, np.float32)
    far = np.full((240, 320), FAR, np.float32)
    return Backdrop(grey, far, light_street(OVERCAST, np.random.default_rng(1)))


def stands(seed: int, x_cm: float = 0.0, away_cm: float = 400.0, heading_rad: float = 0.0) -> Present:
    return Present(str(seed), somebody(seed), Moment(x_cm, -away_cm, heading_rad, 0.3))


def faces_of(*people: Present, backdrop: Backdrop | None = None) -> dict[str, Seen]:
    _, seen = compose(backdrop or nowhere(), VIEW, people, SHARP)
    return {one.person: one for one in seen}


def test_a_face_alone_is_seen_whole():
    face = faces_of(stands(1))["1"]
    assert face.visible > 0.97
    assert face.face.facing > 0.95


def test_a_face_behind_somebody_is_hidden():
    alone = faces_of(stands(1, away_cm=700))["1"].visible
    faces = faces_of(stands(1, away_cm=700), stands(2, away_cm=400))
    assert faces["1"].visible < 0.4 < alone
    assert faces["2"].visible > 0.97


def test_a_face_beside_somebody_is_not_hidden():
    assert faces_of(stands(1, -90, 700), stands(2, 60, 400))["1"].visible > 0.97


def test_a_face_at_the_pictures_edge_is_seen_in_part():
    edge = 100 * VIEW.edge_m(4.0)
    shares = [faces_of(stands(1, x)).get("1") for x in (0.0, edge, edge + 12.0)]
    seen = [0.0 if one is None else one.visible for one in shares]
    assert seen[0] > 0.97
    assert 0.25 < seen[1] < 0.75
    assert seen[2] < 0.1


def test_what_stands_nearer_hides_a_face():
    wall = replace(nowhere(), depth=np.full((240, 320), 200, np.float32))
    assert faces_of(stands(1), backdrop=wall)["1"].visible < 0.02


def test_from_behind_there_is_no_face():
    assert faces_of(stands(1, heading_rad=np.pi)) == {}


def test_landmarks_and_box_lie_on_the_head_that_was_drawn():
    picture, seen = compose(nowhere(), VIEW, [stands(3)], SHARP)
    changed = np.abs(picture - nowhere().light).max(axis=2) > 0.02
    left, top, width, height = seen[0].face.box_px
    for x, y in seen[0].face.landmarks_px:
        assert changed[int(y), int(x)]
        assert left <= x <= left + width
        assert top <= y <= top + height
    box = changed[int(top) : int(top + height), int(left) : int(left + width)]
    assert box.mean() > 0.8
    assert 0.13 < width / (VIEW.focal_px / 400) / 100 < 0.19


def test_who_moves_is_blurred_along_the_way():
    still, _ = compose(nowhere(), VIEW, [stands(1)], Shutter(0.03, 0.0))
    moving = replace(stands(1), speed_cm_s=(300.0, 0.0))
    blurred, _ = compose(nowhere(), VIEW, [moving], Shutter(0.03, 0.0))
    across = [np.abs(np.diff(picture, axis=1)).sum() for picture in (still, blurred)]
    assert across[1] < 0.8 * across[0]


def test_the_background_is_left_as_it_was():
    before = nowhere().light.copy()
    compose(nowhere(), VIEW, [stands(1)], SHARP)
    assert np.array_equal(nowhere().light, before)
