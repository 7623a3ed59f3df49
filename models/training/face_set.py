"""The embedder's training set: aligned faces of rendered people, as a van's camera and detector would give them."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from hwsim.street.rendered.head.identity import Identity, sample_identity
from hwsim.street.rendered.head.look import Look, neutral_look, sample_look
from hwsim.street.rendered.head.portrait import Pose, render_face
from hwsim.street.rendered.light import even_light, sample_light
from hwsim.street.rendered.sensor import Sensor, expose, sample_sensor
from numpy.typing import NDArray

from edge.vision.align import similarity_transform
from models.training.clutter import sample_clutter
from models.training.geometry import ALIGNMENT, INPUT_PX
from models.training.shards import Arrays, make_shards

SIDE_PX = 76
"""Stored with a margin, so that training can turn and shift what it cuts out."""

IDENTITIES_A_SHARD = 50
FIRST_SEED = 1_000_000
"""Identities are drawn from here up for each seed of the run; those below are for measuring and for the street."""

VIEWS_A_LOOK = 2
FACE_PX = (18.0, 110.0)
ENROLMENT_FACE_PX = 120.0
PICTURE_SHARE = 1.8
"""A picture's side in widths of its face: what aligning cuts out, and no more."""
SMOOTH_FROM_PX = 44.0
"""Larger faces are shrunk by aligning: nothing is gained by rendering them finer."""
OLDEST, DARK_FROM_TONE = "55-85", 5

LANDMARK_ERROR = 0.028
"""Standard deviation, in widths of the box, of each coordinate: what the detector will leave."""


def make_face_set(
    folder: Path, seed: int, identities: int, views: int, workers: int, report: Callable[[int, int], None]
) -> None:
    """`images` uint8 (identities * views, SIDE_PX, SIDE_PX, 3) BGR and `identities` int64, by shards.

    Raises: TrainingInvalid when the folder holds another set.
    """
    shards = -(-identities // IDENTITIES_A_SHARD)
    settings = {"kind": "faces", "seed": seed, "identities": identities, "views": views, "side_px": SIDE_PX}
    make_shards(folder, settings, shards, functools.partial(_shard, seed, identities, views), workers, report)


def shown_how_often(seed: int, identities: int) -> NDArray[np.int64]:
    """For each identity of a set: 2 for the oldest and the darkest, whom a network tells apart least, else 1."""
    people = (sample_identity(FIRST_SEED * (1 + seed) + number) for number in range(identities))
    least = [one.age_band == OLDEST or one.tone_band >= DARK_FROM_TONE for one in people]
    return np.where(least, 2, 1).astype(np.int64)


def _shard(seed: int, identities: int, views: int, number: int) -> Arrays:
    cv2.setNumThreads(1)
    first = number * IDENTITIES_A_SHARD
    numbers = np.arange(first, min(first + IDENTITIES_A_SHARD, identities))
    images = [view for index in numbers for view in views_of(FIRST_SEED * (1 + seed) + int(index), views)]
    return {"images": np.stack(images), "identities": np.repeat(numbers, views).astype(np.int64)}


def views_of(identity_seed: int, views: int) -> list[NDArray[np.uint8]]:
    """So many aligned faces of one person; the first as on an enrolment photograph."""
    identity = sample_identity(identity_seed)
    rng = np.random.default_rng([identity_seed, 9])
    images = [_enrolment_view(identity, rng)]
    look = sample_look(identity, rng)
    while len(images) < views:
        if len(images) % VIEWS_A_LOOK == 0:
            look = sample_look(identity, rng)
        images.append(_street_view(identity, look, rng))
    return images


def _enrolment_view(identity: Identity, rng: np.random.Generator) -> NDArray[np.uint8]:
    pose = Pose(float(rng.normal(0, 3)), float(rng.normal(0, 3)), float(rng.normal(0, 1.5)), 150.0)
    sensor = Sensor(exposure=float(rng.uniform(0.85, 1.2)), noise=0.004)
    side = int(PICTURE_SHARE * ENROLMENT_FACE_PX)
    face = render_face(
        identity, neutral_look(identity), pose, even_light(), side, side, face_width_px=ENROLMENT_FACE_PX,
        bust_seed=int(rng.integers(1 << 30)), supersampling=1,
    )  # fmt: skip
    picture = expose(np.ascontiguousarray(face.pixels[..., ::-1]), sensor, rng)
    return _aligned(picture, face.landmarks_px, face.box_px, rng)


def _street_view(identity: Identity, look: Look, rng: np.random.Generator) -> NDArray[np.uint8]:
    pose = Pose(
        yaw_deg=float(np.clip(rng.normal(0, 20), -55, 55)),
        pitch_deg=float(np.clip(rng.normal(4, 9), -22, 28)),
        roll_deg=float(rng.normal(0, 5)),
        distance_cm=float(np.exp(rng.uniform(np.log(100), np.log(1200)))),
    )
    width_px = float(np.exp(rng.uniform(*np.log(FACE_PX))))
    side = int(np.ceil(PICTURE_SHARE * width_px))
    # Small faces move and defocus over fewer pixels than large ones.
    sensor = sample_sensor(rng, blur=min(1.0, width_px / 70))
    face = render_face(
        identity, look, pose, sample_light(rng), side, side, face_width_px=width_px,
        background=sample_clutter(rng, side), bust_seed=int(rng.integers(1 << 30)),
        supersampling=1 if width_px >= SMOOTH_FROM_PX else 2,
    )  # fmt: skip
    picture = expose(np.ascontiguousarray(face.pixels[..., ::-1]), sensor, rng)
    return _aligned(picture, face.landmarks_px, face.box_px, rng)


def _aligned(
    picture: NDArray[np.uint8],
    landmarks: NDArray[np.float32],
    box: tuple[float, float, float, float],
    rng: np.random.Generator,
) -> NDArray[np.uint8]:
    """Brought to the embedder's points by landmarks as uncertain as a detector's."""
    missed = landmarks + rng.normal(0, LANDMARK_ERROR * (box[2] - box[0]), (5, 2)).astype(np.float32)
    margin = (SIDE_PX - INPUT_PX) / 2
    points = np.array(ALIGNMENT, np.float32) * INPUT_PX + np.float32(margin)
    matrix = similarity_transform(missed, points)
    return np.asarray(
        cv2.warpAffine(picture, matrix, (SIDE_PX, SIDE_PX), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE),
        np.uint8,
    )
