"""The site, van and room that attacks on the courier are made on: those of tests/link."""

from __future__ import annotations

from tests.link.conftest import config, room, site, vision

__all__ = ["config", "room", "site", "vision"]
