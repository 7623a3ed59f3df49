"""Documents reach the room and end by its receipt, whatever the broker, the room or vision do meanwhile."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edge import wire
from edge.clock import SystemClock
from edge.formats.topics import HEALTH, device_topic, repo_topic
from tests.link.peers import Peer, RoomPeer
from tests.link.rig import (
    ADMIN,
    DEVICE,
    FLEET,
    LinkProcess,
    Site,
    VisionEnd,
    build_site,
    new_alert,
    running_link,
    write_config,
)


def test_an_alert_is_delivered_and_ends_by_the_rooms_receipt(
    site: Site, config: Path, vision: VisionEnd, room: RoomPeer
):
    with running_link(config):
        vision.open_deployment(site)
        alert = new_alert(site, 1)
        vision.send(alert)
        vision.wait_committed(alert.event_id)
        room.wait_alerts(alert.event_id)
        vision.wait_status(lambda status: status.queued == 1)
        room.acknowledge(alert.event_id)
        vision.wait_status(lambda status: status.queued == 0 and status.expired == 0)


def test_a_puback_does_not_end_a_row(site: Site, config: Path, vision: VisionEnd, room: RoomPeer):
    with running_link(config):
        vision.open_deployment(site)
        alert = new_alert(site, 1)
        vision.send(alert)
        room.wait_alerts(alert.event_id)
        # Sent again although the broker took it: only the PUBACK came.
        room.heard.wait(lambda items: room_count(items) >= 3, "resent")
        room.acknowledge(alert.event_id)
        vision.wait_status(lambda status: status.queued == 0)


def room_count(items: list) -> int:
    return sum(each.topic.endswith("/alerts") for each in items)


def test_an_alert_survives_a_broker_killed_and_restarted(site: Site, config: Path, vision: VisionEnd):
    with running_link(config):
        vision.open_deployment(site)
        first, second = new_alert(site, 1), new_alert(site, 2)
        vision.send(first)
        vision.wait_committed(first.event_id)
        vision.wait_status(lambda status: status.connected)
        site.broker.kill()
        vision.wait_status(lambda status: not status.connected)
        vision.send(second)
        vision.wait_committed(second.event_id)
        site.broker.start()
        room = RoomPeer(site)
        room.wait_alerts(first.event_id, second.event_id)
        room.acknowledge(first.event_id, second.event_id)
        vision.wait_status(lambda status: status.queued == 0)
        room.close()


def test_a_backlog_reaches_a_room_that_comes_late_in_order(site: Site, config: Path, vision: VisionEnd):
    alerts = [new_alert(site, number) for number in range(60)]
    site.broker.kill()
    with running_link(config):
        vision.open_deployment(site)
        vision.send(*alerts)
        vision.wait_committed(*(each.event_id for each in alerts))
        site.broker.start()
        room = RoomPeer(site)
        ids = [each.event_id for each in alerts]
        room.wait_alerts(*ids)
        firsts = list(dict.fromkeys(room.alert_ids()))
        assert sorted(firsts) == sorted(ids)
        room.acknowledge(*ids)
        vision.wait_status(lambda status: status.queued == 0)
        room.close()


def test_no_broker_at_start_up_is_survived(tmp_path: Path):
    site = build_site(tmp_path)
    site.broker.start()
    config = write_config(site, tmp_path / "van", site.certificate(DEVICE), drain_s=0)
    site.broker.kill()
    vision = VisionEnd(config)
    with running_link(config):
        vision.open_deployment(site)
        alert = new_alert(site, 1)
        vision.send(alert)
        vision.wait_committed(alert.event_id)
        status = vision.wait_status(lambda status: "nothing listens" in status.detail)
        assert not status.connected
        with site.broker:
            room = RoomPeer(site)
            room.wait_alerts(alert.event_id)
            room.acknowledge(alert.event_id)
            vision.wait_status(lambda status: status.queued == 0)
            room.close()
    vision.close()


def test_a_document_published_twice_is_one_row(site: Site, config: Path, vision: VisionEnd):
    with running_link(config):
        vision.open_deployment(site)
        alert = new_alert(site, 1)
        vision.send(alert, alert, alert)
        vision.messages.wait(lambda items: items.count(wire.Committed(alert.event_id)) == 3, "three commits")
        assert vision.wait_status(lambda status: status.queued).queued == 1


def test_rows_survive_a_link_killed_in_mid_run(site: Site, config: Path, vision: VisionEnd):
    site.broker.kill()
    link = LinkProcess(config)
    vision.open_deployment(site)
    alerts = [new_alert(site, number) for number in range(5)]
    vision.send(*alerts)
    vision.wait_committed(*(each.event_id for each in alerts))
    link.kill()
    site.broker.start()
    room = RoomPeer(site)
    link = LinkProcess(config)
    room.wait_alerts(*(each.event_id for each in alerts))
    room.acknowledge(*(each.event_id for each in alerts))
    vision.wait_status(lambda status: status.queued == 0)
    assert link.terminate() == 0
    room.close()


def test_stopping_with_documents_left_says_so_by_exit_code_3(site: Site, config: Path, vision: VisionEnd):
    link = LinkProcess(config)
    vision.open_deployment(site)
    alert = new_alert(site, 1)
    vision.send(alert)
    vision.wait_committed(alert.event_id)
    assert link.terminate() == 3


def test_stopping_drains_the_outbox_first(site: Site, tmp_path: Path, room: RoomPeer):
    config = write_config(site, tmp_path / "draining", site.certificate(DEVICE), drain_s=20)
    vision = VisionEnd(config)
    link = LinkProcess(config)
    vision.open_deployment(site)
    alert = new_alert(site, 1)
    vision.send(alert)
    room.wait_alerts(alert.event_id)
    link.process.terminate()
    room.acknowledge(alert.event_id)
    assert link.terminate() == 0
    assert room.wait_state("closed")
    vision.close()


def test_a_killed_link_is_seen_by_its_last_will(site: Site, config: Path, vision: VisionEnd, room: RoomPeer):
    link = LinkProcess(config)
    vision.send(wire.StateChanged("watching"))
    birth = room.wait_state("watching")
    link.kill()
    will = room.wait_state("lost")
    assert will == {"device": DEVICE, "session_seq": birth["session_seq"], "state": "lost"}


def test_each_connection_has_a_higher_session_number(site: Site, config: Path, vision: VisionEnd, room: RoomPeer):
    numbers = []
    for run, state in enumerate(("standby", "watching"), start=1):
        with running_link(config):
            vision.attachments.wait(lambda items, run=run: len(items) == run, "attached")
            vision.send(wire.StateChanged(state))
            numbers.append(room.wait_state(state)["session_seq"])
    assert numbers[0] < numbers[1]


def test_a_vision_that_leaves_is_said_and_its_return_too(site: Site, config: Path, vision: VisionEnd, room: RoomPeer):
    with running_link(config):
        vision.send(wire.StateChanged("watching"))
        room.wait_state("watching")
        vision.drop()
        room.wait_state("vision_gone")
        vision.send(wire.StateChanged("standby"))
        room.wait_state("standby")


def test_health_passes_while_connected(site: Site, config: Path, vision: VisionEnd, room: RoomPeer):
    with running_link(config):
        vision.wait_status(lambda status: status.connected)
        vision.send(wire.Health(b'{"beat":1}'))
        topic = device_topic(FLEET, DEVICE, HEALTH)
        room.heard.wait(lambda items: any(each.topic == topic for each in items), "health")


def test_a_file_of_the_repository_is_fetched_each_time_it_is_asked_for(site: Site, config: Path, vision: VisionEnd):
    admin = Peer(site, site.certificate(ADMIN))
    admin.publish(repo_topic(FLEET, f"devices/{DEVICE}/order"), b"an order", retain=True)
    with running_link(config):
        for request_id in (1, 2):
            assert vision.fetch(request_id, f"devices/{DEVICE}/order") == wire.FileContent(request_id, b"an order")
    admin.close()


def test_a_file_that_is_not_there_is_absent_in_bounded_time(site: Site, config: Path, vision: VisionEnd):
    with running_link(config):
        vision.wait_status(lambda status: status.connected)
        answer = vision.fetch(1, "watchlists/none/0000")
        assert isinstance(answer, wire.FileAbsent)
        assert "not there" in answer.why


@pytest.mark.parametrize(
    "name", ["../order", "devices/van-1/order\n", "devices/+/order", "#", "watchlists/#", "A", "a//b"]
)
def test_a_file_name_that_could_widen_a_topic_is_refused(site: Site, config: Path, vision: VisionEnd, name: str):
    with running_link(config):
        answer = vision.fetch(1, name)
        assert isinstance(answer, wire.FileAbsent)
        assert "file name" in answer.why


def test_the_status_file_says_how_link_fares(site: Site, config: Path, vision: VisionEnd):
    with running_link(config):
        vision.wait_status(lambda status: status.connected)
    status = json.loads((config.parent / "state" / "link" / "status.json").read_text())
    assert status["broker"] == f"localhost:{site.broker.port}"
    assert status["state"] == "closed"
    assert {"queued", "expired", "receipts_refused", "last_error", "since_utc"} <= set(status)
    assert SystemClock().now_utc().strftime("%Y") in status["written_at_utc"]


def test_a_full_outbox_commits_what_it_refused_once_there_is_room(site: Site, tmp_path: Path, room: RoomPeer):
    config = write_config(site, tmp_path / "small", site.certificate(DEVICE), rows_max=10, drain_s=0)
    vision = VisionEnd(config)
    alerts = [new_alert(site, number) for number in range(11)]
    with running_link(config):
        vision.open_deployment(site)
        vision.send(*alerts)
        vision.wait_status(lambda status: "outbox full: 1" in status.detail)
        assert wire.Committed(alerts[10].event_id) not in vision.messages.all()
        room.wait_alerts(*(each.event_id for each in alerts[:10]))
        room.acknowledge(*(each.event_id for each in alerts[:10]))
        vision.wait_status(lambda status: status.queued == 0)
        # Link closes the pipe; vision, told by that, tells everything again.
        vision.attachments.wait(lambda items: len(items) == 2, "attached again")
        vision.send(alerts[10])
        vision.wait_committed(alerts[10].event_id)
    vision.close()
