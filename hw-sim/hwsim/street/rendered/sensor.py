"""The sensor: linear light to the bytes of a picture: blur, exposure, colour, tone, noise, JPEG."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

GAMMA = 2.2
KNEE = 0.18
"""How strongly highlights are pressed together, where they are."""


@dataclass(frozen=True)
class Sensor:
    """How light becomes a picture. motion_px: length and direction of the path a point takes during the exposure.

    defocus_px: sigma. noise: of the signal after the tone curve, 0..1; gamma: of that curve; jpeg_quality 1..100, or
    None where the picture is not compressed.
    """

    exposure: float = 1.0
    balance: tuple[float, float, float] = (1.0, 1.0, 1.0)
    gamma: float = GAMMA
    knee: bool = True
    saturation: float = 1.0
    defocus_px: float = 0.0
    motion_px: tuple[float, float] = (0.0, 0.0)
    noise: float = 0.0
    jpeg_quality: int | None = None

    def still(self) -> Sensor:
        """The same without blur: for what was blurred already, piece by piece."""
        return replace(self, defocus_px=0.0, motion_px=(0.0, 0.0))


def sample_sensor(rng: np.random.Generator, blur: float = 1.0) -> Sensor:
    """Any camera on any day. blur: 1 as bad as in a street, 0 none."""
    motion = (0.0, 0.0)
    if rng.random() < 0.35 * blur:
        length, angle = rng.uniform(1.0, 6.0) * blur, rng.uniform(0, np.pi)
        motion = (float(length * np.cos(angle)), float(length * np.sin(angle)))
    red, green, blue = np.clip(1 + rng.normal(0, 0.07, 3), 0.75, 1.3)
    return Sensor(
        exposure=float(rng.uniform(0.6, 1.6)),
        balance=(float(red), float(green), float(blue)),
        gamma=float(rng.uniform(1.9, 2.5)),
        knee=bool(rng.random() < 0.5),
        saturation=float(rng.uniform(0.2, 1.0)) if rng.random() < 0.2 else 1.0,
        defocus_px=float(rng.uniform(0.3, 1.2)) * blur if rng.random() < 0.5 else 0.0,
        motion_px=motion,
        noise=float(rng.uniform(0, 0.04)),
        jpeg_quality=int(rng.integers(30, 96)) if rng.random() < 0.7 else None,
    )


def expose(light: NDArray[np.float32], sensor: Sensor, rng: np.random.Generator) -> NDArray[np.uint8]:
    """The picture, uint8 BGR (h, w, 3), of linear RGB light (h, w, 3). rng: draws the noise."""
    image = blurred(light, sensor.defocus_px, sensor.motion_px)
    image = np.maximum(image * (np.float32(sensor.exposure) * np.asarray(sensor.balance, np.float32)), np.float32(0))
    if sensor.knee:
        image /= 1 + np.float32(KNEE) * image
    image = np.minimum(image, np.float32(1)) ** np.float32(1 / sensor.gamma)
    if sensor.saturation != 1:
        grey = image.mean(axis=2, keepdims=True)
        image = grey + np.float32(sensor.saturation) * (image - grey)
    if sensor.noise:
        image += rng.standard_normal(image.shape, np.float32) * np.float32(sensor.noise)
    picture = np.clip(image[..., ::-1] * 255 + np.float32(0.5), 0, 255).astype(np.uint8)
    if sensor.jpeg_quality is None:
        return np.ascontiguousarray(picture)
    _, packed = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, sensor.jpeg_quality])
    return np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR), np.uint8)


def blurred(
    light: NDArray[np.float32], defocus_px: float, motion_px: tuple[float, float] = (0.0, 0.0)
) -> NDArray[np.float32]:
    """Light as a lens out of focus and a moving subject spread it."""
    if np.hypot(*motion_px) >= 1:
        light = np.asarray(cv2.filter2D(light, -1, _path_of(motion_px), borderType=cv2.BORDER_REPLICATE), np.float32)
    if defocus_px > 0:
        light = np.asarray(cv2.GaussianBlur(light, (0, 0), defocus_px), np.float32)
    return light


def _path_of(motion_px: tuple[float, float]) -> NDArray[np.float32]:
    """A kernel with the straight path of a point, its weights adding up to 1."""
    reach = int(np.ceil(max(abs(motion_px[0]), abs(motion_px[1])) / 2)) + 1
    kernel = np.zeros((2 * reach + 1, 2 * reach + 1), np.float32)
    for share in np.linspace(-0.5, 0.5, 8 * reach + 1):
        x, y = reach + share * motion_px[0], reach + share * motion_px[1]
        column, row = int(np.floor(x)), int(np.floor(y))
        fx, fy = x - column, y - row
        kernel[row : row + 2, column : column + 2] += np.outer((1 - fy, fy), (1 - fx, fx)).astype(np.float32)
    return kernel / kernel.sum()
