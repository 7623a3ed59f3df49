"""The fleet's process on a real broker: in step with the folder whatever the broker lost, and all ears for the vans."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
import yaml
from hwsim.broker import Broker, Roles

from edge.clock import SystemClock
from edge.formats.names import INDEX, TIMESTAMP
from edge.formats.parts import MESSAGE_MAX_BYTES
from edge.formats.topics import HEALTH, KEYS, RECORDS, STATE, device_topic, repo_topic
from provisioning import serve
from provisioning.authority import Authority
from provisioning.commands import common
from provisioning.fleet_folder import FleetFolder
from provisioning.serve import Server
from provisioning.status import fleet_status, table
from tests.link.peers import Heard, Peer
from tests.link.rig import PATIENCE_S, Site
from tests.provisioning.fleet_rig import FLEET, FleetRig

ADMIN, OTHER_ADMIN = "admin-1", "admin-2"
PREFIX = repo_topic(FLEET, "x")[:-1]


class Movable(SystemClock):
    """The machine's clocks, with a wall clock that can be moved."""

    by = timedelta(0)

    def now_utc(self) -> datetime:
        return super().now_utc() + self.by


@dataclass
class Stage:
    """A fleet, its broker, and the server that stands between."""

    rig: FleetRig
    site: Site
    clock: Movable
    lines: list[str]
    server: Server

    @property
    def broker(self) -> Broker:
        return self.site.broker

    def drive(self, wanted: Callable[[], object], what: str) -> None:
        """Until it is so, with a bound."""
        deadline_s = self.clock.monotonic_s() + PATIENCE_S
        while not wanted():
            assert self.clock.monotonic_s() < deadline_s, (what, self.lines[-5:])
            self.server.step(0.05)

    def settle(self) -> None:
        self.drive(lambda: self.server.in_step, "in step")

    def peer(self, identity: str, *topics: str) -> Peer:
        return Peer(self.site, self.site.certificate(identity), None, *topics)

    def retained(self) -> dict[str, Heard]:
        """All that the broker keeps of the repository, by name, as another admin is given it."""
        names = set(self.rig.fleet().repository().files())
        peer = self.peer(OTHER_ADMIN, f"{PREFIX}#")
        peer.heard.wait(lambda items: names <= {each.topic.removeprefix(PREFIX) for each in items}, "every file")
        found = {each.topic.removeprefix(PREFIX): each for each in peer.heard.all()}
        peer.close()
        return found


@pytest.fixture
def stage(rig: FleetRig, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    monkeypatch.setattr(serve, "AUDIT_QUIET_S", 0.2)
    monkeypatch.setattr(serve, "LOOK_EVERY_S", 0.05)
    monkeypatch.setattr(serve, "TIDY_EVERY_S", 0.05)
    authority = Authority.create(rig.folder / "ca", FLEET)
    roles = Roles(FLEET, devices=("van-1", "van-2"), rooms=("room-1",), fleet_admins=(ADMIN, OTHER_ADMIN))
    broker = Broker(rig.folder / "broker", authority.issue_server(), roles)
    broker.start()
    certificate = authority.issue_client(ADMIN)
    path = rig.authority / "fleet.yaml"
    section = {
        "host": broker.host,
        "port": broker.port,
        "ca_file": str(certificate.ca_file),
        "cert_file": str(certificate.cert_file),
        "key_file": str(certificate.key_file),
        "reconnect_max_s": 1.0,
    }
    path.write_text(yaml.safe_dump({**yaml.safe_load(path.read_text()), "broker": section}))
    site = Site(rig.folder, authority, broker, None, None)  # type: ignore[arg-type]
    clock, lines = Movable(), []
    server = Server(FleetFolder(rig.authority, clock), lines.append)
    server.connection.start()
    try:
        yield Stage(rig, site, clock, lines, server)
    finally:
        server.connection.stop()
        broker.kill()


def test_broker_has_all_of_the_folder_with_an_expiry_and_no_message_is_too_large(stage: Stage):
    stage.rig.publish()
    stage.settle()
    retained = stage.retained()
    files = stage.rig.fleet().repository().files()
    assert {name: each.payload for name, each in retained.items()} == files
    assert all(len(each.payload) <= MESSAGE_MAX_BYTES for each in retained.values())
    left_s = timedelta(hours=3).total_seconds()
    assert all(each.expiry_s is not None and each.expiry_s > left_s for each in retained.values())


def test_what_a_broker_lost_is_published_again(stage: Stage):
    stage.rig.publish()
    stage.settle()
    stage.broker.kill()
    shutil.rmtree(stage.rig.folder / "broker" / "data")
    stage.drive(lambda: not stage.server.in_step, "the loss is seen")
    stage.broker.start()
    stage.settle()
    assert set(stage.retained()) == set(stage.rig.fleet().repository().files())
    assert any("files missing or different" in line for line in stage.lines)


def test_what_should_not_be_there_is_cleared_and_what_was_altered_is_put_right(stage: Stage):
    stage.rig.publish()
    other = stage.peer(OTHER_ADMIN)
    other.publish(repo_topic(FLEET, "deployments/gone-1/1/manifest.json"), b"of a deployment that is over", retain=True)
    other.publish(repo_topic(FLEET, INDEX), b'{"root":9}', retain=True)
    other.close()
    stage.settle()
    retained = stage.retained()
    assert "deployments/gone-1/1/manifest.json" not in retained
    assert retained[INDEX].payload == b'{"root":1}'


def test_file_that_was_cleared_and_came_back_with_the_broker_is_cleared_again(stage: Stage):
    """As mosquitto does after a kill -9 (FINDINGS.md): what was cleared since its last save is there again."""
    stage.rig.publish()
    stage.settle()
    stage.broker.stop()
    shutil.copytree(stage.rig.folder / "broker" / "data", stage.rig.folder / "saved")
    stage.drive(lambda: not stage.server.in_step, "the stop is seen")
    stage.broker.start()
    assert (
        stage.rig.at("order", "close", "station-1", "--reason", "over", "--key", stage.rig.key("officer"), "--no-push")
        == 0
    )
    stage.settle()
    assert not [name for name in stage.retained() if name.startswith("deployments/station-1/1/")]
    stage.broker.kill()
    shutil.rmtree(stage.rig.folder / "broker" / "data")
    shutil.copytree(stage.rig.folder / "saved", stage.rig.folder / "broker" / "data")
    stage.drive(lambda: not stage.server.in_step, "the kill is seen")
    stage.broker.start()
    stage.settle()
    assert not [name for name in stage.retained() if name.startswith("deployments/station-1/1/")]


def test_change_by_another_command_is_published_while_serve_runs(stage: Stage, capsys: pytest.CaptureFixture[str]):
    stage.settle()
    draft = stage.rig.draft()
    stage.rig.sign(draft, "officer", "custodian")
    with FleetFolder(stage.rig.authority, stage.clock).serving() as ours:
        assert ours
        assert stage.rig.at("order", "publish", str(draft)) == 0
    assert "serve is running and publishes it" in capsys.readouterr().out
    stage.drive(lambda: not stage.server.in_step, "the change is seen")
    stage.settle()
    assert [name for name in stage.retained() if name.endswith(".order.json")]


def test_command_publishes_by_itself_where_serve_does_not_run(stage: Stage, capsys: pytest.CaptureFixture[str]):
    stage.server.connection.stop()
    draft = stage.rig.draft()
    stage.rig.sign(draft, "officer", "custodian")
    assert stage.rig.at("order", "publish", str(draft)) == 0
    assert "published: " in capsys.readouterr().out
    assert set(stage.retained()) == set(stage.rig.fleet().repository().files())


def test_settling_takes_along_what_was_changed_since_the_last_look(stage: Stage, monkeypatch: pytest.MonkeyPatch):
    stage.settle()
    monkeypatch.setattr(serve, "LOOK_EVERY_S", 3600.0)
    stage.server.step(0.05)
    stage.rig.publish()
    stage.server.settle(PATIENCE_S)
    assert set(stage.retained()) == set(stage.rig.fleet().repository().files())


def test_push_says_that_no_broker_answers(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    stage.server.connection.stop()
    stage.broker.kill()
    monkeypatch.setattr(common, "PUSH_TIMEOUT_S", 1.0)
    assert stage.rig.at("watchlist", "push") == 1
    assert "the broker did not take all in 1 s" in capsys.readouterr().err


def test_timestamp_is_renewed_long_before_it_is_stale(stage: Stage):
    stage.settle()
    before = stage.retained()[TIMESTAMP].payload
    stage.clock.by = timedelta(seconds=43_200 / serve.REFRESHES_IN_A_LIFE + 1)
    stage.drive(lambda: not stage.server.in_step, "a new timestamp")
    stage.settle()
    assert stage.retained()[TIMESTAMP].payload != before
    assert fleet_status(FleetFolder(stage.rig.authority, stage.clock)).timestamp_age_s < 60


def test_what_vans_say_is_heard_and_shown(stage: Stage):
    stage.rig.publish()
    stage.settle()
    van = stage.rig.vans["van-1"]
    peer = stage.peer("van-1")
    van.vault.refill(6)
    beat = {"deployment": "station-1", "order_version": 1, "watchlist_epoch": 1, "watchlist_sequence": 0}
    since = {"in_force_since_utc": "2026-01-01T10:00:00.000Z", "repository_error": "nothing newer for 300 s"}
    state = b'{"device":"van-1","session_seq":3,"state":"watching"}'
    peer.publish(device_topic(FLEET, "van-1", STATE), state, retain=True)
    peer.publish(device_topic(FLEET, "van-1", KEYS), van.stock(), retain=True)
    peer.publish(device_topic(FLEET, "van-1", HEALTH), van.heartbeat(**beat, **since))
    stage.drive(lambda: any("list 1.0 of station-1 in force" in line for line in stage.lines), "the heartbeat")
    peer.close()
    stage.server.heard.save()
    status = fleet_status(stage.rig.fleet())
    one, two = status.vans
    assert (one.state, one.deployment, one.watchlist, one.behind) == ("watching", "station-1", "1.0", 0)
    assert (one.keys_left, one.problem) == (5, "nothing newer for 300 s")
    assert (two.state, two.heard_s_ago) == ("never heard of", None)
    assert "van-1" in "\n".join(table(status))


def test_van_that_is_behind_is_shown_so(stage: Stage):
    stage.rig.publish()
    stage.rig.at("watchlist", "remove", "station-1", "ref-0", "--key", stage.rig.key("officer"), "--no-push")
    beat = {"deployment": "station-1", "watchlist_epoch": 1, "watchlist_sequence": 0}
    event = stage.rig.vans["van-1"].heartbeat(**beat)
    stage.server.heard.take(device_topic(FLEET, "van-1", HEALTH), event)
    stage.server.heard.save()
    assert fleet_status(stage.rig.fleet()).vans[0].behind == 1


def test_receipts_end_what_the_broker_keeps_of_a_deployment(stage: Stage):
    stage.rig.publish()
    stage.settle()
    assert (
        stage.rig.at("order", "close", "station-1", "--reason", "over", "--key", stage.rig.key("officer"), "--no-push")
        == 0
    )
    vans = stage.rig.fleet().ledger("station-1").read().vans
    for device, van in stage.rig.vans.items():
        peer = stage.peer(device)
        peer.publish(device_topic(FLEET, device, RECORDS), van.receipt("station-1", vans[device].recipient))
        peer.close()
    stage.drive(lambda: stage.rig.fleet().ledger("station-1").read().cleared, "both receipts")
    stage.drive(lambda: not [name for name in stage.server._held if "station-1" in name], "cleared")
    stage.settle()
    assert not [name for name in stage.retained() if "station-1" in name]


def test_overdue_receipt_is_said_once(stage: Stage):
    stage.rig.publish()
    stage.settle()
    stage.clock.by = timedelta(hours=4, minutes=5)
    stage.drive(lambda: sum("OVERDUE" in line for line in stage.lines) == 2, "both are overdue")
    for _ in range(5):
        stage.server.step(0.05)
    assert sum("OVERDUE" in line for line in stage.lines) == 2


@pytest.mark.parametrize(
    "payload", [b"", b"{}", b"\0" * 64, b"[" * 4000, b'{"data":{"signed":{"device":7}}}', b"9" * 5000]
)
def test_nothing_a_van_could_send_stops_the_server(stage: Stage, payload: bytes):
    for channel in (STATE, HEALTH, KEYS, RECORDS):
        assert stage.server.heard.take(device_topic(FLEET, "van-1", channel), payload) is None
        assert stage.server.heard.take(device_topic(FLEET, "stranger", channel), payload) is None
    assert stage.server.heard.refused


def test_heartbeat_by_another_key_or_older_is_not_believed(stage: Stage):
    one, two = stage.rig.vans["van-1"], stage.rig.vans["van-2"]
    topic = device_topic(FLEET, "van-1", HEALTH)
    old = one.heartbeat(state="preparing")
    stage.server.heard.take(topic, one.heartbeat())
    stage.server.heard.take(topic, old)
    stage.server.heard.take(topic, two.heartbeat(device="van-1", state="suspended"))
    beat = stage.server.heard.words("van-1").health
    assert beat is not None
    assert (beat.beat, beat.state) == (2, "watching")


def test_late_last_will_of_an_old_connection_is_no_news(stage: Stage):
    topic = device_topic(FLEET, "van-1", STATE)
    stage.server.heard.take(topic, b'{"device":"van-1","session_seq":4,"state":"watching"}')
    stage.server.heard.take(topic, b'{"device":"van-1","session_seq":3,"state":"lost"}')
    word = stage.server.heard.words("van-1").state
    assert word is not None
    assert word.state == "watching"
    stage.server.heard.take(topic, b'{"device":"van-1","session_seq":4,"state":"lost"}')
    assert stage.server.heard.words("van-1").state.state == "lost"  # type: ignore[union-attr]


def test_one_serve_at_a_time(stage: Stage, capsys: pytest.CaptureFixture[str]):
    with FleetFolder(stage.rig.authority, stage.clock).serving() as ours:
        assert ours
        assert stage.rig.at("serve") == 2
    assert "another lfr-fleet serve" in capsys.readouterr().err
