"""A clip as a camera: mp4, avi, gif and whatever else FFmpeg reads, through OpenCV.

The end of a clip or damage? A file its container shows to be cut is refused at `open`. FFmpeg passes over
packets it cannot decode and then says "end", so at the end the frames are counted: mp4 and AVI index theirs,
and a clip that gave less than nine tenths of them is corrupt. A GIF or a stream without an index can only be
believed. (A clip cut from a longer one without re-encoding may index frames that it never shows.)
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.clock import Clock
from edge.devices import CameraGeometry, Capture
from edge.drivers.containers import counts_frames, cut_short
from edge.drivers.pacing import Pace, Pacer
from edge.errors import CameraCorrupt, CameraVanished

_WIDTH_MAX_PX = 7680
_HEIGHT_MAX_PX = 4320
_FRAMES_PER_S_UNSTATED = 25.0
_SHARE_TO_DELIVER = 0.9
_FRAMES_FORGIVEN = 2


class VideoFile:
    """A clip, from its first frame to its last.

    pace realtime: each frame at its media time, and the frames already overtaken are passed over; fast: every
    frame, at once. taken_s is the media time. Frames are decoded into memory of their own.
    """

    def __init__(self, path: Path, pace: Pace, clock: Clock, pause: Callable[[float], object] = time.sleep) -> None:
        self.name = path.name
        self._path = path
        self._pacer = Pacer(pace, clock, pause)
        self._capture: cv2.VideoCapture | None = None
        self._first: NDArray[np.uint8] | None = None
        self._frame_s = 1 / _FRAMES_PER_S_UNSTATED
        self._counted = False
        self._frames_declared = 0
        self._frames_seen = 0
        self._taken_s = 0.0

    def open(self) -> CameraGeometry:
        """Open the clip at its beginning and decode its first frame.

        Raises: CameraVanished when the file is missing or may not be read, CameraCorrupt when it is empty,
        cut short, or nothing FFmpeg can decode.
        """
        self.close()
        self._refuse_unfit_file()
        try:
            capture = cv2.VideoCapture(str(self._path.resolve()), cv2.CAP_FFMPEG)
        except cv2.error as error:
            raise self._corrupt("FFmpeg cannot open it") from error
        self._capture = capture
        try:
            return self._begin(capture)
        except CameraCorrupt:
            self.close()
            raise

    def read(self, timeout_s: float) -> Capture | None:
        """The next frame (in realtime: the newest due one), or None at the clip's end.

        Raises: CameraCorrupt when the clip stops before its end, CameraVanished when it is not open.
        """
        if self._capture is None:
            raise CameraVanished(f"clip {self._path} is not open")
        skipped = 0
        skipped_max = max(1, round(1 / self._frame_s))  # a decoder slower than the clip still shows a frame a second
        while True:
            if self._first is not None:
                main, self._first = self._first, None
                break
            if not self._grab(self._capture):
                self._check_end()
                return None
            if skipped < skipped_max and self._pacer.is_due(self._taken_s + self._frame_s):
                skipped += 1
                continue
            main = self._retrieve(self._capture)
            break
        self._pacer.wait_until_due(self._taken_s, timeout_s)
        return Capture(main, None, self._taken_s, frames_skipped=skipped)

    def close(self) -> None:
        """Let go of the file."""
        if self._capture is not None:
            self._capture.release()
        self._capture = None
        self._first = None

    def _refuse_unfit_file(self) -> None:
        try:
            empty = self._path.stat().st_size == 0
            cut = cut_short(self._path)
            self._counted = counts_frames(self._path)
        except OSError as error:
            raise CameraVanished(f"clip {self._path}: {error.strerror or error}; check camera.path") from error
        if empty:
            raise self._corrupt("it is empty")
        if cut is not None:
            raise self._corrupt(f"it is cut short: {cut}")

    def _begin(self, capture: cv2.VideoCapture) -> CameraGeometry:
        if not capture.isOpened():
            raise self._corrupt("it is no video that FFmpeg knows")
        width_px, height_px = capture.get(cv2.CAP_PROP_FRAME_WIDTH), capture.get(cv2.CAP_PROP_FRAME_HEIGHT)
        if width_px > _WIDTH_MAX_PX or height_px > _HEIGHT_MAX_PX:
            raise self._corrupt(f"{width_px:.0f}x{height_px:.0f} px is beyond {_WIDTH_MAX_PX}x{_HEIGHT_MAX_PX}")
        stated = capture.get(cv2.CAP_PROP_FPS)
        frames_per_s = stated if 0 < stated <= 1000 else _FRAMES_PER_S_UNSTATED
        self._frame_s = 1 / frames_per_s
        declared = capture.get(cv2.CAP_PROP_FRAME_COUNT)
        self._frames_declared = int(declared) if self._counted and math.isfinite(declared) else 0
        self._frames_seen = 0
        self._taken_s = -math.inf
        self._pacer.restart()
        if not self._grab(capture):
            raise self._corrupt("it holds no frame")
        self._first = self._retrieve(capture)
        height, width = self._first.shape[:2]
        return CameraGeometry(width, height, 0, 0, frames_per_s)

    def _grab(self, capture: cv2.VideoCapture) -> bool:
        """Decode one frame without copying it out; False when there is none."""
        try:
            if not capture.grab():
                return False
            media_s = capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
        except cv2.error as error:
            raise self._corrupt(f"decoding failed after {self._frames_seen} frames") from error
        first = math.isinf(self._taken_s)
        if not math.isfinite(media_s) or media_s <= self._taken_s:
            media_s = 0.0 if first else self._taken_s + self._frame_s  # damaged time stamps; time goes on
        self._taken_s = media_s
        self._frames_seen += 1
        return True

    def _retrieve(self, capture: cv2.VideoCapture) -> NDArray[np.uint8]:
        try:
            decoded, main = capture.retrieve()
        except cv2.error as error:
            raise self._corrupt(f"frame {self._frames_seen - 1} cannot be decoded") from error
        if not decoded or main is None or main.dtype != np.uint8 or main.ndim != 3 or main.shape[2] != 3:
            raise self._corrupt(f"frame {self._frames_seen - 1} cannot be decoded")
        return np.asarray(main, dtype=np.uint8)

    def _check_end(self) -> None:
        if self._frames_seen + _FRAMES_FORGIVEN < _SHARE_TO_DELIVER * self._frames_declared:
            raise self._corrupt(f"it stopped after {self._frames_seen} of {self._frames_declared} frames")

    def _corrupt(self, finding: str) -> CameraCorrupt:
        return CameraCorrupt(f"clip {self._path}: {finding}; give a whole clip as camera.path")
