"""Why somebody is on a list, and what was planned for a match: closed sets (WATCHLIST.md 3)."""

from __future__ import annotations

from typing import Literal

Category = Literal["wanted", "suspect", "missing_or_vulnerable", "risk_of_harm", "court_order"]
Response = Literal["red", "amber", "green"]

CATEGORIES: tuple[Category, ...] = ("wanted", "suspect", "missing_or_vulnerable", "risk_of_harm", "court_order")
"""Why somebody is looked for. An entry's byte is the place here, counted from 1."""

RESPONSES: tuple[Response, ...] = ("red", "amber", "green")
"""What was planned for a match, before it happened; the byte counts from 1."""
