"""Which of a pack's detectors a camera needs: the smallest that finds the narrowest face that must be found."""

from __future__ import annotations

from dataclasses import dataclass

from edge.formats.pack import DetectorSize, DetectorSpec, NetworkInput

_SLACK = 1.001
"""Sizes are whole pixels; a thousandth less is not too small."""


@dataclass(frozen=True)
class View:
    """What a camera shows the detector.

    width_px, height_px: the full picture. small_width_px, small_height_px: the one that is detected in, never enlarged.
    face_width_min_px: the narrowest face that must be found, in pixels of the full picture.
    """

    width_px: int
    height_px: int
    small_width_px: int
    small_height_px: int
    face_width_min_px: float


def size_for(spec: DetectorSpec, view: View) -> DetectorSize:
    """The size with the fewest pixels that finds the narrowest face; where none does, the one that comes nearest."""
    needed = min(spec.face_min_px / view.face_width_min_px, _scale_limit(view))

    def preference(size: DetectorSize) -> tuple[float, int]:
        reached = min(_scale(size.input, view), needed)
        pixels = size.input.width_px * size.input.height_px
        return (0.0, pixels) if reached * _SLACK >= needed else (needed - reached, pixels)

    return min(spec.sizes, key=preference)


def narrowest_found_px(spec: DetectorSpec, size: DetectorSize, view: View) -> float:
    """The narrowest face that a size finds in this view, in pixels of the full picture."""
    return spec.face_min_px / _scale(size.input, view)


def _scale(shown: NetworkInput, view: View) -> float:
    """Pixels of the network's input for each of the full picture."""
    small = min(shown.width_px / view.small_width_px, shown.height_px / view.small_height_px, 1.0)
    return small * _scale_limit(view)


def _scale_limit(view: View) -> float:
    return min(view.small_width_px / view.width_px, view.small_height_px / view.height_px)
