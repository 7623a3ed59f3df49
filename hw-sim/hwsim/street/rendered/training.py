"""Frames to train and test a detector on: any camera, light and weather, nobody to eight people, near and far."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from hwsim.street.rendered.backdrop import Backdrop, draw_backdrop, light_street
from hwsim.street.rendered.clutter import draw_clutter
from hwsim.street.rendered.composition import Present, Seen, Shutter, compose
from hwsim.street.rendered.exposure import develop, sensor_for
from hwsim.street.rendered.figure import Figure, Moment, dress
from hwsim.street.rendered.head.identity import sample_identity
from hwsim.street.rendered.head.look import sample_look
from hwsim.street.rendered.mesh import Floats
from hwsim.street.rendered.rain import add_streaks, wet_glass
from hwsim.street.rendered.raster import FAR
from hwsim.street.rendered.sensor import Sensor, blurred, sample_sensor
from hwsim.street.rendered.tilted_view import TiltedView
from hwsim.street.rendered.weather import Weather, sample_weather

BATCH = 512
"""Seeds of one batch (seed // BATCH) share people and places, which cost far more than a frame: take them in order."""

FIGURES, PLACES = 40, 10
PEOPLE_AT_MOST = 8
COUNT_SHARES = (0.08, 0.14, 0.16, 0.16, 0.14, 0.12, 0.08, 0.07, 0.05)
"""How often nobody is there, one person, two, … up to PEOPLE_AT_MOST."""

COARSE_SHARE = 0.12
OFF_PICTURE_SHARE, SPOTS_TRIED, HEAD_CM = 0.12, 8, 160.0
"""People whose heads may be anywhere; places tried for the others; how high a head is, about."""
TRAINING_IDENTITIES = range(1_000_000, 2_000_000)


@dataclass(frozen=True, eq=False)
class Label:
    """One face. box_px: left, top, width, height, as `Head.face_cm` bounds it; landmarks_px: float32 (5, 2). visible:
    the share of it inside the picture and not covered. facing: cosine between the face and the camera. identity: the
    seed of the person. depth_cm: away from the camera."""

    box_px: tuple[float, float, float, float]
    landmarks_px: Floats
    visible: float
    facing: float
    identity: int
    depth_cm: float


@dataclass(frozen=True, eq=False)
class TrainingFrame:
    """picture: uint8 BGR (h, w, 3). faces: everyone turned to the camera at all, covered or not, the furthest first."""

    picture: NDArray[np.uint8]
    faces: tuple[Label, ...]


@dataclass(frozen=True, eq=False)
class _Place:
    view: TiltedView
    weather: Weather
    backdrop: Backdrop
    is_street: bool


def sample_frame(seed: int, size_px: tuple[int, int], identities: range = TRAINING_IDENTITIES) -> TrainingFrame:
    """The frame of a seed. size_px: width and height. identities: the seeds its people are drawn from."""
    rng = np.random.default_rng([seed, 31])
    batch = seed // BATCH
    place = _place(batch, int(rng.integers(PLACES)), size_px)
    if not place.is_street:
        light = draw_clutter(rng, *size_px)
        bright = float(place.backdrop.illumination.sky.mean() + 0.5 * place.backdrop.illumination.sun[3:].mean())
        place = replace(place, backdrop=replace(place.backdrop, light=light * np.float32(bright / 0.75)))
    count = int(rng.choice(PEOPLE_AT_MOST + 1, p=COUNT_SHARES))
    figures = [int(k) for k in rng.choice(FIGURES, count, replace=False)]
    people = [_stand(rng, place, _figure(batch, k, identities), k) for k in figures]
    shutter = Shutter(float(rng.uniform(0.002, 0.035)), float(rng.choice([0.3, 1.0, 3.0], p=[0.45, 0.4, 0.15])))
    light, seen = compose(place.backdrop, place.view, people, shutter)
    if place.weather.rain:
        add_streaks(light, rng, place.weather.rain, np.array(place.weather.horizon, np.float32))
        light = wet_glass(rng, *size_px, place.weather.rain).look_through(light)
    sensor = _sensor(place, rng)
    light = blurred(_coarsened(light, rng), sensor.defocus_px, sensor.motion_px)
    if sensor.saturation != 1:
        grey = light.mean(axis=2, keepdims=True)
        light = grey + np.float32(sensor.saturation) * (light - grey)
    picture = develop(light, sensor, rng)
    labels = [_label(one, people) for one in seen]
    if rng.random() < 0.5:
        picture = np.ascontiguousarray(picture[:, ::-1])
        labels = [_mirrored(label, size_px[0]) for label in labels]
    return TrainingFrame(picture, tuple(labels))


@lru_cache(maxsize=2 * PLACES)
def _place(batch: int, number: int, size_px: tuple[int, int]) -> _Place:
    rng = np.random.default_rng([batch, number, 32])
    weather = sample_weather(rng)
    width, height = size_px
    if rng.random() < 0.6:
        across, tall, tilt = rng.uniform(28, 66), rng.uniform(150, 320), rng.uniform(-1, 15)
        view = TiltedView(width, height, float(across), float(tall), float(tilt))
        backdrop = draw_backdrop(view, weather, int(rng.integers(1 << 30)), texel_cm=4.0)
        return _Place(view, weather, backdrop, True)
    view = TiltedView(
        width, height, float(rng.uniform(25, 60)), float(rng.uniform(130, 210)), float(rng.uniform(-4, 9))
    )
    while weather.is_dark:
        weather = sample_weather(rng)
    weather = replace(weather, sun_bearing_deg=float(rng.uniform(-130, 130)), rain=0.0)
    nothing = np.full((height, width), FAR, np.float32)
    blank = np.zeros((height, width, 3), np.float32)
    return _Place(view, weather, Backdrop(blank, nothing, light_street(weather, rng)), False)


@lru_cache(maxsize=FIGURES + 4)
def _figure(batch: int, number: int, identities: range) -> Figure:
    rng = np.random.default_rng([batch, number, 33])
    identity = sample_identity(identities[int(rng.integers(len(identities)))])
    return dress(identity, sample_look(identity, rng), rng, float(rng.uniform(0, 1)))


def _stand(rng: np.random.Generator, place: _Place, figure: Figure, number: int) -> Present:
    """Anywhere in view; most of them towards the camera, some from behind."""
    x, away = _spot(rng, place)
    heading = float(rng.normal() * 0.35) if rng.random() < 0.8 else float(rng.uniform(-np.pi, np.pi))
    moment = Moment(
        x,
        -away,
        heading,
        float(rng.random()),
        float(rng.normal() * 0.38),
        float(np.clip(rng.normal() * 0.14, -0.5, 0.5)),
    )
    speed = float(rng.uniform(0, 200))
    return Present(str(number), figure, moment, (speed * float(np.sin(heading)), speed * float(np.cos(heading))))


def _spot(rng: np.random.Generator, place: _Place) -> tuple[float, float]:
    """Across and away, cm: for most, where the head is in the picture."""
    view, anywhere = place.view, rng.random() < OFF_PICTURE_SHARE
    nearest = 60.0 if not place.is_street or rng.random() < 0.25 else 170.0
    furthest = 500.0 if not place.is_street else 950.0 * view.focal_px / view.width_px
    x = away = 0.0
    for _ in range(SPOTS_TRIED):
        away = float(np.exp(rng.uniform(np.log(nearest), np.log(furthest))))
        x = float(rng.uniform(-1.05, 1.05)) * 100 * view.edge_m(away / 100)
        if place.is_street:
            x = float(np.clip(x, -440, 345))
        column, row, _ = view.project(np.array([[x, HEAD_CM, -away]], np.float32))[0]
        if anywhere or (0 < column < view.width_px and 0 < row < view.height_px):
            break
    return x, away


def _coarsened(light: Floats, rng: np.random.Generator) -> Floats:
    """Now and then what a cheap camera makes: a picture blown up from a smaller one."""
    if rng.random() > COARSE_SHARE:
        return light
    height, width = light.shape[:2]
    share = float(rng.uniform(0.45, 0.9))
    small = cv2.resize(light, (round(width * share), round(height * share)), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)


def _sensor(place: _Place, rng: np.random.Generator) -> Sensor:
    """Set for the place, then off it: over- and underexposed, tinted, noisier; people were blurred one by one."""
    fitting = sensor_for(place.backdrop.light, place.weather.gain)
    drawn = sample_sensor(rng, blur=0.5 if rng.random() < 0.2 else 0.0)
    red, green, blue = (float(a * b) for a, b in zip(fitting.balance, drawn.balance, strict=True))
    exposure = fitting.exposure * float(np.exp(rng.normal() * 0.35))
    return replace(drawn, exposure=exposure, balance=(red, green, blue), noise=drawn.noise * 0.5 + fitting.noise)


def _label(one: Seen, people: list[Present]) -> Label:
    identity = next(present.figure.identity.seed for present in people if present.person == one.person)
    face = one.face
    return Label(face.box_px, face.landmarks_px, one.visible, face.facing, identity, face.depth_cm)


def _mirrored(label: Label, width_px: int) -> Label:
    left, top, width, height = label.box_px
    landmarks = label.landmarks_px[[1, 0, 2, 4, 3]] * np.array([-1, 1], np.float32) + np.array(
        [width_px, 0], np.float32
    )
    return replace(label, box_px=(width_px - left - width, top, width, height), landmarks_px=landmarks)
