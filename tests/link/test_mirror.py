"""The mirror alone, with a broker, a disk and a clock of the test's: what is asked for, when, and what is answered."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from edge.errors import WireError
from edge.link import mirror as mirror_module
from edge.link.mirror import FETCH_WAIT_S, REQUESTS_MAX
from edge.wire import (
    FILE_MAX_BYTES,
    DropFiles,
    FileAbsent,
    FileContent,
    WatchFile,
)
from tests.link.mirror_bench import CHUNK, TIMESTAMP
from tests.link.mirror_bench import MirrorBench as Bench


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., Bench]:
    return lambda **options: Bench(tmp_path, **options)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    bench = Bench(tmp_path)
    bench.mirror.on_connected()
    return bench


def test_a_file_is_fetched_once_and_then_comes_from_disk(bench: Bench):
    bench.ask(1, CHUNK)
    bench.comes(CHUNK, b"cipher")
    bench.ask(2, CHUNK)
    assert bench.told == [FileContent(1, b"cipher"), FileContent(2, b"cipher")]
    assert bench.subscribed == [CHUNK]
    assert bench.unsubscribed == [CHUNK]
    assert (bench.mirror.counts.files_fetched, bench.mirror.counts.from_disk) == (1, 1)


def test_a_fresh_fetch_goes_past_what_is_kept_and_replaces_it(bench: Bench):
    bench.kept.keep(CHUNK, b"altered")
    bench.ask(1, CHUNK, fresh=True)
    assert bench.told == []
    bench.comes(CHUNK, b"cipher")
    assert bench.told == [FileContent(1, b"cipher")]
    assert bench.kept.get(CHUNK) == b"cipher"
    assert bench.mirror.counts.fetched_again == 1


def test_a_kept_file_needs_no_connection(make: Callable[..., Bench]):
    bench = make()
    bench.kept.keep(CHUNK, b"cipher")
    bench.ask(1, CHUNK)
    assert bench.told == [FileContent(1, b"cipher")]


def test_what_changes_is_asked_of_the_broker_every_time(bench: Bench):
    for number in (1, 2):
        bench.ask(number, TIMESTAMP)
        bench.comes(TIMESTAMP, b"%d" % number)
    assert bench.told == [FileContent(1, b"1"), FileContent(2, b"2")]
    assert bench.subscribed == [TIMESTAMP, TIMESTAMP]


def test_two_who_ask_for_one_file_cost_one_subscription(bench: Bench):
    bench.ask(1, CHUNK)
    bench.ask(2, CHUNK, fresh=True)
    bench.comes(CHUNK, b"cipher")
    assert bench.told == [FileContent(1, b"cipher"), FileContent(2, b"cipher")]
    assert bench.subscribed == [CHUNK]


def test_endless_requests_for_one_name_are_bounded(bench: Bench):
    for number in range(100):
        bench.ask(number, CHUNK)
    assert len(bench.told) == 100 - REQUESTS_MAX
    bench.comes(CHUNK, b"cipher")
    assert len(bench.told) == 100


@pytest.mark.parametrize("name", ["../x", "metadata/#", "a/+/b", "a/.b", "", "a\0", "x" * 201, "a/b/c/d/e"])
def test_a_name_out_of_form_asks_nothing_of_the_broker(bench: Bench, name: str):
    bench.ask(1, name)
    assert isinstance(bench.told[0], FileAbsent)
    with pytest.raises(WireError):
        bench.mirror.watch(WatchFile(name))
    assert bench.subscribed == []


@pytest.mark.parametrize("prefix", ["", "/", "../", "#", "A", "a\n", ".x"])
def test_a_prefix_out_of_form_deletes_nothing(bench: Bench, prefix: str):
    bench.kept.keep(CHUNK, b"cipher")
    with pytest.raises(WireError):
        bench.mirror.drop(DropFiles(1, prefix))
    assert bench.kept.files == 1


def test_an_empty_message_answers_nothing_and_is_not_kept(bench: Bench):
    bench.ask(1, CHUNK)
    bench.comes(CHUNK, b"")
    assert bench.told == []
    bench.comes(CHUNK, b"cipher")
    assert bench.told == [FileContent(1, b"cipher")]


def test_a_broker_that_sends_twice_reorders_or_sends_unasked_changes_nothing(bench: Bench):
    bench.ask(1, "a/1")
    bench.ask(2, "a/2")
    bench.comes("a/3", b"unasked")
    bench.comes("a/2", b"two")
    bench.comes("a/2", b"two again")
    bench.comes("a/1", b"one")
    bench.mirror.on_file("lfr/v1/other/repo/a/1", b"x")
    assert bench.told == [FileContent(2, b"two"), FileContent(1, b"one")]
    assert bench.kept.files == 2
    assert bench.kept.get("a/2") == b"two"


def test_a_broker_that_suppresses_a_file_makes_it_absent_and_the_rest_comes(bench: Bench):
    bench.ask(1, "a/1")
    bench.ask(2, "a/2")
    bench.comes("a/2", b"two")
    bench.later(FETCH_WAIT_S)
    assert [type(each) for each in bench.told] == [FileContent, FileAbsent]
    assert bench.mirror.waiting == 0


def test_while_files_still_come_over_a_slow_line_none_is_given_up(bench: Bench):
    for number in range(16):
        bench.ask(number, f"a/{number}")
    for number in range(16):
        bench.later(FETCH_WAIT_S - 1)
        bench.comes(f"a/{number}", b"x")
    assert bench.told == [FileContent(number, b"x") for number in range(16)]


def test_a_flood_of_another_file_does_not_hold_up_an_absent_one_for_ever(bench: Bench):
    bench.mirror.watch(WatchFile(TIMESTAMP))
    bench.ask(1, "a/1")
    for number in range(200):
        bench.later(1)
        bench.comes(TIMESTAMP, b"%d" % number)
    assert any(isinstance(each, FileAbsent) for each in bench.told)


def test_a_lost_connection_asks_again_for_what_has_not_come_alone(bench: Bench):
    bench.ask(1, "a/1")
    bench.ask(2, "a/2")
    bench.comes("a/1", b"one")
    bench.mirror.on_disconnected()
    bench.subscribed.clear()
    bench.mirror.on_connected()
    assert bench.subscribed == ["a/2"]


def test_without_a_connection_a_file_is_absent_in_time_and_says_why(make: Callable[..., Bench]):
    bench = make()
    bench.ask(1, CHUNK, fresh=True)
    bench.later(FETCH_WAIT_S)
    assert bench.told == [FileAbsent(1, "no connection to the broker")]


def test_the_rate_holds_back_what_is_too_fast_and_gives_back_what_was_not_needed(make: Callable[..., Bench]):
    bench = make(rate=2 * FILE_MAX_BYTES)
    bench.mirror.on_connected()
    for number in range(5):
        bench.ask(number, f"a/{number}")
    assert bench.subscribed == ["a/0", "a/1"]
    bench.comes("a/0", bytes(FILE_MAX_BYTES))
    assert len(bench.subscribed) == 2
    # A small file gives back what it did not need: the next goes at once.
    bench.comes("a/1", b"")
    bench.comes("a/1", b"x" * 10)
    assert len(bench.subscribed) == 2
    bench.later(0.5)
    assert len(bench.subscribed) == 3
    assert bench.mirror.waiting == 3
    bench.later(0.5)
    bench.later(0.5)
    assert len(bench.subscribed) == 5


def test_over_a_minute_no_more_than_the_rate_is_fetched(make: Callable[..., Bench]):
    rate = 100_000
    bench = make(rate=rate)
    bench.mirror.on_connected()
    fetched = number = 0
    for _ in range(600):
        while bench.mirror.waiting < REQUESTS_MAX:
            number += 1
            bench.ask(number, f"a/{number}", fresh=True)
        for name in [each for each in bench.subscribed if each not in bench.unsubscribed]:
            bench.comes(name, bytes(50_000))
            fetched += 50_000
        bench.later(0.1)
    assert 0.9 * rate * 60 <= fetched <= rate * 60 + max(rate, FILE_MAX_BYTES)


def test_the_start_and_every_new_connection_wait_a_random_time(
    make: Callable[..., Bench], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(mirror_module.random, "random", lambda: 0.5)
    bench = make(jitter_s=60.0)
    bench.mirror.watch(WatchFile(TIMESTAMP))
    bench.ask(1, CHUNK)
    for _ in range(2):
        bench.mirror.on_connected()
        bench.later(29)
        assert bench.subscribed == []
        bench.later(1)
        assert bench.subscribed == [TIMESTAMP, CHUNK]
        bench.subscribed.clear()
        bench.mirror.on_disconnected()


def test_a_refused_subscription_is_said(bench: Bench):
    bench.ask(1, CHUNK)
    bench.mirror.on_refused(1, "Not authorized")
    assert bench.told == [FileAbsent(1, "the broker refuses it: Not authorized")]


def test_an_oversized_file_is_refused_and_not_kept(bench: Bench):
    bench.mirror.watch(WatchFile(TIMESTAMP))
    for name in (CHUNK, TIMESTAMP):
        bench.ask(1, name)
        bench.comes(name, bytes(FILE_MAX_BYTES + 1))
    assert [type(each) for each in bench.told] == [FileAbsent, FileAbsent]
    assert (bench.kept.files, bench.mirror.counts.refused) == (0, 2)


def test_a_stick_is_tried_first_for_what_never_changes(make: Callable[..., Bench]):
    bench = make(stick=True)
    bench.put_on_stick(CHUNK, b"from the stick")
    bench.mirror.on_connected()
    bench.ask(1, CHUNK)
    assert bench.told == [FileContent(1, b"from the stick")]
    assert bench.subscribed == []


def test_an_old_stick_does_not_hide_what_is_new_at_the_broker(make: Callable[..., Bench]):
    bench = make(stick=True)
    bench.put_on_stick(TIMESTAMP, b"old")
    bench.mirror.on_connected()
    bench.ask(1, TIMESTAMP)
    bench.comes(TIMESTAMP, b"new")
    assert bench.told == [FileContent(1, b"new")]


@pytest.mark.parametrize("connected", [False, True])
def test_a_stick_serves_what_the_broker_does_not(make: Callable[..., Bench], connected: bool):
    bench = make(stick=True)
    bench.put_on_stick(TIMESTAMP, b"on the stick")
    if connected:
        bench.mirror.on_connected()
    bench.ask(1, TIMESTAMP, fresh=True)
    bench.later(FETCH_WAIT_S)
    assert bench.told == [FileContent(1, b"on the stick")]
    assert bench.kept.files == 0
