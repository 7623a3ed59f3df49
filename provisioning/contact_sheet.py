"""contact-sheet.html: every photograph of a build on pages that a person looks through before anybody signs.

Each page is one file: thumbnails inside it, no script, nothing fetched, and a policy in it that forbids both. The
filter is radio buttons and style rules. What wants a look comes first; a page holds a thousand photographs.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path
from typing import BinaryIO

from provisioning.assembly import Built, PhotographLine
from provisioning.contact_style import STYLE, filter_rules
from provisioning.entries import RefusedRow
from provisioning.photograph_report import counts_of
from provisioning.private_files import open_private
from provisioning.work_file import WorkFile

PAGE_PHOTOGRAPHS = 1000
ALIKE_SHOWN = 3

OUTCOME_WORDS = {
    "duplicate": "like another",
    "two_faces": "two faces",
    "no_face": "no face",
    "too_small": "too small",
    "cut_by_edge": "cut by the edge",
    "turned_away": "turned away",
    "blurred": "blurred",
    "badly_exposed": "badly exposed",
    "no_landmarks": "no landmarks",
    "unreadable": "unreadable",
    "accepted": "accepted",
}
"""In the order in which they want a look."""

CATEGORY_WORDS = {
    "wanted": "wanted",
    "suspect": "suspect",
    "missing_or_vulnerable": "missing or vulnerable",
    "risk_of_harm": "risk of harm",
    "court_order": "court order",
}
_HEAD = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<meta name="referrer" content="no-referrer"><meta name="viewport" content="width=device-width, initial-scale=1">
<style>{style}</style></head><body>
"""


def page_name(number: int) -> str:
    """The file of a page, from 1."""
    return "contact-sheet.html" if number == 1 else f"contact-sheet-{number}.html"


def write_contact_sheet(folder: Path, built: Built, work: WorkFile) -> int:
    """Write every page, readable by its owner alone; how many there are. Raises: OSError."""
    order = list(OUTCOME_WORDS)
    lines = sorted(built.lines, key=lambda line: (order.index(line.outcome), line.entry.line, line.photograph))
    pages = max(-(-len(lines) // PAGE_PHOTOGRAPHS), 1)
    for number in range(1, pages + 1):
        shown = lines[(number - 1) * PAGE_PHOTOGRAPHS : number * PAGE_PHOTOGRAPHS]
        with open_private(folder / page_name(number)) as file:
            _write_page(file, built, shown, number, pages, work)
    return pages


def _write_page(
    file: BinaryIO, built: Built, lines: Sequence[PhotographLine], number: int, pages: int, work: WorkFile
) -> None:
    for text in _page(built, lines, number, pages, work):
        file.write(text.encode("utf-8", "replace"))


def _page(built: Built, lines: Sequence[PhotographLine], number: int, pages: int, work: WorkFile) -> Iterator[str]:
    counts = counts_of(lines)
    present = [outcome for outcome in OUTCOME_WORDS if outcome in counts]
    title = "Contact sheet" if pages == 1 else f"Contact sheet, page {number} of {pages}"
    yield _HEAD.format(title=title, style=STYLE + filter_rules(present))
    yield f"<header><h1>{title}</h1><p>{_summary(built)}</p>"
    yield "<p class=note>A person looks at every picture below before anybody signs: is it the person that the row is "
    yield "about, and is it this person alone? Two who look like one person keep each other from ever alerting.</p>"
    yield _links(number, pages) + "</header>\n"
    if number == 1 and built.refused:
        yield from _refused_rows(built.refused)
    if not lines:
        yield "<p class=empty>No photograph was looked at.</p>"
    yield "<input type=radio name=show id=show-all checked><label for=show-all>all "
    yield f"<b>{len(lines):,}</b></label>\n"
    for outcome in present:
        yield f'<input type=radio name=show id=show-{outcome}><label class="{outcome}" for=show-{outcome}>'
        yield f"{OUTCOME_WORDS[outcome]} <b>{counts[outcome]:,}</b></label>\n"
    yield "<main>\n"
    for line in lines:
        yield _card(line, work)
    yield f"</main>\n<footer>{_links(number, pages)}</footer></body></html>\n"


def _summary(built: Built) -> str:
    photographs = len(built.lines)
    refused = f", <strong>{len(built.refused):,} rows refused</strong>" if built.refused else ", no row refused"
    return (
        f"{len(built.rows):,} entries from {photographs:,} photographs{refused}. Entries from a similarity of "
        f"{built.similarity_min:.2f} on are shown as perhaps one person."
    )


def _links(number: int, pages: int) -> str:
    if pages == 1:
        return ""
    links = (
        f"<b>{each}</b>" if each == number else f'<a href="{page_name(each)}">{each}</a>'
        for each in range(1, pages + 1)
    )
    return f"<nav>pages {' '.join(links)}</nav>"


def _refused_rows(refused: Sequence[RefusedRow]) -> Iterator[str]:
    yield f"<details open><summary>{len(refused):,} rows refused</summary><table>"
    yield "<tr><th>row</th><th>reference</th><th>what is wrong</th></tr>\n"
    for row in refused[:PAGE_PHOTOGRAPHS]:
        mistakes = "<br>".join(escape(each) for each in row.mistakes)
        yield f"<tr><td>{row.line}</td><td>{escape(row.reference)}</td><td>{mistakes}</td></tr>\n"
    yield "</table>"
    if len(refused) > PAGE_PHOTOGRAPHS:
        yield f"<p>and {len(refused) - PAGE_PHOTOGRAPHS:,} more: see report.csv</p>"
    yield "</details>\n"


def _card(line: PhotographLine, work: WorkFile) -> str:
    entry = line.entry
    pictures = _picture(line.sha256, work, entry.reference)
    for each in line.alike[:ALIKE_SHOWN]:
        pictures += _picture(each.sha256, work, f"{each.reference}: {each.similarity:.2f}")
    young = ' <span class="young">under 18</span>' if entry.under_18 else ""
    name = f"<p>{escape(entry.name)}</p>" if entry.name else ""
    message = f"<p class=why>{escape(line.message)}</p>" if line.message else ""
    out = "" if line.enrolled else " out"
    return (
        f'<article class="{line.outcome}{out}"><div class=pictures>{pictures}</div>'
        f'<h2>{escape(entry.reference)}</h2>{name}<p><span class="response {entry.response}">{entry.response}</span> '
        f"{CATEGORY_WORDS[entry.category]}{young}</p>"
        f'<p><span class="outcome">{OUTCOME_WORDS[line.outcome]}</span></p>{message}'
        f"<p class=small>{escape(line.photograph)}, {escape(entry.image_source)}, {escape(entry.image_taken)}"
        f"{_measures(line)}</p></article>\n"
    )


def _picture(sha256: str, work: WorkFile, caption: str) -> str:
    thumb = work.get(sha256).thumb
    if not thumb:
        return f'<figure><div class="none">no picture</div><figcaption>{escape(caption)}</figcaption></figure>'
    data = base64.b64encode(thumb).decode()
    return (
        f'<figure><img alt="{escape(caption)}" src="data:image/jpeg;base64,{data}">'
        f"<figcaption>{escape(caption)}</figcaption></figure>"
    )


def _measures(line: PhotographLine) -> str:
    if line.quality is None:
        return ""
    return f"; face {line.quality.width_px:.0f} px, sharpness {line.quality.sharpness:.0f}"
