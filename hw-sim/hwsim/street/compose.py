"""Compose the street: background, shadows and walkers of one frame, and the truth about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from hwsim.errors import StreetInvalid
from hwsim.street.body import ANCHOR_PX, PHASES, PIXELS_PER_M, draw_body
from hwsim.street.clothes import Outfit, choose_outfit
from hwsim.street.cutout import Cutout, cut_out
from hwsim.street.face_seen import FaceSeen
from hwsim.street.paste import Placing, Sprite, blend, place
from hwsim.street.portraits import Portrait
from hwsim.street.scenery import draw_street
from hwsim.street.truth import FRAMES_MAX, PersonSeen, TruthFrame, TruthHeader
from hwsim.street.view import FACE_WIDTH_M, View
from hwsim.street.walk import Stance, Walk, plan
from hwsim.street.weather import EXPOSURE_SHARE, Weather

WALKERS_HELD = 24
"""Drawn people kept in memory; more are never in view at once."""

BOB_M, SWAY_M, NOD_DEG = 0.02, 0.018, 1.6
SHADOW_DARKNESS = 0.42
SIDE_MIN_PX = 160


@dataclass(frozen=True)
class StreetPlan:
    """What to compose: seed, size, rate, and either how many are in view at once or how long it lasts."""

    seed: int = 0
    width_px: int = 1280
    height_px: int = 720
    frames_per_s: float = 15.0
    density: float = 5.5
    lasts_s: float | None = None


class _Figure:
    """A person ready to be pasted: head, and the body's drawings as their phases come up."""

    def __init__(self, portrait: Portrait, walk: Walk, seed: int) -> None:
        self.cutout: Cutout = cut_out(portrait)
        face = self.cutout.face_box
        self.head = Sprite.of(self.cutout.bgra, (face.left_px + face.width_px / 2, face.top_px + face.height_px))
        self._outfit: Outfit = choose_outfit(np.random.default_rng([seed, 9, walk.seed]), self.cutout.skin_bgr)
        self._walk = walk
        self._bodies: dict[int, Sprite] = {}

    def body(self, stride: float) -> Sprite:
        phase = int(stride * PHASES) % PHASES
        if phase not in self._bodies:
            self._bodies[phase] = Sprite.of(draw_body(self._walk.build, self._outfit, phase), ANCHOR_PX)
        return self._bodies[phase]


class StreetComposer:
    """A street of photographs; any frame can be asked for, in any order."""

    def __init__(self, portraits: Sequence[Portrait], wanted: StreetPlan) -> None:
        """Raises: StreetInvalid."""
        people = [portrait.person for portrait in portraits]
        if not people or len(set(people)) != len(people):
            raise StreetInvalid(f"{len(people)} portraits of {len(set(people))} people: need one of each, at least one")
        if min(wanted.width_px, wanted.height_px) < SIDE_MIN_PX or wanted.frames_per_s <= 0:
            raise StreetInvalid(
                f"{wanted.width_px}x{wanted.height_px} at {wanted.frames_per_s:g} frames/s: "
                f"need at least {SIDE_MIN_PX} px a side and a rate above 0"
            )
        self._plan = wanted
        self._view = View(wanted.width_px, wanted.height_px)
        self._weather = Weather(wanted.seed, wanted.width_px, wanted.height_px)
        self._schedule = plan(people, self._view, wanted.seed, wanted.density, wanted.lasts_s)
        frames = int(np.ceil(self._schedule.lasts_s * wanted.frames_per_s))
        if not 0 < frames <= FRAMES_MAX:
            raise StreetInvalid(f"{frames} frames: need at least 1 and at most {FRAMES_MAX}")
        self._portraits = {portrait.person: portrait for portrait in portraits}
        self._background = draw_street(self._view, self._weather, wanted.seed)
        self._figure = lru_cache(maxsize=WALKERS_HELD)(self._draw_figure)
        self._shadow = _shadow()
        self.header = TruthHeader(
            seed=wanted.seed,
            frames_per_s=wanted.frames_per_s,
            width_px=wanted.width_px,
            height_px=wanted.height_px,
            frames=frames,
            people=tuple(sorted(people)),
        )

    def frame(self, index: int) -> tuple[NDArray[np.uint8], TruthFrame]:
        """Frame number index: uint8 BGR (h, w, 3), the caller's own, and who is in it."""
        time_s = index / self._plan.frames_per_s
        picture = self._background.copy()
        walkers = self._schedule.in_view(time_s)
        for _, stance in walkers:
            self._cast_shadow(picture, stance)
        faces: list[FaceSeen] = []
        for walk, stance in walkers:
            self._walk_into(picture, faces, walk, stance)
        lighter, darker = self._weather.noise(index)
        cv2.convertScaleAbs(picture, dst=picture, alpha=self._weather.exposure(time_s))
        cv2.subtract(cv2.add(picture, lighter, dst=picture), darker, dst=picture)
        seen = sorted((_person_seen(face) for face in faces if face.free.size), key=lambda person: person.person)
        return picture, TruthFrame(frame=index, taken_s=round(time_s, 6), people=tuple(seen))

    def _draw_figure(self, walk: Walk) -> _Figure:
        return _Figure(self._portraits[walk.person], walk, self._plan.seed)

    def _cast_shadow(self, picture: NDArray[np.uint8], stance: Stance) -> None:
        x, y = self._view.project(stance.x_m, 0.0, stance.z_m)
        scale = self._view.focal_px / stance.z_m / PIXELS_PER_M
        placed = place(self._shadow, Placing(x, y, scale), (self._view.width_px, self._view.height_px))
        if placed is not None:
            light = float(self._weather.sunlight(stance.x_m))
            blend(picture, placed, 1.0, stance.presence * SHADOW_DARKNESS * light**2)

    def _walk_into(self, picture: NDArray[np.uint8], faces: list[FaceSeen], walk: Walk, stance: Stance) -> None:
        figure, size = self._figure(walk), (self._view.width_px, self._view.height_px)
        turn = 2 * np.pi * stance.stride
        chin_m = walk.build.chin_m + BOB_M * float(np.cos(2 * turn))
        x, y = self._view.project(stance.x_m + SWAY_M * float(np.sin(turn)), chin_m, stance.z_m)
        px_per_m = self._view.focal_px / stance.z_m
        defocus = self._weather.defocus_px(stance.z_m)
        blur_x, blur_y = self._blur(stance, x, y, defocus)
        light = float(self._weather.sunlight(stance.x_m))
        body = place(figure.body(stance.stride), Placing(x, y, px_per_m / PIXELS_PER_M, 0.0, blur_x, blur_y), size)
        face = figure.cutout.face_box
        head_scale = px_per_m * FACE_WIDTH_M / face.width_px
        nod = NOD_DEG * float(np.sin(turn + 0.6))
        head = place(figure.head, Placing(x, y, head_scale, nod, blur_x, blur_y), size)
        for placed in (body, head):
            if placed is not None:
                for further in faces:
                    further.hide_behind(placed.alpha, placed.left_px, placed.top_px, stance.presence / 255)
                blend(picture, placed, light, stance.presence)
        middle = np.deg2rad(nod)
        height = face.height_px * head_scale
        width = face.width_px * head_scale
        centre_x, centre_y = x + np.sin(middle) * height / 2, y - np.cos(middle) * height / 2
        box = (float(centre_x - width / 2), float(centre_y - height / 2), width, height)
        faces.append(FaceSeen.uncovered(walk.person, box, size, stance.presence))

    def _blur(self, stance: Stance, x_px: float, y_px: float, defocus_px: float) -> tuple[float, float]:
        """Sigmas across and down: the lens, and the movement while the shutter is open (a box of width d has d/√12)."""
        growth = -stance.speed_z_m_s / stance.z_m
        from_middle = x_px - self._view.width_px / 2, y_px - self._view.horizon_px
        moved_x = self._view.focal_px * stance.speed_x_m_s / stance.z_m + growth * from_middle[0]
        moved_y = growth * from_middle[1]
        open_s = EXPOSURE_SHARE / self._plan.frames_per_s
        return (
            float(np.hypot(defocus_px, moved_x * open_s / np.sqrt(12))),
            float(np.hypot(defocus_px, moved_y * open_s / np.sqrt(12))),
        )


def _person_seen(face: FaceSeen) -> PersonSeen:
    left, top, width, height = (round(side, 2) for side in face.box_px)
    return PersonSeen(
        person=face.person,
        left_px=left,
        top_px=top,
        width_px=width,
        height_px=height,
        visible=round(face.visible, 3),
    )


def _shadow() -> Sprite:
    """A soft dark shape on the ground, longer to the right; black, so only its alpha matters."""
    width, height = 2.0, 0.42
    shape = (round(height * PIXELS_PER_M), round(width * PIXELS_PER_M))
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    distance = np.hypot((columns / shape[1] - 0.5) * 2, (rows / shape[0] - 0.5) * 2)
    bgra = np.zeros((*shape, 4), np.uint8)
    bgra[:, :, 3] = np.rint(255 * np.clip(1.15 - 1.15 * distance, 0, 1) ** 1.2)
    return Sprite.of(bgra, (0.36 * shape[1], 0.5 * shape[0]))
