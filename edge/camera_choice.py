"""Chooses the camera driver that the configuration names."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from edge.clock import Clock
from edge.config import CameraSettings
from edge.devices import Camera
from edge.drivers.image_folder import ImageFolder
from edge.drivers.picamera import PiCamera
from edge.drivers.v4l2 import V4l2Camera
from edge.drivers.video_file import VideoFile


def open_camera(settings: CameraSettings, clock: Clock, picamera2_class: Callable[[int], Any] | None = None) -> Camera:
    """The camera of `settings.kind`; nothing is touched before its own `open`.

    picamera2_class: in place of the installed picamera2, for a simulation's main.
    """
    path = settings.path or Path()
    if settings.kind == "file":
        return VideoFile(path, settings.pace, clock)
    if settings.kind == "folder":
        return ImageFolder(path, settings.frames_per_s, settings.pace, clock)
    if settings.kind == "v4l2":
        return V4l2Camera(path, settings.width_px, settings.height_px, settings.frames_per_s, clock)
    return PiCamera(
        settings.width_px,
        settings.height_px,
        settings.lores_width_px,
        settings.lores_height_px,
        settings.frames_per_s,
        picamera2_class,
    )
