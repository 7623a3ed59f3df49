"""entries.csv: what lacks a field of DOMAIN.md 3 is refused by row, with all its mistakes; nothing is guessed."""

from __future__ import annotations

import contextlib
import csv
import io
import json
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.errors import EntriesInvalid
from edge.formats.categories import CATEGORIES, RESPONSES
from edge.formats.policy import Policy
from provisioning import entries
from provisioning.entries import OPTIONAL, REQUIRED, EntryTable, read_entries
from provisioning.policy_profiles import profile

TODAY = date(2026, 3, 1)
UK = profile("uk")[0]
GOOD = {
    "reference": "op-114",
    "photograph": "custody/114.jpg",
    "category": "wanted",
    "response": "red",
    "lawful_basis": "warrant of 3 May",
    "image_source": "custody",
    "image_taken": "2024-11-30",
    "reason": "failed to appear",
    "under_18": "no",
    "under_18_rationale": "",
    "name": "Ana Łuś",
}


def table_of(*rows: dict[str, str], columns: tuple[str, ...] = REQUIRED + OPTIONAL) -> bytes:
    stream = io.StringIO(newline="")
    writer = csv.DictWriter(stream, columns, restval="", extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue().encode()


def read(data: bytes, policy: Policy = UK) -> EntryTable:
    return read_entries(data, policy, TODAY, "entries.csv")


def mistakes(**changes: str) -> tuple[str, ...]:
    (refused,) = read(table_of({**GOOD, **changes})).refused
    return refused.mistakes


def test_a_whole_row_is_read_as_it_stands():
    (row,) = read(table_of(GOOD)).rows
    assert row.line == 2
    assert {name: getattr(row, name) for name in GOOD} == GOOD | {"under_18": False, "under_18_rationale": None}


def test_a_name_may_be_left_out():
    assert read(table_of(GOOD, columns=REQUIRED)).rows[0].name is None


def test_columns_may_stand_in_any_order_and_behind_a_byte_order_mark():
    data = table_of(GOOD, columns=tuple(reversed(REQUIRED)))
    assert read(b"\xef\xbb\xbf" + data).rows[0].reference == "op-114"


def test_lines_are_counted_in_the_file_over_blank_ones_and_line_breaks_in_quotes():
    body = table_of({**GOOD, "reason": "two\nlines"}, {**GOOD, "reference": "b", "category": "x"})
    table = read(body.replace(b"\r\n", b"\r\n\r\n", 1))
    assert [row.line for row in table.refused] == [3, 5]


@pytest.mark.parametrize("column", [name for name in REQUIRED if name not in ("photograph", "under_18_rationale")])
def test_a_row_that_lacks_a_field_is_refused_and_says_which(column: str):
    assert any(each.startswith(column) for each in mistakes(**{column: ""}))


def test_every_mistake_of_a_row_is_said_at_once():
    found = mistakes(reason="", category="intelligence", response="blue", image_taken="yesterday", under_18="perhaps")
    assert [each.split(":")[0] for each in found] == ["reason", "category", "response", "image_taken", "under_18"]


def test_there_is_no_open_category():
    assert (
        "need one of wanted, suspect, missing_or_vulnerable, risk_of_harm, court_order"
        in mistakes(category="intelligence interest")[0]
    )


def test_a_category_that_the_policy_does_not_have_is_refused():
    narrow = UK.model_copy(update={"categories": ["wanted"]})
    (refused,) = read(table_of({**GOOD, "category": "suspect"}), narrow).refused
    assert "does not have suspect" in refused.mistakes[0]


def test_under_18s_need_their_rationale():
    assert "reasons written down" in mistakes(under_18="yes")[0]
    assert read(table_of({**GOOD, "under_18": "yes", "under_18_rationale": "missing child"})).rows[0].under_18


def test_a_rationale_for_an_adult_is_a_contradiction():
    assert "one of the two is wrong" in mistakes(under_18_rationale="x")[0]


@pytest.mark.parametrize("taken", ["2026-03-02", "1899-12-31", "2024-02-30", "2024-1-5", "20240105", "05/01/2024"])
def test_a_date_that_cannot_be_the_picture_s_is_refused(taken: str):
    assert mistakes(image_taken=taken)[0].startswith("image_taken")


@pytest.mark.parametrize("path", ["/etc/passwd", "../x.jpg", "a/../../x.jpg", "a\\b.jpg"])
def test_path_traversal_through_a_photograph(path: str):
    assert "below the folder" in mistakes(photograph=path)[0]


@pytest.mark.parametrize("other", ["op-114", "OP-114"])
def test_duplicate_references_refuse_every_row_that_has_them(other: str):
    table = read(table_of(GOOD, {**GOOD, "reference": other}, {**GOOD, "reference": "op-115"}))
    assert [row.line for row in table.refused] == [2, 3]
    assert [row.reference for row in table.rows] == ["op-115"]


def test_duplicate_references_in_two_normal_forms_are_duplicates():
    table = read(table_of({**GOOD, "reference": "\u00e9"}, {**GOOD, "reference": "e\u0301"}))
    assert len(table.refused) == 2


@pytest.mark.parametrize("column", ["reference", "name", "reason", "lawful_basis", "image_source"])
@pytest.mark.parametrize("sly", ["a\x1b[2Jb", "a\u202eb", "a\nb", "a\u2028b"])
def test_terminal_and_bidi_injection_through_a_cell(column: str, sly: str):
    assert "cannot be shown" in mistakes(**{column: sly})[0]


@pytest.mark.parametrize(("column", "longest"), sorted(entries.LONGEST.items()))
def test_huge_fields_are_refused_by_row(column: str, longest: int):
    changes = {column: "x" * (longest + 1)} | ({"under_18": "yes"} if column == "under_18_rationale" else {})
    assert mistakes(**changes) == (f"{column}: {longest + 1} characters, at most {longest}",)


def test_a_row_with_a_cell_too_many_or_too_few_is_refused_and_the_next_one_read():
    head, row = table_of(GOOD).splitlines()
    table = read(b"\r\n".join([head, row + b",x", b"a,b", row]))
    assert [each.line for each in table.refused] == [2, 3]
    assert table.rows[0].line == 4


def test_a_formula_is_text_like_any_other():
    assert read(table_of({**GOOD, "reason": "=cmd|' /C calc'!A0"})).rows[0].reason == "=cmd|' /C calc'!A0"


# The table as a whole


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "columns: lacks"),
        (table_of(GOOD).replace(b"reason", b"raison", 1), "lacks reason; unknown: 'raison'"),
        (table_of(GOOD).replace(b"name", b"reason", 1), "given twice: 'reason'"),
        (table_of(GOOD).replace(b",", b";"), "need commas"),
        (table_of(), "no rows"),
        (table_of(GOOD).decode().encode("utf-16"), "NUL"),
        (table_of(GOOD).decode().encode("iso-8859-2"), "line 2: no UTF-8"),
        (table_of(GOOD).replace(b"op-114", b"op\x00114"), "NUL"),
        (table_of(GOOD) + b'"open', "no CSV from here on"),
        (table_of(GOOD, {**GOOD, "reference": "x" * 200_000}), "line 3: no CSV from here on"),
    ],
    ids=[
        *("empty", "unknown_column", "column_twice", "semicolons", "no_rows", "utf16", "latin2", "nul"),
        *("open_quote", "huge_cell"),
    ],
)
def test_a_table_that_cannot_be_read_as_a_whole_is_refused_whole(data: bytes, says: str):
    with pytest.raises(EntriesInvalid, match=says):
        read(data)


def test_more_entries_than_the_policy_allows_are_refused():
    few = UK.model_copy(update={"entries_max": 1})
    with pytest.raises(EntriesInvalid, match="allows 1 entries"):
        read(table_of(GOOD, {**GOOD, "reference": "b"}), few)


def test_a_table_larger_than_any_list_needs_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(entries, "TABLE_MAX_BYTES", 100)
    with pytest.raises(EntriesInvalid, match="more than 100 bytes"):
        read(table_of(GOOD))


# Fuzz


def _check(table: EntryTable) -> None:
    for row in table.rows:
        assert row.category in CATEGORIES
        assert row.response in RESPONSES
        assert row.reference
        assert row.reason
        assert row.lawful_basis
        assert row.image_source
        assert date.fromisoformat(row.image_taken) <= TODAY
        assert row.under_18 == (row.under_18_rationale is not None)
        assert ".." not in row.photograph.split("/")
    for refused in table.refused:
        assert refused.mistakes
        json.dumps(refused.mistakes)


@settings(max_examples=150)
@given(st.binary(max_size=300))
def test_any_bytes_below_the_columns_are_rows_or_refused(body: bytes):
    for data in (body, table_of() + body, table_of(GOOD) + body):
        with contextlib.suppress(EntriesInvalid):
            _check(read(data))


@settings(max_examples=150)
@given(st.lists(st.fixed_dictionaries({name: st.one_of(st.just(GOOD[name]), st.text()) for name in GOOD}), max_size=4))
def test_any_cells_are_rows_or_refused(rows: list[dict[str, str]]):
    with contextlib.suppress(EntriesInvalid, UnicodeEncodeError):
        _check(read(table_of(*rows)))
