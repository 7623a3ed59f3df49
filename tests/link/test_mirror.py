"""The mirror alone, with a broker, a disk and a clock of the test's: what is asked for, when, and what is answered."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from edge import wire
from edge.errors import WireError
from edge.link import mirror as mirror_module
from edge.link.kept_files import KeptFiles
from edge.link.mirror import FETCH_WAIT_S, REQUESTS_MAX, WATCH_HOLDS_S, WATCHES_MAX, Mirror
from edge.link.rate import RateLimit
from edge.link.stick import Stick
from edge.wire import (
    FILE_MAX_BYTES,
    DropFiles,
    FetchFile,
    FileAbsent,
    FileChanged,
    FileContent,
    FilesDropped,
    WatchFile,
)
from tests.link.rig import FLEET, FakeClock

REPO = f"lfr/v1/{FLEET}/repo/"
TIMESTAMP = "metadata/timestamp.json"
CHUNK = "deployments/market/1/chunk-0001"


class Bench:
    """A mirror with everything around it in the test's hands."""

    def __init__(self, folder: Path, rate: int = 10**9, jitter_s: float = 0.0, stick: bool = False) -> None:
        self.clock = FakeClock()
        self.kept = KeptFiles(folder / "mirror")
        self.subscribed: list[str] = []
        self.unsubscribed: list[str] = []
        self.told: list[wire.Message] = []
        self.stick_folder = folder / "stick"
        self.mirror = Mirror(
            FLEET,
            self,
            self.told.append,
            self.kept,
            RateLimit(rate, self.clock),
            jitter_s,
            self.clock,
            Stick(self.stick_folder, "van-1") if stick else None,
        )

    def subscribe(self, topic: str) -> int | None:
        self.subscribed.append(topic.removeprefix(REPO))
        return len(self.subscribed)

    def unsubscribe(self, topic: str) -> None:
        self.unsubscribed.append(topic.removeprefix(REPO))

    def ask(self, request_id: int, name: str, fresh: bool = False) -> None:
        self.mirror.ask(FetchFile(request_id, name, fresh))

    def comes(self, name: str, payload: bytes) -> None:
        self.mirror.on_file(REPO + name, payload)

    def later(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.mirror.tick()

    def put_on_stick(self, name: str, data: bytes) -> None:
        path = self.stick_folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


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


def test_a_watched_file_tells_each_change_once_and_answers_fetches(bench: Bench):
    bench.mirror.watch(WatchFile(TIMESTAMP))
    bench.mirror.watch(WatchFile(TIMESTAMP))
    assert bench.subscribed == [TIMESTAMP]
    for content in (b"one", b"one", b"two"):
        bench.comes(TIMESTAMP, content)
    bench.ask(1, TIMESTAMP, fresh=True)
    assert bench.told == [FileChanged(TIMESTAMP), FileChanged(TIMESTAMP), FileContent(1, b"two")]
    assert bench.subscribed == [TIMESTAMP]
    assert bench.unsubscribed == []


def test_a_fetch_of_a_watched_file_leaves_the_subscription_standing(bench: Bench):
    bench.mirror.watch(WatchFile(TIMESTAMP))
    bench.ask(1, TIMESTAMP)
    bench.comes(TIMESTAMP, b"one")
    assert bench.told == [FileChanged(TIMESTAMP), FileContent(1, b"one")]
    assert bench.unsubscribed == []


def test_what_a_lost_connection_had_brought_is_not_taken_as_new(bench: Bench):
    bench.mirror.watch(WatchFile(TIMESTAMP))
    bench.comes(TIMESTAMP, b"one")
    bench.mirror.on_disconnected()
    bench.ask(1, TIMESTAMP)
    assert bench.told == [FileChanged(TIMESTAMP)]
    bench.mirror.on_connected()
    bench.comes(TIMESTAMP, b"one")
    assert bench.told == [FileChanged(TIMESTAMP), FileContent(1, b"one")]


def test_a_subscription_lost_in_silence_is_found_by_asking_anew(bench: Bench):
    bench.mirror.watch(WatchFile(TIMESTAMP))
    bench.comes(TIMESTAMP, b"one")
    bench.later(WATCH_HOLDS_S)
    bench.ask(1, TIMESTAMP)
    assert bench.subscribed == [TIMESTAMP, TIMESTAMP]
    bench.comes(TIMESTAMP, b"two")
    assert bench.told[-2:] == [FileChanged(TIMESTAMP), FileContent(1, b"two")]


def test_a_cleared_watched_file_is_said_and_not_answered(bench: Bench):
    bench.mirror.watch(WatchFile(TIMESTAMP))
    bench.comes(TIMESTAMP, b"one")
    bench.comes(TIMESTAMP, b"")
    assert bench.told == [FileChanged(TIMESTAMP)] * 2
    bench.ask(1, TIMESTAMP)
    bench.later(FETCH_WAIT_S)
    assert isinstance(bench.told[-1], FileAbsent)


def test_standing_subscriptions_are_bounded(bench: Bench):
    for number in range(WATCHES_MAX):
        bench.mirror.watch(WatchFile(f"a/{number}"))
    with pytest.raises(WireError, match="at most"):
        bench.mirror.watch(WatchFile("a/x"))


def test_a_vision_that_leaves_takes_its_requests_and_subscriptions_along(bench: Bench):
    bench.mirror.watch(WatchFile(TIMESTAMP))
    bench.ask(1, CHUNK)
    bench.mirror.forget()
    assert sorted(bench.unsubscribed) == sorted([TIMESTAMP, CHUNK])
    bench.comes(TIMESTAMP, b"one")
    bench.comes(CHUNK, b"cipher")
    assert bench.told == []
    assert bench.kept.files == 0


def test_a_file_on_its_way_when_its_name_is_dropped_is_not_kept(bench: Bench):
    bench.kept.keep("deployments/market/hashes", b"hash")
    bench.ask(1, CHUNK)
    bench.mirror.drop(DropFiles(2, "deployments/market/"))
    assert bench.told == [FileAbsent(1, "its name was dropped"), FilesDropped(2, 1, 4)]
    bench.comes(CHUNK, b"late")
    assert bench.kept.files == 0


def test_a_dropped_watched_file_is_forgotten_and_asked_for_anew(bench: Bench):
    bench.mirror.watch(WatchFile(TIMESTAMP))
    bench.comes(TIMESTAMP, b"one")
    bench.mirror.drop(DropFiles(1, "metadata/"))
    bench.ask(2, TIMESTAMP)
    assert bench.subscribed == [TIMESTAMP, TIMESTAMP]


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
