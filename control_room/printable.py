"""Text of others made fit for a terminal: no control characters, no hidden direction marks, bounded."""

from __future__ import annotations

import unicodedata

_SHOWN_AS_SPACE = {"Zl", "Zp"}


def printable(text: str, limit: int = 120) -> str:
    """The text without anything that moves a cursor, opens an escape sequence or reorders its neighbours.

    Every character of Unicode's class C goes (controls, format marks, surrogates, private use); line and
    paragraph separators become spaces; combining marks are kept up to two in a row; the rest is cut at limit.
    """
    kept: list[str] = []
    marks = 0
    for character in text[: limit * 4]:
        category = unicodedata.category(character)
        marks = marks + 1 if category.startswith("M") else 0
        if category in _SHOWN_AS_SPACE or character in "\t\n\r":
            kept.append(" ")
        elif not category.startswith("C") and marks <= 2:
            kept.append(character)
    clean = " ".join("".join(kept).split())
    return clean if len(clean) <= limit else clean[: limit - 1] + "…"
