"""A folder of photographs as a camera: its JPEG and PNG files in the order of their names."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.clock import Clock
from edge.devices import CameraGeometry, Capture
from edge.drivers.pacing import Pace, Pacer
from edge.errors import CameraCorrupt, CameraVanished

_SUFFIXES = frozenset({".jpg", ".jpeg", ".png"})
_PICTURE_BYTES_MAX = 64 * 2**20


class ImageFolder:
    """Each picture once, as it is: sizes may differ; geometry is that of the first.

    taken_s is the picture's index over frames_per_s. pace: as for a clip.
    """

    def __init__(
        self,
        folder: Path,
        frames_per_s: float,
        pace: Pace,
        clock: Clock,
        pause: Callable[[float], object] = time.sleep,
    ) -> None:
        self.name = folder.name
        self._folder = folder
        self._frames_per_s = frames_per_s
        self._pacer = Pacer(pace, clock, pause)
        self._pictures: tuple[Path, ...] = ()
        self._next = 0
        self._opened = False

    def open(self) -> CameraGeometry:
        """List the folder anew and start with its first picture.

        Raises: CameraVanished when the folder is missing, CameraCorrupt when it holds no picture or the first
        is unreadable.
        """
        self.close()
        try:
            pictures = sorted(path for path in self._folder.iterdir() if _is_picture(path))
        except OSError as error:
            raise CameraVanished(f"folder {self._folder}: {error.strerror or error}; check camera.path") from error
        if not pictures:
            raise CameraCorrupt(f"folder {self._folder} holds no .jpg, .jpeg or .png; check camera.path")
        height_px, width_px = _decode(pictures[0]).shape[:2]
        self._pictures = tuple(pictures)
        self._next = 0
        self._pacer.restart()
        self._opened = True
        return CameraGeometry(width_px, height_px, 0, 0, self._frames_per_s)

    def read(self, timeout_s: float) -> Capture | None:
        """The next picture (in realtime: the newest due one), or None after the last.

        Raises: CameraCorrupt naming an unreadable picture, CameraVanished when one was removed meanwhile or
        the folder is not open.
        """
        if not self._opened:
            raise CameraVanished(f"folder {self._folder} is not open")
        skipped = 0
        while self._next + 1 < len(self._pictures) and self._pacer.is_due((self._next + 1) / self._frames_per_s):
            self._next += 1
            skipped += 1
        if self._next >= len(self._pictures):
            return None
        main = _decode(self._pictures[self._next])
        taken_s = self._next / self._frames_per_s
        self._next += 1
        self._pacer.wait_until_due(taken_s, timeout_s)
        return Capture(main, None, taken_s, frames_skipped=skipped)

    def close(self) -> None:
        """Forget the list of pictures."""
        self._pictures = ()
        self._opened = False


def _is_picture(path: Path) -> bool:
    return path.suffix.lower() in _SUFFIXES and not path.name.startswith(".") and path.is_file()


def _decode(path: Path) -> NDArray[np.uint8]:
    """The picture as uint8 BGR (h, w, 3), turned as its EXIF says. Raises: CameraVanished, CameraCorrupt."""
    try:
        size = path.stat().st_size
        content = path.read_bytes() if size <= _PICTURE_BYTES_MAX else b""
    except OSError as error:
        raise CameraVanished(f"picture {path}: {error.strerror or error}") from error
    if size > _PICTURE_BYTES_MAX:
        raise CameraCorrupt(f"picture {path} has {size} bytes, over {_PICTURE_BYTES_MAX}; take it out")
    try:
        picture = cv2.imdecode(np.frombuffer(content, dtype=np.uint8), cv2.IMREAD_COLOR)
    except cv2.error:
        picture = None
    if picture is None:
        raise CameraCorrupt(f"picture {path} cannot be decoded; take it out or replace it")
    return np.asarray(picture, dtype=np.uint8)
