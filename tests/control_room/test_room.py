"""The room without a broker: stored, receipted, shown once, and nothing missing unsaid."""

from __future__ import annotations

import json
import sqlite3

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from control_room.errors import StoreUnusable
from control_room.store import Store
from edge.formats.topics import STATE
from tests.control_room.van import ENTRY_IDS, Bench, face_jpeg


@pytest.fixture
def bench(tmp_path):
    return Bench(tmp_path)


def test_an_alert_is_stored_receipted_and_shown_with_both_pictures(bench):
    (receipt,) = bench.take(bench.van.alert())
    bench.show()
    ((alert, again),) = bench.screen.alerts
    assert (alert.reference, alert.entry_id, again) == ("entry 1", ENTRY_IDS[0], False)
    assert receipt.received == [alert.event_id]
    assert receipt.device == "van-1"
    assert alert.crop.size == (96, 112)
    assert alert.photograph.size == (200, 240)
    assert (alert.similarity, alert.threshold, alert.frames_fused, alert.latency_ms) == (0.7125, 0.55, 3, 21.25)
    assert list(alert.stage_ms) == ["detect", "embed", "search", "seal"]


def test_the_saved_line_has_every_field_and_the_crop_as_it_came(bench):
    bench.take(bench.van.alert())
    bench.show()
    (line,) = bench.saved_alerts()
    assert set(line) == {
        *("event_id", "device", "deployment", "sequence", "reference", "entry_id", "category", "response"),
        *("similarity", "threshold"),
        *("frames_fused", "taken_s", "face_px", "latency_ms", "stage_ms", "decided_at_utc", "received_at_utc", "crop"),
    }
    assert (bench.folder / "saved" / line["crop"]).read_bytes() == face_jpeg()


def test_a_duplicate_is_receipted_again_and_not_shown_again(bench):
    message = bench.van.alert()
    first, second = bench.take(message), bench.take(message)
    bench.show()
    assert first[0].received == second[0].received
    assert len(bench.screen.alerts) == 1
    assert len(bench.saved_alerts()) == 1


def test_receipts_are_batched_per_van(bench):
    messages = [bench.van.alert() for _ in range(3)] + [bench.other.alert()]
    receipts = bench.take(*messages)
    assert sorted((receipt.device, len(receipt.received)) for receipt in receipts) == [("van-1", 3), ("van-2", 1)]


def test_no_receipt_is_given_before_the_event_is_durable(bench):
    other = sqlite3.connect(bench.folder / "room.sqlite")
    bench.room.take(*bench.van.alert())
    assert other.execute("SELECT count(*) FROM events").fetchone() == (0,)
    bench.room.settle()
    assert other.execute("SELECT count(*) FROM events").fetchone() == (1,)
    other.close()


def test_the_store_holds_the_sealed_event_and_never_the_crop(bench):
    topic, payload = bench.van.alert()
    bench.take((topic, payload))
    bench.show()
    bench.store.close()
    on_disk = (bench.folder / "room.sqlite").read_bytes()
    assert face_jpeg()[100:400] not in on_disk
    assert ENTRY_IDS[0].encode() not in on_disk
    assert payload in on_disk or len(payload) > 4000  # long blobs are cut into sqlite's pages


# Killed with -9


def test_killed_before_settling_nothing_is_lost_for_the_van_was_not_told(bench):
    message = bench.van.alert()
    bench.room.take(*message)
    bench.kill()
    bench.start()
    bench.show()
    assert bench.screen.alerts == []
    bench.take(message)
    bench.show()
    assert len(bench.screen.alerts) == 1


def test_killed_between_receipt_and_showing_it_is_shown_at_the_next_start(bench):
    bench.take(bench.van.alert())
    bench.kill()
    bench.start()
    bench.show()
    assert [again for _, again in bench.screen.alerts] == [False]
    assert len(bench.saved_alerts()) == 1


class _Killed(Exception):
    """Stands for the kill: nothing after it runs."""


@pytest.mark.parametrize("moment", ["begin_showing", "add_alert", "alert", "end_showing"])
@pytest.mark.parametrize("after", [False, True])
def test_killed_at_any_step_of_showing_it_is_recorded_once_and_never_missed(bench, monkeypatch, moment, after):
    message = bench.van.alert()
    bench.take(message)
    owner = {"add_alert": bench.room._saved, "alert": bench.screen}.get(moment, bench.store)
    real = getattr(owner, moment)

    def dies(*arguments):
        if after:
            real(*arguments)
        raise _Killed

    monkeypatch.setattr(owner, moment, dies)
    with pytest.raises(_Killed):
        bench.show()
    shown_before = len(bench.screen.alerts)
    bench.kill()
    bench.start()
    bench.take(message)
    bench.show()
    assert len(bench.saved_alerts()) == 1
    assert shown_before + len(bench.screen.alerts) >= 1
    for _, again in bench.screen.alerts:
        assert again or shown_before == 0
    finished = moment == "end_showing" and after
    assert len(bench.screen.alerts) == (0 if finished else 1)


def test_a_torn_last_line_is_dropped_and_written_whole(bench):
    bench.take(bench.van.alert(), bench.van.alert())
    bench.show()
    path = bench.folder / "saved/alerts.jsonl"
    whole = path.read_bytes()
    first = whole.splitlines(keepends=True)[0]
    second_id = bench.saved_alerts()[1]["event_id"]
    bench.kill()
    for cut in (len(first) + 1, len(whole) - 1):
        path.write_bytes(whole[:cut])
        bench.start()
        assert path.read_bytes() == first
        bench.store._db.execute("UPDATE events SET shown = 1 WHERE event_id = ?", (second_id,))
        bench.show()
        assert path.read_bytes() == whole
        bench.kill()


def test_with_the_store_lost_the_saved_folder_still_takes_no_alert_twice(bench):
    message = bench.van.alert()
    bench.take(message)
    bench.show()
    bench.kill()
    for path in bench.folder.glob("room.sqlite*"):
        path.unlink()
    bench.start()
    bench.take(message)
    bench.show()
    assert len(bench.saved_alerts()) == 1


def test_a_store_that_is_no_database_is_refused_with_what_to_do(tmp_path):
    (tmp_path / "room.sqlite").write_bytes(b"not a database at all" * 100)
    with pytest.raises(StoreUnusable, match="move it away"):
        Store(tmp_path / "room.sqlite")


def test_with_a_full_disk_no_receipt_is_given(bench):
    (pages,) = bench.store._db.execute("PRAGMA page_count").fetchone()
    bench.store._db.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StoreUnusable, match="disk is full"):
        bench.take(*[bench.van.alert() for _ in range(5)])


# Gaps, states, silence


def test_a_gap_is_told_and_closes_when_the_late_ones_arrive(bench):
    messages = [bench.van.alert() for _ in range(8)]
    bench.take(*messages[:5], messages[7])
    assert bench.screen.of("gap") == ["van-1, deployment-1: 2 alerts between 5 and 8 have not arrived yet"]
    bench.take(messages[6])
    assert bench.screen.of("gap")[-1].endswith("1 alert between 5 and 7 has not arrived yet")
    bench.take(messages[5])
    assert bench.screen.of("gap")[-1] == "van-1, deployment-1: nothing is missing any more"


def test_gaps_are_told_again_after_a_restart(bench):
    messages = [bench.van.alert() for _ in range(3)]
    bench.take(messages[0], messages[2])
    bench.kill()
    bench.start()
    bench.take()
    assert bench.screen.of("gap") == ["van-1, deployment-1: 1 alert between 1 and 3 has not arrived yet"]


def test_an_alert_named_by_two_heartbeats_and_not_here_is_missing(bench):
    bench.take(bench.van.alert())
    bench.van.alert()
    bench.take(bench.van.heartbeat())
    assert bench.screen.of("gap") == []
    bench.clock.advance(5)
    bench.take(bench.van.heartbeat())
    assert bench.screen.of("gap") == ["van-1, deployment-1: 1 alert after 1 has not arrived yet"]


def test_the_count_goes_on_from_deployment_to_deployment_without_a_gap(bench):
    bench.take(bench.van.alert(), bench.van.alert())
    bench.take(bench.van.alert(deployment="deployment-2"))
    assert bench.screen.of("gap") == []


def test_a_record_is_saved_told_and_receipted_and_counts_in_the_sequence(bench):
    bench.take(bench.van.alert())
    (receipt,) = bench.take(bench.van.record(), bench.van.alert())
    bench.show()
    assert len(receipt.received) == 2
    assert bench.screen.of("gap") == []
    (told,) = bench.screen.of("record")
    assert "4 faces seen" in told
    (line,) = (bench.folder / "saved/records.jsonl").read_text().splitlines()
    assert json.loads(line)["statistics"]["faces_seen"] == 4


def test_a_lost_van_is_told_once(bench):
    for state in ("watching", "lost", "lost"):
        payload = json.dumps({"device": "van-1", "session_seq": 1, "state": state}).encode()
        bench.take((bench.van.topic(STATE), payload))
    assert bench.screen.of("state") == ["van-1: watching", "van-1: lost (the broker lost its connection)"]


def test_silence_of_more_than_three_intervals_is_told_once_and_its_end_too(bench):
    bench.take(bench.van.heartbeat(), bench.other.heartbeat())
    bench.clock.advance(14)
    bench.take(bench.other.heartbeat())
    bench.room.tick(connected=True)
    assert bench.screen.of("heartbeat") == []
    bench.clock.advance(2)
    bench.room.tick(connected=True)
    bench.room.tick(connected=True)
    assert bench.screen.of("heartbeat") == ["van-1: silent, no heartbeat for 16 s"]
    bench.take(bench.van.heartbeat())
    assert bench.screen.of("heartbeat")[1:] == ["van-1: heard again after 16 s"]


def test_a_room_cut_off_from_the_broker_calls_no_van_silent(bench):
    bench.clock.advance(100)
    bench.room.tick(connected=False)
    bench.room.listen_again()
    bench.room.tick(connected=True)
    assert bench.screen.of("heartbeat") == []


def test_health_is_saved_per_van(bench):
    bench.take(bench.van.heartbeat(), bench.other.heartbeat())
    health = json.loads((bench.folder / "saved/health.json").read_text())
    assert set(health) == {"van-1", "van-2"}


# Retention


def test_past_retention_rows_lines_and_crops_are_deleted_and_counted(bench):
    message = bench.van.alert()
    bench.take(message)
    bench.show()
    bench.clock.advance(20 * 3600)
    bench.take(bench.van.alert())
    bench.show()
    bench.clock.advance(5 * 3600)
    bench.room.tick(connected=True)
    assert bench.screen.of("retention") == ["1 events and 1 crops past 24 h deleted"]
    assert [line["sequence"] for line in bench.saved_alerts()] == [2]
    assert len(list((bench.folder / "saved/crops").iterdir())) == 1
    bench.take(message)
    bench.show()
    assert len(bench.screen.alerts) == 2, "a late copy of a deleted alert is still known"
    assert bench.screen.of("gap") == []


def test_forgotten_events_leave_no_gap_behind(bench):
    bench.take(*[bench.van.alert() for _ in range(3)])
    bench.show()
    bench.clock.advance(40 * 24 * 3600)
    bench.room.tick(connected=True)
    bench.store.close()
    bench.start()
    bench.take(bench.van.alert())
    assert bench.screen.of("gap") == []


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    topic=st.one_of(
        st.text(max_size=60),
        st.sampled_from(["alerts", "records", "health", "state"]).map(
            lambda channel: f"lfr/v1/test-fleet/devices/van-1/{channel}"
        ),
    ),
    payload=st.one_of(
        st.binary(max_size=400),
        st.recursive(
            st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=20),
            lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
            max_leaves=12,
        ).map(lambda value: json.dumps(value).encode()),
    ),
)
def test_whatever_comes_the_room_goes_on(bench, topic, payload):
    bench.take((topic, payload))
    before = len(bench.screen.alerts)
    bench.take(bench.van.alert())
    bench.show()
    assert len(bench.screen.alerts) == before + 1
