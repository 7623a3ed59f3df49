"""sheet.png: every alert of a deployment on one page, beside who was really there where that is known."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from control_room.errors import PictureRefused
from control_room.pictures import open_photograph
from control_room.planned import CATEGORY_WORDS, RESPONSE_RGB, RESPONSE_WORDS
from control_room.printable import printable
from edge.formats.categories import Category, Response

CARDS_MAX = 400
"""Further cards are counted on the sheet, not drawn: about 20 megapixels is what a viewer bears."""

_PAPER, _CARD, _INK, _FAINT = (244, 244, 241), (255, 255, 255), (28, 30, 34), (104, 108, 114)
_LINE, _EMPTY, _BAR, _MARK = (214, 214, 208), (226, 226, 221), (70, 106, 150), (28, 30, 34)
_GOOD, _BAD, _OPEN = (22, 110, 62), (178, 34, 34), (104, 108, 114)


@dataclass(frozen=True)
class SheetCard:
    """One alert. really: who was there by the truth, None where the truth is not known."""

    reference: str
    similarity: float
    threshold: float
    live: Path | None
    enrolment: Path | None
    latency_ms: float | None = None
    note: str = ""
    really: str | None = None
    category: Category | None = None
    response: Response | None = None

    @property
    def planned(self) -> tuple[str, tuple[int, int, int]]:
        """Why this person is looked for and what was planned, and the response's colour."""
        why = "" if self.category is None else CATEGORY_WORDS[self.category]
        if self.response is None:
            return why, _FAINT
        return ", ".join(part for part in (f"response {RESPONSE_WORDS[self.response]}", why) if part), RESPONSE_RGB[
            self.response
        ]

    @property
    def verdict(self) -> tuple[str, tuple[int, int, int]]:
        """The words, and the colour that goes with them."""
        if self.really is None:
            return "truth not known", _OPEN
        if self.really == self.reference:
            return f"RIGHT: really {self.really}", _GOOD
        return f"FALSE: really {self.really}", _BAD


def write_sheet(path: Path, cards: Sequence[SheetCard], title: str, summary_lines: Sequence[str]) -> None:
    """Draw the sheet as PNG; similarity and threshold are cosines, latency in ms. Raises: OSError."""
    drawn = cards[:CARDS_MAX]
    layout = _Layout.of(len(drawn))
    summary = [printable(line, 200) for line in summary_lines]
    if len(cards) > len(drawn):
        summary.append(f"{len(cards) - len(drawn)} alerts more are not drawn here")
    fonts = _Fonts(layout.scale)
    head_px = layout.px(58) + len(summary) * layout.px(24) + layout.px(14)
    body_px = layout.rows * (layout.card_height + layout.gap) if drawn else layout.px(120)
    sheet = Image.new("RGB", (layout.width, head_px + body_px + layout.gap), _PAPER)
    draw = ImageDraw.Draw(sheet)
    draw.text((layout.gap, layout.px(14)), _fit(draw, printable(title), fonts.title, layout.inner), _INK, fonts.title)
    for number, line in enumerate(summary):
        top = layout.px(58) + number * layout.px(24)
        draw.text((layout.gap, top), _fit(draw, line, fonts.text, layout.inner), _FAINT, fonts.text)
    for number, card in enumerate(drawn):
        column, row = number % layout.columns, number // layout.columns
        left = layout.gap + column * (layout.card_width + layout.gap)
        top = head_px + row * (layout.card_height + layout.gap)
        _draw_card(sheet, draw, card, left, top, layout, fonts)
    if not drawn:
        draw.text((layout.gap, head_px + layout.px(30)), "No alert was made.", _INK, fonts.title)
    sheet.save(path, "PNG")


@dataclass(frozen=True)
class _Layout:
    """Sizes in px: cards shrink as they become many, so that the sheet stays one a viewer can open."""

    scale: float
    columns: int
    rows: int

    @classmethod
    def of(cls, count: int) -> _Layout:
        scale = 1.0 if count <= 24 else 0.8 if count <= 80 else 0.66
        columns = min(max(2, math.ceil(math.sqrt(count * 1.15))), 14)
        return cls(scale, columns, math.ceil(count / columns))

    def px(self, size: float) -> int:
        return round(size * self.scale)

    @property
    def gap(self) -> int:
        return self.px(18)

    @property
    def picture(self) -> int:
        return self.px(176)

    @property
    def card_width(self) -> int:
        return 2 * self.picture + self.px(8) + 2 * self.px(12)

    @property
    def card_height(self) -> int:
        return self.picture + self.px(181)

    @property
    def width(self) -> int:
        return self.columns * (self.card_width + self.gap) + self.gap

    @property
    def inner(self) -> int:
        return self.width - 2 * self.gap


class _Fonts:
    def __init__(self, scale: float) -> None:
        self.title = ImageFont.load_default(max(18, round(28 * scale)))
        self.name = ImageFont.load_default(max(13, round(19 * scale)))
        self.text = ImageFont.load_default(max(11, round(16 * scale)))
        self.small = ImageFont.load_default(max(10, round(13 * scale)))


Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


def _draw_card(
    sheet: Image.Image, draw: ImageDraw.ImageDraw, card: SheetCard, left: int, top: int, layout: _Layout, fonts: _Fonts
) -> None:
    px = layout.px
    words, colour = card.verdict
    right, bottom = left + layout.card_width, top + layout.card_height
    draw.rounded_rectangle((left, top, right, bottom), px(8), _CARD, _LINE)
    draw.rounded_rectangle((left, top, left + px(6), bottom), px(3), colour)
    inner_left, inner_width = left + px(12), layout.card_width - 2 * px(12)
    for number, (caption, picture) in enumerate((("live", card.live), ("enrolled", card.enrolment))):
        x = inner_left + number * (layout.picture + px(8))
        draw.text((x, top + px(7)), caption, _FAINT, fonts.small)
        _place(sheet, draw, picture, x, top + px(26), layout.picture, fonts)
    y = top + px(26) + layout.picture + px(8)
    draw.text((inner_left, y), _fit(draw, printable(card.reference), fonts.name, inner_width), _INK, fonts.name)
    y += px(27)
    planned, response_colour = card.planned
    draw.text((inner_left, y), _fit(draw, planned, fonts.text, inner_width), response_colour, fonts.text)
    y += px(25)
    _draw_bar(draw, card, inner_left, y, inner_width, px(12))
    y += px(19)
    relation = "at or above" if card.similarity >= card.threshold else "BELOW"
    score = f"similarity {card.similarity:.3f}, {relation} {card.threshold:.3f}"
    draw.text((inner_left, y), _fit(draw, score, fonts.text, inner_width), _INK, fonts.text)
    y += px(23)
    latency = "" if card.latency_ms is None else f"{card.latency_ms:.0f} ms"
    facts = ", ".join(part for part in (latency, printable(card.note)) if part)
    draw.text((inner_left, y), _fit(draw, facts, fonts.text, inner_width), _FAINT, fonts.text)
    y += px(23)
    draw.text((inner_left, y), _fit(draw, printable(words), fonts.text, inner_width), colour, fonts.text)


def _draw_bar(draw: ImageDraw.ImageDraw, card: SheetCard, left: int, top: int, width: int, height: int) -> None:
    """Similarity from 0 to 1 as a bar, the threshold as a mark across it."""
    filled = round(width * min(max(card.similarity, 0.0), 1.0))
    draw.rectangle((left, top, left + width, top + height), _EMPTY)
    draw.rectangle((left, top, left + filled, top + height), _BAR)
    mark = left + round(width * min(max(card.threshold, 0.0), 1.0))
    reach = max(2, height // 3)
    draw.rectangle((mark - 1, top - reach, mark + 1, top + height + reach), _MARK)


def _place(
    sheet: Image.Image, draw: ImageDraw.ImageDraw, path: Path | None, left: int, top: int, side: int, fonts: _Fonts
) -> None:
    draw.rectangle((left, top, left + side, top + side), _EMPTY)
    try:
        picture = None if path is None else open_photograph(path)
    except PictureRefused:
        picture = None
    if picture is None:
        draw.text((left + side // 2, top + side // 2), "no picture", _FAINT, fonts.small, anchor="mm")
        return
    scale = min(side / picture.width, side / picture.height)
    shown = picture.resize((max(1, round(picture.width * scale)), max(1, round(picture.height * scale))))
    sheet.paste(shown, (left + (side - shown.width) // 2, top + (side - shown.height) // 2))


def _fit(draw: ImageDraw.ImageDraw, text: str, font: Font, width: int) -> str:
    """The text, cut at its end to fit the width."""
    if draw.textlength(text, font) <= width:
        return text
    while text and draw.textlength(text + "…", font) > width:
        text = text[:-1]
    return text + "…"
