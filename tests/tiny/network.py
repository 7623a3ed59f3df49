"""The tiny networks in numpy: their weights, and what they must compute. One 3x3 convolution, stride 2, ReLU6.

Input (1, 8, 8, 3) in 0..255, output (1, 4, 4, 4); SAME padding is one row below and one column right.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

INPUT_SHAPE = (1, 8, 8, 3)
OUTPUT_SHAPE = (1, 4, 4, 4)
CAP = 6.0

_STEPS = (np.arange(4 * 3 * 3 * 3) * 37 % 61 - 30).reshape(4, 3, 3, 3)
WEIGHTS = (_STEPS / 8192).astype(np.float32)
"""float32 (4, 3, 3, 3): filter, row, column, channel. Multiples of 2^-13: exact in float32 and in int8."""

BIAS = np.array([0.5, 1.0, 2.0, 3.0], np.float32)
WEIGHT_SCALE = 1 / 8192


@dataclass(frozen=True)
class Quantisation:
    """real = scale * (q - zero_point), for the input and the output."""

    input_scale: float
    input_zero_point: int
    output_scale: float
    output_zero_point: int


CAMERA = Quantisation(1.0, -128, 6 / 255, -128)
"""The input is the picture itself."""

SCALED = Quantisation(2.0, -120, 6 / 250, -125)
"""The input needs real quantising."""


def convolve(image: NDArray[np.generic]) -> NDArray[np.float32]:
    """The float network's output for an image (1, 8, 8, 3) in real units."""
    padded = np.pad(image[0].astype(np.float64), ((0, 1), (0, 1), (0, 0)))
    output = np.empty(OUTPUT_SHAPE)
    for row in range(4):
        for column in range(4):
            patch = padded[2 * row : 2 * row + 3, 2 * column : 2 * column + 3]
            output[0, row, column] = np.einsum("abc,fabc->f", patch, WEIGHTS) + BIAS
    return np.clip(output, 0, CAP).astype(np.float32)


def convolve_quantised(image: NDArray[np.generic], by: Quantisation) -> NDArray[np.float32]:
    """The int8 network's output, in real units, rounded to its own steps."""
    steps = np.clip(np.rint(image / by.input_scale) + by.input_zero_point, -128, 127)
    real = convolve(((steps - by.input_zero_point) * by.input_scale).astype(np.float64))
    out = np.clip(np.rint(real / by.output_scale) + by.output_zero_point, -128, 127)
    return ((out - by.output_zero_point) * by.output_scale).astype(np.float32)


def picture(seed: int) -> NDArray[np.uint8]:
    """A random image, the same for the same seed."""
    return np.random.default_rng(seed).integers(0, 256, INPUT_SHAPE, np.uint8)
