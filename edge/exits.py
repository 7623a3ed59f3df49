"""Exit codes of the halves and the daemon: one table, so that nobody guesses what a 4 means."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """What an exit code says."""

    ENDED = 0
    CRASHED = 1
    REFUSED = 2
    ROWS_LEFT = 3
    CAMERA_FAILED = 4
    NOT_STORED = 5
    HALF_KEEPS_DYING = 6
