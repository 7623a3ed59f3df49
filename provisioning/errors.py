"""What can go wrong in provisioning."""

from __future__ import annotations

from edge.errors import LfrError


class BuiltListInvalid(LfrError, ValueError):
    """A folder that holds no whole built watchlist."""


class BuildIncomplete(LfrError, ValueError):
    """A build with refused rows, which nobody has said may be left out."""


class BuildBusy(LfrError, BlockingIOError):
    """A folder in which another build is at work."""
