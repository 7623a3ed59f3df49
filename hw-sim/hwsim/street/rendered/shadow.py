"""Shadows on the ground: the dark under somebody's feet, and the long ones that sun and street lamps throw."""

from __future__ import annotations

import cv2
import numpy as np

from hwsim.street.rendered.illumination import Illumination
from hwsim.street.rendered.mesh import Floats
from hwsim.street.rendered.tilted_view import TiltedView

CONTACT_CM, CONTACT_DARK = 30.0, 0.5
HALF_WIDTH_CM = 22.0
LONGEST_CM = 420.0
CORNERS = 20


def cast_shadow(
    picture: Floats, depth: Floats, view: TiltedView, light: Illumination, x_cm: float, z_cm: float, stature_cm: float
) -> None:
    """Darken the ground about somebody's feet. picture: float32 (h, w, 3), linear; depth: float32 (h, w), cm, what
    stands on the ground and is nearer takes no shadow."""
    _darken(picture, depth, view, (x_cm, z_cm), (0.0, 1.0), CONTACT_CM, CONTACT_CM, CONTACT_DARK)
    direction, colour = light.sun[:3], light.sun[3:] * light.sunlit(x_cm)
    flat = float(np.hypot(direction[0], direction[2]))
    strength = float(colour.mean()) * max(0.05, float(direction[1]))
    ambient = float(light.sky.mean()) + 1e-6
    if strength > 0.05 * ambient and direction[1] > 0.02:
        length = min(LONGEST_CM, stature_cm * flat / float(direction[1]))
        way = (-float(direction[0]) / (flat + 1e-6), -float(direction[2]) / (flat + 1e-6))
        middle = (x_cm + way[0] * length / 2, z_cm + way[1] * length / 2)
        _darken(
            picture, depth, view, middle, way, length / 2 + 20, HALF_WIDTH_CM, 0.85 * strength / (strength + ambient)
        )
    if len(light.lamps):
        flat_way = np.array([x_cm, z_cm], np.float32) - light.lamps[:, [0, 2]]
        post = int(np.argmin(np.hypot(flat_way[:, 0], flat_way[:, 1])))
        distance = float(np.hypot(*flat_way[post]))
        length = min(LONGEST_CM, stature_cm * distance / (float(light.lamps[post, 1]) - stature_cm))
        along = (float(flat_way[post, 0]) / (distance + 1e-6), float(flat_way[post, 1]) / (distance + 1e-6))
        middle = (x_cm + along[0] * length / 2, z_cm + along[1] * length / 2)
        _darken(picture, depth, view, middle, along, length / 2 + 15, HALF_WIDTH_CM, 0.4)


def _darken(
    picture: Floats,
    depth: Floats,
    view: TiltedView,
    middle_cm: tuple[float, float],
    way: tuple[float, float],
    half_length_cm: float,
    half_width_cm: float,
    darkness: float,
) -> None:
    """An ellipse on the ground, soft at its rim."""
    angle = np.linspace(0, 2 * np.pi, CORNERS, endpoint=False)
    along, across = np.cos(angle) * half_length_cm, np.sin(angle) * half_width_cm
    x = middle_cm[0] + along * way[0] - across * way[1]
    z = middle_cm[1] + along * way[1] + across * way[0]
    rim = np.stack([x, np.zeros(CORNERS), z], 1).astype(np.float32)
    seen = view.to_camera(rim)
    if seen[:, 2].min() < 40:
        return
    points = view.to_screen(seen)
    soft = max(1.0, 9.0 * view.focal_px / float(seen[:, 2].mean()) * 0.6)
    edge = int(2.5 * soft) + 2
    left, top = (max(0, int(v)) for v in np.floor(points[:, :2].min(axis=0)) - edge)
    right = min(view.width_px, int(points[:, 0].max()) + edge)
    bottom = min(view.height_px, int(points[:, 1].max()) + edge)
    if right - left < 2 or bottom - top < 2:
        return
    mask = np.zeros((bottom - top, right - left), np.float32)
    cv2.fillConvexPoly(mask, np.rint(points[:, :2] - (left, top)).astype(np.int32), 1.0, cv2.LINE_AA)
    mask = np.asarray(cv2.GaussianBlur(mask, (0, 0), soft), np.float32)
    mask *= darkness * (depth[top:bottom, left:right] > points[:, 2].min())
    picture[top:bottom, left:right] *= 1 - mask[..., None]
