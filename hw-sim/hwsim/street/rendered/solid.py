"""Solid things in the world: a part moved to its place, and drawn as the camera sees it."""

from __future__ import annotations

from dataclasses import replace

from hwsim.street.rendered.light import Lighting
from hwsim.street.rendered.mesh import Floats, Part
from hwsim.street.rendered.raster import Canvas, draw
from hwsim.street.rendered.tilted_view import TiltedView


def move_part(part: Part, rotation: Floats, place_cm: Floats) -> Part:
    """Turned about its own origin, then moved. rotation: float32 (3, 3); place_cm: float32 (3,)."""
    return replace(part, vertices=part.vertices @ rotation.T + place_cm, normals=part.normals @ rotation.T)


def draw_solid(canvas: Canvas, part: Part, view: TiltedView, scale: float, lighting: Lighting) -> None:
    """A part in world centimetres into a canvas that shows the view scale times as large."""
    screen = view.to_screen(view.to_camera(part.vertices), scale)
    draw(canvas, part, screen, part.normals @ view.rotation.T, lighting)
