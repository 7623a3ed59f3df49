"""The street as a camera: composed in this process as it is read, with the truth of what was shown."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.clock import Clock
from edge.devices import CameraGeometry, Capture
from edge.drivers.pacing import Pace, Pacer
from edge.errors import CameraVanished
from hwsim.street.truth import Truth, TruthFrame, TruthHeader


class FrameSource(Protocol):
    """What a street camera shows: a `StreetComposer`, or anything else that makes frames by number."""

    @property
    def header(self) -> TruthHeader: ...

    def frame(self, index: int) -> tuple[NDArray[np.uint8], TruthFrame]:
        """uint8 BGR (h, w, 3), the caller's own, and who is in it."""


class StreetCamera:
    """A finite source: None after the last frame.

    pace realtime: each frame at its time, and those already overtaken are never composed; fast: every frame, at
    once. taken_s is the street's own time, on which the truth stands. lores: half the size, both ways.
    """

    def __init__(
        self,
        source: FrameSource,
        pace: Pace,
        clock: Clock,
        pause: Callable[[float], object] = time.sleep,
        lores: bool = True,
        on_shown: Callable[[TruthFrame], object] = lambda truth: None,
    ) -> None:
        """on_shown: told the truth of each frame as it is read."""
        self.name = f"street-{source.header.seed}"
        self._source = source
        self._pacer = Pacer(pace, clock, pause)
        header = source.header
        self._lores_size = (header.width_px // 2, header.height_px // 2) if lores else (0, 0)
        self._next: int | None = None
        self._shown: list[TruthFrame] = []
        self._on_shown = on_shown

    def open(self) -> CameraGeometry:
        """Begin at the first frame; the truth begins anew."""
        self._next = 0
        self._shown = []
        self._pacer.restart()
        header = self._source.header
        return CameraGeometry(header.width_px, header.height_px, *self._lores_size, header.frames_per_s)

    def read(self, timeout_s: float) -> Capture | None:
        """The next frame (in realtime: the newest due one), or None at the end. Raises: CameraVanished."""
        if self._next is None:
            raise CameraVanished(f"{self.name} is not open")
        header, wanted = self._source.header, self._next
        while wanted + 1 < header.frames and self._pacer.is_due((wanted + 1) / header.frames_per_s):
            wanted += 1
        if wanted >= header.frames:
            return None
        skipped, self._next = wanted - self._next, wanted + 1
        main, truth = self._source.frame(wanted)
        lores = None
        if self._lores_size[0]:
            lores = np.asarray(cv2.resize(main, self._lores_size, interpolation=cv2.INTER_AREA), np.uint8)
        self._pacer.wait_until_due(truth.taken_s, timeout_s)
        self._shown.append(truth)
        self._on_shown(truth)
        return Capture(main, lores, truth.taken_s, frames_skipped=skipped)

    def close(self) -> None:
        """Stop; what was shown can still be asked for."""
        self._next = None

    def truth(self) -> Truth:
        """The truth of every frame read since `open`."""
        return Truth(self._source.header, self._shown)
