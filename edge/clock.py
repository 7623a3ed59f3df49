"""Time as a parameter: monotonic seconds for waits and ages, UTC for messages."""

from __future__ import annotations

import re
import time
from datetime import datetime, timezone
from typing import Protocol

_UTC_TEXT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z")


class Clock(Protocol):
    """What stages are given instead of the time module."""

    def monotonic_s(self) -> float:
        """Seconds since an arbitrary point, never going back; comparable between processes of one boot."""

    def boot_s(self) -> float:
        """Seconds since the machine was switched on, its sleep counted too; nobody can set it."""

    def now_utc(self) -> datetime:
        """The wall clock, aware, UTC."""


class SystemClock:
    """The machine's own clocks."""

    def monotonic_s(self) -> float:
        return time.monotonic()

    def boot_s(self) -> float:
        return time.clock_gettime(time.CLOCK_BOOTTIME)

    def now_utc(self) -> datetime:
        return datetime.now(timezone.utc)


def utc_text(moment: datetime) -> str:
    """RFC 3339 text in UTC with milliseconds, the only form of time in our documents."""
    return moment.astimezone(timezone.utc).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def parse_utc(text: str) -> datetime:
    """The inverse of `utc_text`. Raises: ValueError on any other form."""
    if not _UTC_TEXT.fullmatch(text):
        raise ValueError(f"time {text[:40]!r}: need the form 2025-12-31T23:59:59.999Z")
    try:
        return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=timezone.utc)
    except ValueError:
        raise ValueError(f"time {text}: there is no such time") from None
