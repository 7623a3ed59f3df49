"""Plays a finite source at the speed at which it was taken, or as fast as it is read."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Literal

from edge.clock import Clock

Pace = Literal["realtime", "fast"]


class Pacer:
    """Maps a source's media time to the clock, from the first frame on; in pace fast nothing waits or is late.

    pause: how to wait some seconds; a parameter, so that tests need not.
    """

    def __init__(self, pace: Pace, clock: Clock, pause: Callable[[float], object] = time.sleep) -> None:
        self._realtime = pace == "realtime"
        self._clock = clock
        self._pause = pause
        self._offset_s: float | None = None

    def restart(self) -> None:
        """Let the next frame be due at once."""
        self._offset_s = None

    def is_due(self, media_s: float) -> bool:
        """Whether the moment of this media time has come; never in pace fast, nor before the first frame."""
        if not self._realtime or self._offset_s is None:
            return False
        return self._clock.monotonic_s() >= self._offset_s + media_s

    def wait_until_due(self, media_s: float, wait_max_s: float) -> None:
        """Wait for the moment of this media time, or wait_max_s if that is sooner.

        A pause in the source longer than wait_max_s is shortened to it, and what follows moves up: a clip
        that stands still is no stall.
        """
        if not self._realtime:
            return
        now_s = self._clock.monotonic_s()
        if self._offset_s is None:
            self._offset_s = now_s - media_s
            return
        wait_s = self._offset_s + media_s - now_s
        if wait_s > wait_max_s:
            self._offset_s -= wait_s - wait_max_s
            wait_s = wait_max_s
        if wait_s > 0:
            self._pause(wait_s)
