"""A build's progress: share, rate and time left, on one line; now and then a line where there is no terminal."""

from __future__ import annotations

from typing import TextIO

from edge.clock import Clock
from provisioning.examination import Progress

_BAR = 28
_REDRAW_S = 0.1
_LINE_EVERY_S = 30.0


class ProgressLine:
    """Told of each photograph that is done."""

    def __init__(self, stream: TextIO, clock: Clock) -> None:
        self._stream = stream
        self._clock = clock
        self._terminal = stream.isatty()
        self._began_s = self._shown_s = clock.monotonic_s()
        self._wide = 0

    def __call__(self, progress: Progress) -> None:
        now_s = self._clock.monotonic_s()
        due_s = _REDRAW_S if self._terminal else _LINE_EVERY_S
        if now_s - self._shown_s < due_s and progress.done < progress.total:
            return
        self._shown_s = now_s
        text = describe(progress, now_s - self._began_s)
        if self._terminal:
            filled = _BAR * progress.done // progress.total
            text = f"\r{'█' * filled}{'░' * (_BAR - filled)} {text}"
            self._stream.write(text.ljust(self._wide) + ("\n" if progress.done == progress.total else ""))
            self._wide = len(text)
        else:
            self._stream.write(text + "\n")
        self._stream.flush()


def describe(progress: Progress, took_s: float) -> str:
    """So many of how many, at what rate, with how much time left. The rate is of those looked at now."""
    text = f"{progress.done:,} of {progress.total:,} photographs"
    looked_at = progress.done - progress.resumed
    if progress.resumed:
        text += f" ({progress.resumed:,} from before)"
    if took_s > 0 and looked_at:
        rate = looked_at / took_s
        text += f", {rate:.1f} a second"
        if progress.done < progress.total:
            left_s = round((progress.total - progress.done) / rate)
            text += f", {left_s // 3600}:{left_s // 60 % 60:02}:{left_s % 60:02} left"
    return text
