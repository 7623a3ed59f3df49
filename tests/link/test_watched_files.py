"""Standing subscriptions and drops of the mirror alone, with a broker, a disk and a clock of the test's."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.errors import WireError
from edge.link.mirror import FETCH_WAIT_S, WATCH_HOLDS_S, WATCHES_MAX
from edge.wire import DropFiles, FileAbsent, FileChanged, FileContent, FilesDropped, WatchFile
from tests.link.mirror_bench import CHUNK, TIMESTAMP
from tests.link.mirror_bench import MirrorBench as Bench


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    bench = Bench(tmp_path)
    bench.mirror.on_connected()
    return bench


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
