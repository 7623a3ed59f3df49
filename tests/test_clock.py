"""Time in our documents has one form, and each moment one text."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.clock import SystemClock, parse_utc, utc_text


def test_time_is_text_in_utc_with_milliseconds_cut_off():
    moment = datetime(2026, 3, 1, 13, 30, 5, 999_999, tzinfo=timezone(timedelta(hours=1)))
    assert utc_text(moment) == "2026-03-01T12:30:05.999Z"


@given(
    moment=st.datetimes(timezones=st.just(timezone.utc)).map(
        lambda moment: moment.replace(microsecond=moment.microsecond // 1000 * 1000)
    )
)
def test_any_moment_is_read_as_it_was_written(moment: datetime):
    assert parse_utc(utc_text(moment)) == moment


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-03-01T12:00:00Z",
        "2026-03-01T12:00:00.0Z",
        "2026-03-01T12:00:00.000000Z",
        "2026-03-01T12:00:00.000",
        "2026-03-01T12:00:00.000z",
        "2026-03-01t12:00:00.000Z",
        "2026-03-01 12:00:00.000Z",
        "2026-03-01T12:00:00.000+00:00",
        "2026-3-1T12:00:00.000Z",
        "2026-03-01T12:00:00.000Z\n",
        " 2026-03-01T12:00:00.000Z",
        "٢٠٢٦-03-01T12:00:00.000Z",
        "2026-02-29T12:00:00.000Z",
        "2026-03-01T24:00:00.000Z",
        "2026-03-01T12:00:60.000Z",
        "0000-01-01T00:00:00.000Z",
    ],
)
def test_any_other_text_is_no_time(text: str):
    with pytest.raises(ValueError, match="time"):
        parse_utc(text)


@given(text=st.text(max_size=30) | st.from_regex(r"\A\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\Z"))
def test_any_text_is_a_time_that_writes_itself_again_or_a_value_error(text: str):
    try:
        moment = parse_utc(text)
    except ValueError:
        return
    assert moment.tzinfo is timezone.utc
    assert utc_text(moment) == text


def test_clock_of_the_machine_is_aware_and_its_monotonic_never_goes_back():
    clock = SystemClock()
    assert clock.now_utc().utcoffset() == timedelta(0)
    readings = [clock.monotonic_s() for _ in range(100)]
    assert readings == sorted(readings)
