"""Where the reference models, clips and photographs are; tests that need them skip, and say so."""

from __future__ import annotations

from pathlib import Path

import pytest

_SHARED = Path(__file__).resolve().parents[2] / "shared"


def reference_dir(*parts: str) -> Path:
    """A folder or file of the reference material beside the project; skips the test where it is missing."""
    path = _SHARED.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"reference material {'/'.join(parts) or 'shared'} is not beside the project")
    return path
