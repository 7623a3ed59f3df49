"""What can go wrong in a simulation."""

from __future__ import annotations

from edge.errors import LfrError


class DeploymentRefused(LfrError, ValueError):
    """A simulated deployment that cannot be set up as asked."""


class DeploymentBroken(LfrError, RuntimeError):
    """A part of a simulated deployment did not do what it must."""


class CastTooSmall(LfrError, ValueError):
    """A folder with fewer people, or fewer photographs of them, than a cast needs."""


class StreetInvalid(LfrError, ValueError):
    """A street that cannot be composed as asked: too short, too small, too many at once."""


class TruthInvalid(LfrError, ValueError):
    """A truth file that is not what its format says."""
