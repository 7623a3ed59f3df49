"""What the operator sees: a card for each alert, a line for each notice; or the same as JSON lines."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import IO, Any, Literal, Protocol

from PIL import Image, ImageDraw
from rich.console import Console, Group, RenderableType
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from control_room.graphics import PictureMaker
from control_room.opened import UNKNOWN_ENTRY, OpenedAlert
from control_room.planned import CATEGORY_WORDS, RESPONSE_STYLES, RESPONSE_WORDS
from control_room.printable import printable

NoticeKind = Literal[
    "room",
    "broker",
    "bundle",
    "state",
    "heartbeat",
    "suspended",
    "command",
    "stale",
    "list",
    "gap",
    "record",
    "deleted",
    "not deleted",
    "refused",
    "retention",
]

_STYLES: Mapping[str, str] = {
    "refused": "bold red",
    "not deleted": "bold red",
    "gap": "bold yellow",
    "heartbeat": "bold yellow",
    "suspended": "bold yellow",
    "stale": "bold yellow",
}
_STAGES_MAX = 12
_PICTURE_ROWS = 16
_WIDE_COLUMNS = 100
_REASON_MAX = 400
_BAR_COLUMNS = 40
_GUTTER_PX = 12


class Screen(Protocol):
    """Where a room shows what it has."""

    def alert(self, alert: OpenedAlert, perhaps_shown: bool) -> None:
        """Show an alert. perhaps_shown: the room stopped while it was showing this one before."""

    def notice(self, kind: NoticeKind, text: str) -> None:
        """Show a line."""


class JsonScreen:
    """One JSON object a line, `kind` first."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def alert(self, alert: OpenedAlert, perhaps_shown: bool) -> None:
        crop_path = None if alert.crop_jpeg is None else f"crops/{alert.event_id}.jpg"
        self._write({"kind": "alert", "again": perhaps_shown, **alert.as_line(crop_path), "faults": alert.faults})

    def notice(self, kind: NoticeKind, text: str) -> None:
        self._write({"kind": kind, "text": text})

    def _write(self, value: dict[str, Any]) -> None:
        self._stream.write(json.dumps(value) + "\n")
        self._stream.flush()


class TerminalScreen:
    """Cards and lines on a terminal, scrolling; every text of others goes through `printable`."""

    def __init__(self, console: Console, pictures: PictureMaker) -> None:
        self._console = console
        self._pictures = pictures

    def alert(self, alert: OpenedAlert, perhaps_shown: bool) -> None:
        width = self._console.width
        self._console.print(Rule(_title(alert), style="bold"))
        if perhaps_shown:
            self._console.print(Text("perhaps shown before: the room stopped while showing it", style="bold yellow"))
        facts = _facts(alert, width)
        pair = _pair(alert)
        if pair is None or self._pictures.graphics == "none":
            self._console.print(facts)
        elif self._pictures.graphics != "sixel" and width >= _WIDE_COLUMNS:
            # sixels overwrite what stands beside them, so they never share a line with text
            columns = self._pictures.columns_for(pair, _PICTURE_ROWS, width - 46)
            beside = Table.grid(padding=(0, 2))
            beside.add_column(width=columns)
            beside.add_column(ratio=1)
            beside.add_row(self._picture(pair, columns), _facts(alert, width - columns - 4))
            self._console.print(beside)
        else:
            self._console.print(self._picture(pair, self._pictures.columns_for(pair, _PICTURE_ROWS, width - 2)))
            self._console.print(facts)

    def notice(self, kind: NoticeKind, text: str) -> None:
        line = Text(f"{kind:>11}  ", style=_STYLES.get(kind, "dim"))
        line.append(printable(text, 400), style="" if kind in _STYLES else "default")
        self._console.print(line)

    def _picture(self, pair: Image.Image, columns: int) -> RenderableType:
        left = Text("live".ljust(columns // 2), style="bold")
        left.append("enrolled", style="bold")
        made = self._pictures.make(pair, columns)
        return left if made is None else Group(left, made)


def _title(alert: OpenedAlert) -> Text:
    return Text(f"ALERT {alert.sequence} from {printable(alert.device)}, {alert.decided_at_utc}", style="bold")


def _facts(alert: OpenedAlert, width: int) -> RenderableType:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(ratio=1)
    if alert.reference is None:
        table.add_row("reference", Text(f"{UNKNOWN_ENTRY} ({alert.entry_id[:8]}…)", style="bold red"))
    else:
        table.add_row("reference", _who(alert))
    table.add_row("looked for", _planned(alert))
    if alert.person is not None:
        table.add_row("because", Text(printable(f"{alert.person.reason} ({alert.person.lawful_basis})", _REASON_MAX)))
        table.add_row("photograph", Text(printable(f"{alert.person.image_source}, {alert.person.image_taken}", 200)))
    table.add_row("similarity", _score(alert, min(_BAR_COLUMNS, width - 16)))
    table.add_row("frames", Text(f"{alert.frames_fused} fused"))
    table.add_row("latency", _stages(alert))
    table.add_row("deployment", Text(f"{printable(alert.deployment)}, received {alert.received_at_utc}"))
    for fault in alert.faults:
        if fault != UNKNOWN_ENTRY:
            table.add_row("refused", Text(printable(fault), style="bold red"))
    for remark in alert.remarks:
        table.add_row("note", Text(printable(remark), style="bold yellow"))
    table.add_row("", Text("Compare the two pictures: a person decides, not the score.", style="italic"))
    return table


def _who(alert: OpenedAlert) -> Text:
    text = Text(printable(alert.reference or ""), style="bold")
    if alert.person is not None and alert.person.name is not None:
        text.append(f"  {printable(alert.person.name)}", style="not bold")
    if alert.person is not None and alert.person.under_18:
        text.append("  ")
        text.append(" UNDER 18 ", style="bold reverse")
    return text


def _planned(alert: OpenedAlert) -> Text:
    """Why, and what was planned before it happened: the response stands in words on its colour.

    As the van says them; as the bundle does where the van says nothing.
    """
    category = alert.category or (alert.person.category if alert.person else None)
    response = alert.response or (alert.person.response if alert.person else None)
    text = Text("the van does not say why" if category is None else CATEGORY_WORDS[category])
    if response is not None:
        text.append("  planned response ")
        text.append(f" {RESPONSE_WORDS[response]} ", style=RESPONSE_STYLES[response])
    return text


def _score(alert: OpenedAlert, columns: int) -> RenderableType:
    """The number against the threshold in words, and both on a bar from 0 to 1."""
    relation = "at or above" if alert.similarity >= alert.threshold else "BELOW"
    text = Text(f"{alert.similarity:.3f}", style="bold")
    text.append(f"  {relation} threshold {alert.threshold:.3f}\n", style="default")
    filled = round(max(0.0, min(1.0, alert.similarity)) * columns)
    mark = min(columns - 1, round(max(0.0, min(1.0, alert.threshold)) * columns))
    for column in range(columns):
        if column == mark:
            text.append("┃", style="bold red")
        else:
            text.append("█" if column < filled else "░", style="green" if column < filled else "dim")
    return text


def _stages(alert: OpenedAlert) -> Text:
    if alert.latency_ms is None:
        return Text("not stated")
    text = Text(f"{alert.latency_ms:.0f} ms", style="bold")
    stages = list(alert.stage_ms.items())[:_STAGES_MAX]
    text.append("  " + " · ".join(f"{printable(name, 16)} {ms:.0f}" for name, ms in stages), style="dim")
    return text


def _pair(alert: OpenedAlert) -> Image.Image | None:
    """Live crop and enrolment photograph side by side, each in its half; a missing one is a dark field."""
    if alert.crop is None and alert.photograph is None:
        return None
    side = 320
    pair = Image.new("RGB", (2 * side + _GUTTER_PX, side))
    for left, picture in ((0, alert.crop), (side + _GUTTER_PX, alert.photograph)):
        if picture is None:
            ImageDraw.Draw(pair).line((left, 0, left + side, side), fill=(90, 90, 90), width=6)
            continue
        scale = min(side / picture.width, side / picture.height)
        size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
        pair.paste(picture.resize(size), (left + (side - size[0]) // 2, (side - size[1]) // 2))
    return pair
