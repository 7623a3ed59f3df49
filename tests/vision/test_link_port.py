"""Vision's end of the pipe: nothing is lost to a link that dies, lies or is slow, and no stage waits for it."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from edge import wire
from edge.errors import OutboxFull, RepositoryFileMissing, WireError
from edge.vision import link_port
from tests.link.rig import PATIENCE_S
from tests.vision.link_port_rig import Link, Rig

EMPTY_STATUS = wire.LinkStatus(True, 0, 0, "")


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    rig = Rig(tmp_path)
    yield rig
    rig.close()


def document(number: int, payload: bytes = b"{}") -> wire.Publish:
    return wire.Publish("alerts", "deployment-1", f"event-{number}", number, "2030-01-01T00:00:00.000Z", payload)


def test_a_link_that_connects_is_told_deployment_state_and_what_waits(rig: Rig):
    rig.port.open_deployment("deployment-1", "ab" * 32)
    rig.port.set_state("watching")
    rig.port.publish(document(1))
    heard = rig.connect().wait(document(1))
    assert heard[:3] == [wire.OpenDeployment("deployment-1", "ab" * 32), wire.StateChanged("watching"), document(1)]


def test_documents_not_stored_are_sent_again_to_the_next_link_and_stored_ones_are_not(rig: Rig):
    first = rig.connect()
    for number in range(4):
        rig.port.publish(document(number))
    first.wait(*map(document, range(4)))
    first.pipe.send(wire.Committed("event-1"))
    rig.committed.wait(lambda items: items == ["event-1"])
    first.pipe.close()
    second = rig.connect()
    second.wait(document(0), document(2), document(3))
    assert second.published() == ["event-0", "event-2", "event-3"]
    assert not rig.port.wait_stored(0)


def test_a_document_said_to_be_stored_twice_counts_once(rig: Rig):
    link = rig.connect()
    rig.port.publish(document(1))
    rig.port.publish(document(2))
    for _ in range(3):
        link.pipe.send(wire.Committed("event-1"))
    link.pipe.send(wire.Committed("event-2"))
    rig.committed.wait(lambda items: "event-2" in items)
    assert rig.committed.all() == ["event-1", "event-2"]
    assert rig.port.wait_stored(PATIENCE_S)


def test_a_document_never_published_cannot_be_said_to_be_stored(rig: Rig):
    link = rig.connect()
    link.pipe.send(wire.Committed("event-9"))
    rig.port.publish(document(1))
    link.pipe.send(wire.Committed("event-1"))
    assert rig.committed.wait(lambda items: "event-1" in items) == ["event-1"]


def test_documents_keep_their_order(rig: Rig):
    link = rig.connect()
    for number in range(200):
        rig.port.publish(document(number))
    link.wait(document(199))
    assert link.published() == [f"event-{number}" for number in range(200)]


def test_a_file_is_fetched_through_link(rig: Rig):
    link = rig.connect()
    with ThreadPoolExecutor(1) as pool:
        fetched = pool.submit(rig.port.fetch, "devices/van-1/order", PATIENCE_S)
        (request,) = link.heard.wait(lambda items: isinstance(items[-1], wire.FetchFile))[-1:]
        assert request.name == "devices/van-1/order"
        link.pipe.send(wire.FileContent(request.request_id, b"the order"))
        assert fetched.result(PATIENCE_S) == b"the order"


def test_a_file_that_link_has_not_is_missing_and_says_why(rig: Rig):
    link = rig.connect()
    with ThreadPoolExecutor(1) as pool:
        fetched = pool.submit(rig.port.fetch, "watchlists/a/0000", PATIENCE_S)
        (request,) = link.heard.wait(lambda items: isinstance(items[-1], wire.FetchFile))[-1:]
        link.pipe.send(wire.FileAbsent(request.request_id, "no such topic"))
        with pytest.raises(RepositoryFileMissing, match=r"watchlists/a/0000: no such topic"):
            fetched.result(PATIENCE_S)


def test_a_file_that_does_not_come_in_time_is_missing(rig: Rig):
    rig.connect()
    with pytest.raises(RepositoryFileMissing, match="no answer from the link half in time"):
        rig.port.fetch("devices/van-1/order", timeout_s=0.01)


def test_a_fetch_without_any_link_is_missing_in_time(rig: Rig):
    with pytest.raises(RepositoryFileMissing):
        rig.port.fetch("devices/van-1/order", timeout_s=0.01)


def test_an_answer_too_late_or_to_another_question_is_not_taken_for_this_one(rig: Rig):
    link = rig.connect()
    with pytest.raises(RepositoryFileMissing):
        rig.port.fetch("first", timeout_s=0.01)
    (late,) = link.heard.wait(lambda items: isinstance(items[-1], wire.FetchFile))[-1:]
    with ThreadPoolExecutor(1) as pool:
        fetched = pool.submit(rig.port.fetch, "second", PATIENCE_S)
        asked = link.heard.wait(lambda items: sum(isinstance(each, wire.FetchFile) for each in items) == 2)[-1]
        link.pipe.send(wire.FileContent(late.request_id, b"late"))
        link.pipe.send(wire.FileContent(asked.request_id + 7, b"never asked for"))
        link.pipe.send(wire.FileContent(asked.request_id, b"right"))
        link.pipe.send(wire.FileContent(asked.request_id, b"second thoughts"))
        assert fetched.result(PATIENCE_S) == b"right"


def test_a_file_asked_for_before_link_died_comes_from_the_next(rig: Rig):
    first = rig.connect()
    with ThreadPoolExecutor(1) as pool:
        fetched = pool.submit(rig.port.fetch, "devices/van-1/order", PATIENCE_S)
        first.heard.wait(lambda items: isinstance(items[-1], wire.FetchFile))
        first.pipe.close()
        second = rig.connect()
        (request,) = second.heard.wait(lambda items: isinstance(items[-1], wire.FetchFile))[-1:]
        second.pipe.send(wire.FileContent(request.request_id, b"the order"))
        assert fetched.result(PATIENCE_S) == b"the order"


@pytest.mark.parametrize(
    "data",
    [b"x", b"\x10\0\0\0\xff{}", b"\x02\0\0\0\x02{}", b"\xff\0\0\0\x02{}", b"\x10\0\0\0\x02[]", b"\x10\0\0\0\x02{}"],
    ids=["short", "header past the end", "vision's own kind", "unknown kind", "no object", "no fields"],
)
def test_bad_message_drops_the_connection_and_the_next_link_is_served(rig: Rig, data: bytes):
    bad = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    bad.connect(str(rig.path))
    bad.settimeout(PATIENCE_S)
    bad.send(data)
    with contextlib.suppress(ConnectionResetError):
        while bad.recv(100_000):
            """What the port had said before it read."""
    bad.close()
    rig.port.publish(document(1))
    rig.connect().wait(document(1))


def test_message_over_the_cap_drops_the_connection(rig: Rig):
    link = rig.connect()
    link.pipe._connection.send(bytes(wire.MESSAGE_MAX_BYTES + 1))
    assert link.gone.wait(PATIENCE_S)
    assert rig.connect()


def test_stranger_s_user_id_is_refused_and_told_nothing(tmp_path: Path):
    rig = Rig(tmp_path, uids=(os.getuid() + 1,))
    rig.port.open_deployment("deployment-1", "ab" * 32)
    rig.port.publish(document(1))
    stranger = Link(rig.path)
    assert stranger.gone.wait(PATIENCE_S)
    assert stranger.heard.all() == []
    rig.close()


def test_a_link_that_takes_nothing_never_blocks_a_stage(rig: Rig, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(wire, "SEND_TIMEOUT_S", 3600)
    silent = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    silent.connect(str(rig.path))
    with ThreadPoolExecutor(1) as pool:
        stage = pool.submit(lambda: [rig.port.publish(document(number, bytes(30_000))) for number in range(100)])
        stage.result(PATIENCE_S)
        beats = pool.submit(lambda: [rig.port.beat(wire.Health(bytes(30_000))) for _ in range(100)])
        beats.result(PATIENCE_S)
    silent.close()
    link = rig.connect()
    link.heard.wait(lambda items: sum(isinstance(each, wire.Publish) for each in items) == 100)


def test_heartbeats_for_a_link_that_takes_nothing_do_not_pile_up(rig: Rig, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(wire, "SEND_TIMEOUT_S", 3600)
    slow = wire.connect(rig.path)
    assert slow.receive() == wire.StateChanged("starting")
    for number in range(2000):
        rig.port.beat(wire.Health(b"%08d" % number * 2500))
    rig.port.set_state("watching")
    beats = []
    while isinstance(message := slow.receive(), wire.Health):
        beats.append(message.payload[:8])
    assert message == wire.StateChanged("watching")
    assert beats[-1] == b"00001999"
    assert len(beats) < 200
    slow.close()


def test_without_a_link_documents_wait_up_to_a_bound_and_then_the_outbox_is_full(rig: Rig, monkeypatch):
    monkeypatch.setattr(link_port, "PENDING_MAX", 5)
    for number in range(5):
        rig.port.publish(document(number))
    with pytest.raises(OutboxFull, match="is it running"):
        rig.port.publish(document(5))
    link = rig.connect()
    link.wait(document(4))
    link.pipe.send(wire.Committed("event-0"))
    rig.committed.wait(lambda items: items == ["event-0"])
    rig.port.publish(document(5))
    link.wait(document(5))
    assert link.published() == [f"event-{number}" for number in range(6)]


def test_a_document_that_cannot_go_through_the_pipe_is_refused_to_its_maker_and_not_kept(rig: Rig):
    link = rig.connect()
    with pytest.raises(WireError, match="payload"):
        rig.port.publish(document(1, bytes(wire.DOCUMENT_MAX_BYTES + 1)))
    rig.port.publish(document(2))
    link.wait(document(2))
    assert link.published() == ["event-2"]


def test_without_a_link_heartbeats_are_not_kept(rig: Rig):
    for _ in range(50):
        rig.port.beat(wire.Health(b"{}"))
    assert not any(isinstance(each, wire.Health) for each in rig.connect().heard.all())


def test_status_is_link_s_last_word_and_none_once_it_is_gone(rig: Rig):
    assert rig.port.status is None
    link = rig.connect()
    link.pipe.send(wire.LinkStatus(True, 3, 1, "fine"))
    link.pipe.send(wire.Committed("nothing"))
    rig.port.publish(document(1))
    link.pipe.send(wire.Committed("event-1"))
    rig.committed.wait(lambda items: items)
    assert rig.port.status == wire.LinkStatus(True, 3, 1, "fine")
    link.pipe.close()
    rig.connect()
    assert rig.port.status is None


def test_what_was_said_before_stopping_still_reaches_link(rig: Rig):
    link = rig.connect()
    rig.port.publish(document(1))
    rig.port.set_state("closing")
    rig.port.set_state("standby")
    rig.port.stop()
    assert link.gone.wait(PATIENCE_S)
    assert link.heard.all()[-3:] == [document(1), wire.StateChanged("closing"), wire.StateChanged("standby")]


def test_stopping_ends_a_fetch_that_waits(rig: Rig):
    rig.connect()
    with ThreadPoolExecutor(1) as pool:
        fetched = pool.submit(rig.port.fetch, "devices/van-1/order", 3600.0)
        rig.links[0].heard.wait(lambda items: isinstance(items[-1], wire.FetchFile))
        rig.port.stop()
        with pytest.raises(RepositoryFileMissing):
            fetched.result(PATIENCE_S)


def test_stopping_ends_both_threads(rig: Rig):
    rig.connect()
    rig.port.stop()
    assert not any(thread.is_alive() for thread in rig.port._threads)


@pytest.mark.parametrize("seed", range(3))
def test_nothing_is_lost_over_a_link_that_keeps_dying(rig: Rig, seed: int):
    """Each link stores one document more than the one before, and dies."""
    for number in range(12):
        rig.port.publish(document(number))
    stored: list[str] = []
    while len(stored) < 12:
        link = rig.connect()
        for _ in range(1 + seed):
            if len(stored) == 12:
                break
            wanted = f"event-{len(stored)}"
            link.heard.wait(lambda items, wanted=wanted: any(getattr(each, "event_id", "") == wanted for each in items))
            link.pipe.send(wire.Committed(wanted))
            stored.append(wanted)
            rig.committed.wait(lambda items: items == stored)
        link.pipe.close()
    assert rig.port.wait_stored(PATIENCE_S)


def test_a_stop_ends_the_wait_for_a_file_that_never_comes(rig: Rig):
    stop = threading.Event()
    stop.set()
    with pytest.raises(RepositoryFileMissing):
        rig.port.fetch("devices/van-1/order", 3600.0, stop)
