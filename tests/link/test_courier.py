"""The courier alone, with a broker and a clock of the test's: windows, floods and states."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge import wire
from edge.config import load_settings
from edge.formats.topics import RETAINED_EXPIRY_S
from edge.link import inbox
from edge.link.courier import WINDOW, Courier
from edge.link.inbox import FROM_BROKER_MAX, Inbox
from edge.link.kept_files import KeptFiles
from edge.link.mirror import FETCH_WAIT_S, REQUESTS_MAX
from edge.link.outbox import Outbox
from edge.link.retained import RENEW_S
from edge.link.vision_pipe import VisionPipe
from tests.link.rig import DEVICE, FakeClock, Site, build_site, new_alert, write_config


class FakeBroker:
    """Takes everything, acknowledges nothing by itself."""

    def __init__(self) -> None:
        self.published: list[tuple[str, bytes]] = []
        self.retained_s: list[int] = []
        self.subscribed: list[str] = []
        self.unsubscribed: list[str] = []

    def publish(self, topic: str, payload: bytes, retained_s: int = 0) -> int | None:
        self.published.append((topic, payload))
        self.retained_s.append(retained_s)
        return len(self.published)

    def subscribe(self, topic: str) -> int | None:
        self.subscribed.append(topic)
        return 1000 + len(self.subscribed)

    def unsubscribe(self, topic: str) -> None:
        self.unsubscribed.append(topic)

    def of(self, channel: str) -> list[bytes]:
        return [payload for topic, payload in self.published if topic.endswith(channel)]


class Bench:
    """A courier with everything around it in the test's hands."""

    def __init__(self, folder: Path) -> None:
        self.site: Site = build_site(folder)
        settings = load_settings(write_config(self.site, folder / "van", self.site.certificate(DEVICE)))
        self.clock = FakeClock()
        self.outbox = Outbox(folder / "outbox.sqlite", settings.outbox.rows_max, settings.outbox.resend_s, self.clock)
        self.kept = KeptFiles(folder / "mirror")
        self.broker = FakeBroker()
        self.courier = Courier(settings, self.outbox, self.kept, self.broker, self.clock)
        ends = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.vision = wire.Pipe(ends[0], wire.FROM_LINK)
        self._vision_socket = ends[0]
        self.courier.handle(inbox.VisionAttached(wire.Pipe(ends[1], wire.FROM_VISION)))

    def say(self, *messages: wire.Message) -> None:
        for message in messages:
            self.courier.handle(inbox.FromVision(message))

    def connect(self) -> None:
        self.courier.handle(inbox.Connected(7))

    def heard(self) -> list[wire.Message]:
        """What vision was told so far."""
        self._vision_socket.setblocking(False)
        messages = []
        try:
            while True:
                messages.append(self.vision.receive())
        except wire.PeerGone:
            return messages


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_a_backlog_goes_out_in_a_bounded_window(bench: Bench):
    bench.say(*(new_alert(bench.site, number) for number in range(3 * WINDOW)))
    bench.connect()
    bench.courier.tick()
    assert len(bench.broker.of("/alerts")) == WINDOW
    bench.courier.tick()
    assert len(bench.broker.of("/alerts")) == WINDOW
    for message_id in range(1, 1 + len(bench.broker.published)):
        bench.courier.handle(inbox.Acknowledged(message_id, None))
    bench.courier.tick()
    assert len(set(bench.broker.of("/alerts"))) == 2 * WINDOW


def test_a_flood_of_states_and_heartbeats_leaves_one_of_each_on_its_way_and_the_newest_waiting(bench: Bench):
    bench.connect()
    for number in range(5000):
        bench.say(wire.StateChanged(f"state-{number}"), wire.Health(b"%d" % number))
    assert len(bench.broker.of("/state")) == 1
    assert len(bench.broker.of("/health")) == 1
    for message_id in range(1, 1 + len(bench.broker.published)):
        bench.courier.handle(inbox.Acknowledged(message_id, None))
    assert b"state-4999" in bench.broker.of("/state")[-1]
    assert bench.broker.of("/health") == [b"0", b"4999"]
    assert bench.courier.report(0).messages_dropped > 9000


def test_the_birth_carries_the_session_of_the_connection_and_visions_last_state(bench: Bench):
    bench.say(wire.StateChanged("watching"))
    assert bench.broker.published == []
    bench.connect()
    assert bench.broker.of("/state") == [b'{"device":"van-1","session_seq":7,"state":"watching"}']


def test_the_rooms_receipts_are_subscribed_before_anything_is_published(bench: Bench):
    bench.say(new_alert(bench.site, 1))
    bench.connect()
    assert bench.broker.subscribed == [f"lfr/v1/fleet-1/devices/van-1/{each}" for each in ("receipts", "commands")]
    assert bench.broker.of("/alerts") == []
    bench.courier.tick()
    assert len(bench.broker.of("/alerts")) == 1


def test_what_is_retained_is_published_anew_before_it_expires(bench: Bench):
    bench.say(wire.Announce(b"stock"), wire.StateChanged("watching"))
    bench.connect()
    for times in range(1, 4):
        for message_id in range(1, 1 + len(bench.broker.published)):
            bench.courier.handle(inbox.Acknowledged(message_id, None))
        assert bench.broker.of("/keys") == [b"stock"] * times
        assert len(bench.broker.of("/state")) == times
        bench.clock.advance(RENEW_S)
        bench.courier.tick()
    assert set(bench.broker.retained_s) <= {0, RETAINED_EXPIRY_S}
    assert RENEW_S < RETAINED_EXPIRY_S / 2


def test_of_many_key_stocks_the_newest_counts(bench: Bench):
    bench.connect()
    bench.say(*(wire.Announce(b"%d" % number) for number in range(1000)))
    assert bench.broker.of("/keys") == [b"0"]
    for message_id in range(1, 1 + len(bench.broker.published)):
        bench.courier.handle(inbox.Acknowledged(message_id, None))
    assert bench.broker.of("/keys") == [b"0", b"999"]


def test_a_key_stock_outlives_the_vision_that_made_it(bench: Bench):
    bench.say(wire.Announce(b"stock"))
    bench.courier.handle(inbox.VisionGone("ended"))
    bench.connect()
    assert bench.broker.of("/keys") == [b"stock"]


@pytest.mark.parametrize("message", [wire.WatchFile("metadata/#"), wire.WatchFile("../x"), wire.DropFiles(1, "")])
def test_a_watch_or_drop_outside_the_protocol_ends_the_pipe(bench: Bench, message: wire.Message):
    bench.say(message)
    assert not bench.courier.vision_attached


def test_a_heartbeat_without_a_connection_is_not_kept(bench: Bench):
    bench.say(wire.Health(b"1"))
    bench.connect()
    assert bench.broker.of("/health") == []


def test_an_alert_past_its_retention_is_ended_and_counted_and_never_sent(bench: Bench):
    bench.say(new_alert(bench.site, 1))
    bench.clock.advance(3601)
    bench.connect()
    bench.courier.tick()
    assert bench.broker.of("/alerts") == []
    report = bench.courier.report(0)
    assert (report.queued, report.expired) == (0, 1)
    assert report.as_link_status().expired == 1


def test_a_refused_publish_is_said_in_words_and_the_row_stays(bench: Bench):
    bench.say(new_alert(bench.site, 1))
    bench.connect()
    bench.courier.tick()
    bench.courier.handle(inbox.Acknowledged(len(bench.broker.published), "Not authorized"))
    report = bench.courier.report(0)
    assert (report.queued, report.publishes_refused) == (1, 1)
    assert "Not authorized" in report.as_link_status().detail


def test_a_flood_of_file_requests_is_bounded_and_each_is_answered(bench: Bench):
    bench.connect()
    before = len(bench.broker.subscribed)
    for number in range(100):
        bench.say(wire.FetchFile(number, f"watchlists/a/{number:04d}", True))
    assert len(bench.broker.subscribed) - before == REQUESTS_MAX
    bench.clock.advance(FETCH_WAIT_S)
    bench.courier.tick()
    answers = [each for each in bench.heard() if isinstance(each, wire.FileAbsent)]
    assert sorted(each.request_id for each in answers) == list(range(100))
    assert len(bench.broker.unsubscribed) == REQUESTS_MAX


def test_a_file_that_nobody_asked_for_goes_nowhere(bench: Bench):
    bench.connect()
    bench.courier.handle(inbox.Received("lfr/v1/fleet-1/repo/devices/van-1/order", b"unasked"))
    assert [each for each in bench.heard() if isinstance(each, wire.FileContent)] == []


@pytest.mark.parametrize(
    "change",
    [
        {"channel": "receipts"},
        {"channel": "../van-2/alerts"},
        {"deployment": "a/b"},
        {"event_id": "not-a-uuid"},
        {"expires_at_utc": "tomorrow"},
    ],
)
def test_a_publish_outside_the_protocol_ends_the_pipe_and_stores_nothing(bench: Bench, change: dict[str, str]):
    alert = new_alert(bench.site, 1)
    bench.say(wire.Publish(**{**vars(alert), **change}))
    assert bench.outbox.queued == 0
    assert not bench.courier.vision_attached


def test_what_the_broker_floods_us_with_is_dropped_and_counted():
    box = Inbox()
    for _ in range(FROM_BROKER_MAX + 50):
        box.put_or_drop(inbox.Received("topic", b""))
    box.put(inbox.Acknowledged(1, None))
    assert box.dropped == 50
    taken = [box.take(0) for _ in range(FROM_BROKER_MAX + 1)]
    assert taken[-1] == inbox.Acknowledged(1, None)
    assert box.take(0) is None


def test_a_vision_that_breaks_the_protocol_is_dropped_and_may_come_back(tmp_path: Path):
    listener = wire.listen(tmp_path / "pipe.sock")
    box = Inbox()
    reader = VisionPipe(tmp_path / "pipe.sock", box)
    reader.start()
    connection, _ = listener.accept()
    connection.send(b"no message of ours")
    assert isinstance(box.take(10), inbox.VisionAttached)
    gone = box.take(10)
    assert isinstance(gone, inbox.VisionGone)
    assert "not accepted" in gone.why
    again = wire.accept(listener, (os.getuid(),))
    assert isinstance(box.take(10), inbox.VisionAttached)
    reader.stop()
    again.close()
    listener.close()


def test_a_key_that_is_none_opens_no_deployment(bench: Bench):
    bench.say(wire.OpenDeployment("deployment-1", Ed25519PrivateKey.generate().private_bytes_raw().hex()[:-2]))
    assert bench.outbox.deployments_by_key() == {}
    assert not bench.courier.vision_attached
