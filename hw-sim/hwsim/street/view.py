"""The camera's geometry: where a point of the street falls in the picture."""

from __future__ import annotations

from dataclasses import dataclass

FACE_WIDTH_M = 0.156
"""A face box's width on a head."""

CAMERA_HEIGHT_M = 1.95
HORIZON_SHARE = 0.34
"""The horizon's height in the picture, from the top: the camera looks a little down."""


@dataclass(frozen=True)
class View:
    """A pinhole camera at the van's side, 53 degrees across. Metres: x to the right, y up from the ground, z away."""

    width_px: int
    height_px: int

    @property
    def focal_px(self) -> float:
        return float(self.width_px)

    @property
    def horizon_px(self) -> float:
        return HORIZON_SHARE * self.height_px

    def project(self, x_m: float, y_m: float, z_m: float) -> tuple[float, float]:
        """Column and row in pixels."""
        scale = self.focal_px / z_m
        return self.width_px / 2 + scale * x_m, self.horizon_px + scale * (CAMERA_HEIGHT_M - y_m)

    def face_width_px(self, z_m: float) -> float:
        return self.focal_px * FACE_WIDTH_M / z_m

    def edge_m(self, z_m: float) -> float:
        """How far from the middle the picture ends at a distance."""
        return z_m * self.width_px / 2 / self.focal_px
