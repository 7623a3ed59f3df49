"""Ids of events: their form, their order, and what a clock can do to them."""

from __future__ import annotations

import re
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.evidence.event_ids import EventIds, new_event_id
from edge.formats.documents import EventId

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=timezone.utc)
PATTERN = EventId.__metadata__[0].metadata[0].pattern  # type: ignore[attr-defined]


def test_an_id_has_the_form_our_documents_ask_for():
    text = new_event_id(NOON)
    assert re.fullmatch(PATTERN, text)
    parsed = uuid.UUID(text)
    assert (parsed.version, parsed.variant) == (7, uuid.RFC_4122)


def test_an_id_says_the_millisecond_it_was_made_in():
    ids = EventIds()
    assert uuid.UUID(ids.next(NOON)).int >> 80 == int(NOON.timestamp() * 1000)


def test_ten_thousand_ids_of_one_instant_increase():
    ids = EventIds()
    made = [ids.next(NOON) for _ in range(10_000)]
    assert made == sorted(set(made))


@given(st.lists(st.integers(min_value=-100_000, max_value=100_000), max_size=50))
def test_ids_increase_whatever_the_clock_does(offsets_ms):
    ids = EventIds()
    made = [ids.next(NOON + timedelta(milliseconds=offset)) for offset in offsets_ms]
    assert made == sorted(set(made))


def test_threads_never_draw_the_same_id():
    ids = EventIds()
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: ids.next(NOON), range(2000)))
    assert len(set(made)) == len(made)


def test_a_time_before_1970_is_refused():
    with pytest.raises(ValueError, match="1970"):
        EventIds().next(datetime(1969, 1, 1, tzinfo=timezone.utc))
