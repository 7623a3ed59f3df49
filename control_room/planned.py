"""Why somebody is looked for, and what was planned for a match: in words, and in a colour beside the words."""

from __future__ import annotations

from edge.formats.categories import Category, Response

CATEGORY_WORDS: dict[Category, str] = {
    "wanted": "wanted by police or a court",
    "suspect": "suspect",
    "missing_or_vulnerable": "missing or vulnerable",
    "risk_of_harm": "risk of harm to self or others",
    "court_order": "subject to a court order",
}
RESPONSE_WORDS: dict[Response, str] = {"red": "RED", "amber": "AMBER", "green": "GREEN"}
RESPONSE_STYLES: dict[Response, str] = {
    "red": "bold white on red",
    "amber": "bold black on yellow",
    "green": "bold white on green",
}
"""For a terminal. The word always stands there too: not everybody, and not every terminal, knows the colours apart."""

RESPONSE_RGB: dict[Response, tuple[int, int, int]] = {
    "red": (178, 34, 34),
    "amber": (166, 104, 0),
    "green": (22, 110, 62),
}
