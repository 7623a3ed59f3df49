"""The surface of a head as a distance: soft unions and hollows of ellipsoids and rods, and rays that find it."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from hwsim.street.rendered.head.shape import Shape

Lengths = NDArray[np.float64]
_STEPS_MAX = 60
_CLOSE_CM = 0.004
_STEP_SHARE = 0.8
"""Below one: the distance to an ellipsoid is an estimate, and soft unions are no exact distances."""


def bodies(s: Shape) -> tuple[Lengths, Lengths, Lengths, Lengths]:
    """What a head is made of, in centimetres: masses (n, 7), rods (n, 9), hollows (n, 7), details (n, 7).

    A mass, hollow or detail is a centre, three radii and a softness of its seam; a rod is two ends, two radii and a
    softness. Masses are joined first, rods and hollows follow, details are laid on last.
    """
    plump = max(s.fat, 0.0)
    cheek, jaw_y = s.cheek_size_cm, 0.5 * (s.chin_y_cm - 3.7)
    masses = [
        (0, 3.0 + 0.3 * s.forehead_bulge, -1.4, 7.45 * s.skull_width, 8.5 * s.skull_height, 9.5 * s.skull_depth, 1),
        (0, 3.4, 1.2 + 0.4 * s.forehead_bulge, 6.1 * s.skull_width, 5.6, 7.3 * s.skull_depth, 2.5),
        (0, -2.8, 1.7, 5.9 * s.skull_width + 0.15 * s.fat, 7.0, 6.3, 2.5),
        (0, jaw_y, 1.5, s.jaw_width_cm, 4.3, 5.7, 2.5),
        (s.chin_x_cm, s.chin_y_cm, s.chin_z_cm, s.chin_width_cm, s.chin_height_cm, 1.7, 2.4),
        (s.chin_x_cm, s.chin_y_cm + 1.1, s.chin_z_cm - 1.7, 1.4 + 0.9 * s.chin_width_cm, 1.9, 2.2, 2.6),
        *_pair(s.cheek_x_cm, s.cheek_y_cm, s.cheek_z_cm, cheek, cheek * 0.85, cheek, 2.4),
        *_pair(2.9, -5.4, 5.6, 1.6 + 0.3 * plump, 1.9, 1.2 + 0.35 * plump, 2.5),
        *_pair(s.jaw_width_cm - 1.1, jaw_y + 0.9, 0.2, 0.9 + 0.55 * s.jaw_angle, 1.7, 2.4, 2.6),
        *_pair(3.6, s.chin_y_cm + 1.9, 4.0, 0.9 + 0.6 * s.jowl, 1.1, 1.1 + 0.5 * s.jowl, 2.2),
        (0, s.mouth_y_cm + 0.1, s.mouth_z_cm - 2.1, 2.9, 2.1, 2.3, 2.2),
        *_pair(2.6, 1.9 + 0.4 * s.eye_y_cm, 6.15, 2.5, 0.75, 0.75 + 0.55 * s.brow_ridge, 1.6),
    ]
    bridge_y, bridge_z = 0.5 * s.nose_y_cm, 0.5 * (s.nose_root_z_cm + s.nose_z_cm) - 0.55 + 0.6 * s.nose_hump_cm
    bridge = (s.nose_bend_cm, bridge_y, bridge_z)
    tip = (s.nose_tip_x_cm, s.nose_y_cm + 0.4 * s.nose_tip_lift_cm, s.nose_z_cm - s.nose_tip_cm)
    rods = [
        (0, 1.0, s.nose_root_z_cm - 0.75, *bridge, 0.75 * s.nose_bridge_cm, s.nose_bridge_cm, 1.3),
        (*bridge, *tip, s.nose_bridge_cm, s.nose_tip_cm, 1.0),
    ]
    socket, sunk = s.socket_cm, 0.5 * s.socket_depth_cm
    hollows = [
        (-s.eye_x_cm, s.eye_left_y_cm, s.eye_z_cm + 2.15 - sunk, 1.25 * socket, 0.85 * socket, 1.45, 1.3),
        (s.eye_x_cm, s.eye_right_y_cm, s.eye_z_cm + 2.15 - sunk, 1.25 * socket, 0.85 * socket, 1.45, 1.3),
        (0, s.nose_y_cm - 2.15, s.mouth_z_cm + 1.35, 0.28, 0.9, 0.25 + 0.5 * s.philtrum, 0.5),
        (0, s.chin_y_cm + 1.75, s.mouth_z_cm + 1.0, 1.5, 0.42, 0.55, 0.9),
        *_pair(6.1, -5.0, 7.2 - 0.55 * s.hollow, 1.6, 2.4, 1.8, 1.8),
        *_pair(8.2, 2.6, 4.2 - 0.5 * s.hollow, 1.6, 2.4, 2.2, 2.0),
        (s.chin_x_cm, s.chin_y_cm - 0.1, s.chin_z_cm + 2.2 - 0.3 * s.cleft, 0.18, 0.6, 0.5, 0.5),
    ]
    ball = 1.30 * (0.6 + 0.4 * s.eye_size)
    lip_u, lip_l = s.upper_lip_cm, s.lower_lip_cm
    details = [
        (-s.eye_x_cm, s.eye_left_y_cm, s.eye_z_cm - 0.45, 1.45 * s.eye_size, 1.18 * s.eye_size, ball, 0.35),
        (s.eye_x_cm, s.eye_right_y_cm, s.eye_z_cm - 0.45, 1.45 * s.eye_size, 1.18 * s.eye_size, ball, 0.35),
        *_pair(s.eye_x_cm + 0.25, s.eye_y_cm + 1.05, s.eye_z_cm - 0.30, 1.5, 0.40, 0.45 + 0.55 * s.hood, 0.7),
        (-s.wing_x_cm, s.nose_y_cm + s.wing_y_cm, s.nose_z_cm - 1.85, s.wing_cm, 0.85 * s.wing_cm, 0.85, 0.45),
        (s.wing_x_cm, s.nose_y_cm + s.wing_y_cm, s.nose_z_cm - 1.85, s.wing_cm, 0.85 * s.wing_cm, 0.85, 0.45),
        *_pair(0.62, s.mouth_y_cm + 0.72 * lip_u, s.mouth_z_cm + 0.05, 0.48 * s.mouth_width_cm, 0.72 * lip_u,
               0.50 + 0.25 * lip_u, 0.45),
        (0, s.mouth_y_cm - 0.75 * lip_l, s.mouth_z_cm - 0.02, 0.66 * s.mouth_width_cm, 0.78 * lip_l,
         0.50 + 0.3 * lip_l, 0.45),
    ]  # fmt: skip
    return (
        np.asarray(masses, np.float64),
        np.asarray(rods, np.float64),
        np.asarray(hollows, np.float64),
        np.asarray(details, np.float64),
    )


def _pair(x: float, *rest: float) -> tuple[tuple[float, ...], tuple[float, ...]]:
    return (-x, *rest), (x, *rest)


@njit(cache=True)
def _ellipsoid(x: float, y: float, z: float, b: Lengths) -> float:
    # Signed distance estimate after I. Quilez, "Ellipsoid - distance estimation".
    x, y, z = (x - b[0]) / b[3], (y - b[1]) / b[4], (z - b[2]) / b[5]
    k0 = np.sqrt(x * x + y * y + z * z)
    k1 = np.sqrt((x / b[3]) ** 2 + (y / b[4]) ** 2 + (z / b[5]) ** 2) + 1e-9
    return k0 * (k0 - 1.0) / k1


@njit(cache=True)
def _rod(x: float, y: float, z: float, b: Lengths) -> float:
    dx, dy, dz = b[3] - b[0], b[4] - b[1], b[5] - b[2]
    t = ((x - b[0]) * dx + (y - b[1]) * dy + (z - b[2]) * dz) / (dx * dx + dy * dy + dz * dz)
    t = min(max(t, 0.0), 1.0)
    x, y, z = x - b[0] - t * dx, y - b[1] - t * dy, z - b[2] - t * dz
    return np.sqrt(x * x + y * y + z * z) - (b[6] + t * (b[7] - b[6]))


@njit(cache=True)
def _join(a: float, b: float, softness: float) -> float:
    h = max(softness - abs(a - b), 0.0) / softness
    return min(a, b) - h * h * softness * 0.25


@njit(cache=True)
def _distance(
    x: float, y: float, z: float, masses: Lengths, rods: Lengths, hollows: Lengths, details: Lengths
) -> float:
    d = _ellipsoid(x, y, z, masses[0])
    for i in range(1, masses.shape[0]):
        d = _join(d, _ellipsoid(x, y, z, masses[i]), masses[i, 6])
    for i in range(rods.shape[0]):
        d = _join(d, _rod(x, y, z, rods[i]), rods[i, 8])
    for i in range(hollows.shape[0]):
        d = -_join(-d, _ellipsoid(x, y, z, hollows[i]), hollows[i, 6])
    for i in range(details.shape[0]):
        d = _join(d, _ellipsoid(x, y, z, details[i]), details[i, 6])
    return d


@njit(cache=True, nogil=True)
def trace(
    directions: Lengths, centre: Lengths, masses: Lengths, rods: Lengths, hollows: Lengths, details: Lengths
) -> Lengths:
    """Where rays from `centre` along `directions` (n, 3) leave the head: float64 (n, 3), centimetres.

    Neighbouring rays should follow each other: each begins where the last one ended.
    """
    out = np.empty_like(directions)
    radius = 14.0
    for i in range(directions.shape[0]):
        radius += 0.5
        for _ in range(_STEPS_MAX):
            d = _distance(
                centre[0] + directions[i, 0] * radius,
                centre[1] + directions[i, 1] * radius,
                centre[2] + directions[i, 2] * radius,
                masses,
                rods,
                hollows,
                details,
            )
            radius -= _STEP_SHARE * d
            if abs(d) < _CLOSE_CM:
                break
        for axis in range(3):
            out[i, axis] = centre[axis] + directions[i, axis] * radius
    return out
