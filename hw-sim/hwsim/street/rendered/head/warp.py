"""What makes a built head someone's: width and profile by height, a lean; and faces as they move."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from hwsim.street.rendered.head.shape import BANDS_Y_CM, Shape
from hwsim.street.rendered.mesh import Floats

Lengths = NDArray[np.float64]
_BAND_CM = 2.4


@dataclass(frozen=True)
class Expression:
    """How a face moves: shares of a full movement, 0 for a neutral face. `smile` below 0 turns the corners down."""

    smile: float = 0.0
    jaw: float = 0.0
    brows: float = 0.0
    pout: float = 0.0


NEUTRAL = Expression()


def express(points: Lengths, shape: Shape, expression: Expression) -> Lengths:
    """Points (n, 3) of a built head, moved by an expression: float64 (n, 3)."""
    if expression == NEUTRAL:
        return np.array(points, np.float64)
    return _express(
        np.asarray(points, np.float64),
        shape.mouth_width_cm,
        shape.mouth_y_cm,
        shape.eye_y_cm + 1.8,
        expression.smile,
        expression.jaw,
        expression.brows,
        expression.pout,
    )


def warp(points: Lengths, shape: Shape) -> Floats:
    """Points (n, 3) of a built head where this person has them: float32 (n, 3), centimetres."""
    return _warp(
        np.asarray(points, np.float64),
        np.asarray(BANDS_Y_CM, np.float64),
        np.asarray(shape.band_widths, np.float64),
        np.asarray(shape.band_profile_cm, np.float64),
        shape.lean,
        shape.aspect,
    )


@njit(cache=True, nogil=True)
def _express(
    points: Lengths, mouth_x: float, mouth_y: float, brow_y: float, smile: float, jaw: float, brows: float, pout: float
) -> Lengths:
    out = np.empty_like(points)
    for i in range(points.shape[0]):
        x, y, z = points[i, 0], points[i, 1], points[i, 2]
        ax, side = abs(x), 1.0 if x > 0 else -1.0
        front = min(max((z - 2.0) / 3.0, 0.0), 1.0)
        corner = np.exp(-(((ax - mouth_x) / 1.1) ** 2) - ((y - mouth_y) / 1.3) ** 2) * front
        cheek = np.exp(-(((ax - 4.2) / 1.6) ** 2) - ((y + 3.2) / 1.6) ** 2) * front
        lips = np.exp(-((x / 1.8) ** 2) - ((y - mouth_y) / 1.1) ** 2) * front
        brow = np.exp(-(((y - brow_y) / 1.2) ** 2)) * np.sqrt(min(max(1.0 - ax / 6.5, 0.0), 1.0)) * front
        hang = min(max((z + 1.0) / 6.0, 0.0), 1.0)
        lip = min(max((mouth_y - 0.02 - y) / 0.12, 0.0), 1.0) * np.sqrt(max(1.0 - ax / (1.25 * mouth_x), 0.0))
        chin = min(max((mouth_y - 0.8 - y) / 1.5, 0.0), 1.0)
        out[i, 0] = x + side * (0.45 * smile * corner - 0.30 * pout * corner)
        out[i, 1] = y + 0.50 * smile * corner + 0.25 * smile * cheek + 0.4 * brows * brow - jaw * hang * max(lip, chin)
        out[i, 2] = z - 0.30 * smile * corner + 0.25 * smile * cheek + 0.35 * pout * lips
    return out


@njit(cache=True, nogil=True)
def _warp(points: Lengths, bands: Lengths, widths: Lengths, profile: Lengths, lean: float, aspect: float) -> Floats:
    out = np.empty(points.shape, np.float32)
    for i in range(points.shape[0]):
        x, y, z = points[i, 0], points[i, 1], points[i, 2]
        within = min(max(y, bands[-1]), bands[0])
        total, wide, forward = 0.0, 0.0, 0.0
        for k in range(bands.shape[0]):
            weight = np.exp(-(((within - bands[k]) / _BAND_CM) ** 2))
            total += weight
            wide += weight * widths[k]
            forward += weight * profile[k]
        face = min(max((z + 2.0) / 7.0, 0.0), 1.0)
        out[i, 0] = x * aspect * wide / total + lean * y * face
        out[i, 1] = y / aspect
        out[i, 2] = z + face * face * (3.0 - 2.0 * face) * forward / total
    return out
