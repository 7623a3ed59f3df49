"""Vision's end of the pipe: stocks, watched files, fetches and drops, whatever link does."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from edge import wire
from edge.errors import RepositoryFileMissing, TopicInvalid, WireError
from tests.link.rig import PATIENCE_S, Log
from tests.vision.link_port_rig import Rig


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    rig = Rig(tmp_path)
    yield rig
    rig.close()


def test_the_newest_stock_and_every_watch_are_told_to_each_new_link(rig: Rig):
    first = rig.connect()
    rig.port.announce(b"old stock")
    rig.port.announce(b"new stock")
    rig.port.watch("metadata/timestamp.json", lambda: None)
    first.wait(wire.Announce(b"new stock"), wire.WatchFile("metadata/timestamp.json"))
    first.pipe.close()
    second = rig.connect()
    heard = second.wait(wire.Announce(b"new stock"), wire.WatchFile("metadata/timestamp.json"))
    assert wire.Announce(b"old stock") not in heard


def test_a_change_of_a_watched_file_is_told_to_who_watches_it_and_of_no_other(rig: Rig):
    link = rig.connect()
    changes = Log()
    rig.port.watch("index.json", lambda: changes.add("index.json"))
    for name in ("hints/van-1.json", "index.json"):
        link.pipe.send(wire.FileChanged(name))
    link.pipe.send(wire.FileChanged("index.json"))
    assert changes.wait(lambda items: len(items) == 2) == ["index.json"] * 2


@pytest.mark.parametrize("name", ["#", "metadata/#", "../x", ""])
def test_a_name_that_is_none_is_not_watched(rig: Rig, name: str):
    with pytest.raises(TopicInvalid):
        rig.port.watch(name, lambda: None)


def test_an_oversized_stock_is_refused_to_its_maker(rig: Rig):
    with pytest.raises(WireError, match="payload"):
        rig.port.announce(bytes(wire.DOCUMENT_MAX_BYTES + 1))


def test_a_fetch_says_whether_it_may_come_from_disk(rig: Rig):
    link = rig.connect()
    for fresh in (True, False):
        with pytest.raises(RepositoryFileMissing):
            rig.port.fetch("a/1", 0.01, fresh=fresh)
    heard = link.heard.wait(lambda items: sum(isinstance(each, wire.FetchFile) for each in items) == 2)
    assert [each.fresh for each in heard if isinstance(each, wire.FetchFile)] == [True, False]


def test_a_drop_asked_of_a_link_that_died_is_answered_by_the_next(rig: Rig):
    first = rig.connect()
    with ThreadPoolExecutor(1) as pool:
        dropped = pool.submit(rig.port.drop_files, "deployments/a/", PATIENCE_S)
        first.heard.wait(lambda items: isinstance(items[-1], wire.DropFiles))
        first.pipe.close()
        second = rig.connect()
        (request,) = second.heard.wait(lambda items: isinstance(items[-1], wire.DropFiles))[-1:]
        # An answer of another kind is none.
        second.pipe.send(wire.FileContent(request.request_id, b"x"))
        second.pipe.send(wire.FilesDropped(request.request_id, 3, 18))
        assert dropped.result(PATIENCE_S) == wire.FilesDropped(request.request_id, 3, 18)


def test_a_drop_that_no_link_answers_says_so_in_time(rig: Rig):
    assert rig.port.drop_files("deployments/a/", 0.01) is None


def test_a_link_that_answers_a_fetch_with_a_drop_is_not_believed(rig: Rig):
    link = rig.connect()
    with ThreadPoolExecutor(1) as pool:
        fetched = pool.submit(rig.port.fetch, "a/1", PATIENCE_S)
        (request,) = link.heard.wait(lambda items: isinstance(items[-1], wire.FetchFile))[-1:]
        link.pipe.send(wire.FilesDropped(request.request_id, 1, 1))
        link.pipe.send(wire.FileContent(request.request_id, b"content"))
        assert fetched.result(PATIENCE_S) == b"content"
