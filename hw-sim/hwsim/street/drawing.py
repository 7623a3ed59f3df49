"""The drawn street, where it can be had: its compiler, numba, is an extra that a van does without."""

from __future__ import annotations

from importlib.util import find_spec

from edge.errors import ToolMissing

SCENARIO_PREFIX = "rendered:"
"""A camera named so shows a scenario's drawn street: rendered:day."""


def need_renderer() -> None:
    """Raises: ToolMissing, saying what to install."""
    if find_spec("numba") is None:
        raise ToolMissing(
            "numba is not installed, and drawn streets need it; install it with: pip install lfr-edge[sim]"
        )
