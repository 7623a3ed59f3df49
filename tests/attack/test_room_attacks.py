"""Attacks on what the control room takes in, each by its name: refused, counted, and the room goes on."""

from __future__ import annotations

import json
import os

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge.formats.topics import ALERTS, RECORDS
from edge.trust.documents import canonical
from edge.trust.keys import seal_public_hex
from tests.control_room.van import Bench


@pytest.fixture
def bench(tmp_path):
    return Bench(tmp_path)


def reasons(bench: Bench) -> str:
    return "\n".join(bench.screen.of("refused"))


# Signature and place


def test_alert_signed_by_another_van(bench):
    with bench.refuses_all():
        document = bench.van.alert_document()
        assert bench.take((bench.van.topic(ALERTS), bench.van.event(document, "alert", key=bench.other.key))) == []
    assert "none of the 1 keys" in reasons(bench)


def test_alert_signed_by_nobody_we_know(bench):
    with bench.refuses_all():
        document = bench.van.alert_document()
        stranger = Ed25519PrivateKey.generate()
        assert bench.take((bench.van.topic(ALERTS), bench.van.event(document, "alert", key=stranger))) == []


def test_alert_of_another_van_on_this_vans_topic(bench):
    with bench.refuses_all():
        assert bench.take((bench.van.topic(ALERTS), bench.other.alert()[1])) == []


def test_alert_that_names_another_van_than_its_signer(bench):
    with bench.refuses_all():
        assert bench.take(bench.van.alert(device="van-2")) == []
    assert "signed as van-2, sent on the topic of van-1" in reasons(bench)


def test_alert_of_another_fleet(bench):
    with bench.refuses_all():
        assert bench.take(bench.van.alert(fleet="other-fleet")) == []


def test_alert_on_the_topic_of_records(bench):
    with bench.refuses_all():
        assert bench.take((bench.van.topic(RECORDS), bench.van.alert()[1])) == []


@pytest.mark.parametrize("topic", ["lfr/v1/other/devices/van-1/alerts", "lfr/v1/test-fleet/devices/van-9/alerts", "x"])
def test_alert_on_a_topic_that_is_not_this_rooms(bench, topic):
    with bench.refuses_all():
        assert bench.take((topic, bench.van.alert()[1])) == []


def test_record_signed_by_another_van(bench):
    _, payload = bench.other.record()
    bench.take((bench.van.topic(RECORDS), payload))
    bench.show()
    assert bench.screen.of("record") == []
    assert bench.room._refusals.total == 1


# Bytes


@pytest.mark.parametrize(
    ("name", "spoil"),
    [
        ("duplicate key", lambda data: data.replace(b'"fleet":', b'"device":"van-1","fleet":', 1)),
        ("NaN", lambda data: data.replace(b'"sequence":1', b'"sequence":NaN')),
        ("non-canonical space", lambda data: data.replace(b'"sequence":1', b'"sequence": 1')),
        ("number of five thousand digits", lambda data: data.replace(b'"sequence":1', b'"sequence":' + b"1" * 5000)),
        ("oversize", lambda data: data + b" " * 40_000),
        ("cut short", lambda data: data[:-10]),
        ("nothing", lambda data: b""),
        ("deep nesting", lambda data: b"[" * 20_000),
        ("no text", lambda data: os.urandom(2000)),
        ("unknown field outside the signature", lambda data: data.replace(b'{"data"', b'{"aaa":1,"data"')),
    ],
)
def test_malformed_alert(bench, name, spoil):
    topic, payload = bench.van.alert()
    with bench.refuses_all():
        assert bench.take((topic, spoil(payload))) == [], name
    bench.take((topic, payload))
    bench.show()
    assert len(bench.screen.alerts) == 1, "the true one still comes through"


def test_altered_ciphertext_breaks_the_signature(bench):
    topic, payload = bench.van.alert()
    event = json.loads(payload)
    sealed = event["data"]["signed"]["sealed"]
    event["data"]["signed"]["sealed"] = sealed[:100] + ("A" if sealed[100] != "A" else "B") + sealed[101:]
    with bench.refuses_all():
        assert bench.take((topic, canonical(event))) == []
    assert "does not fit the document" in reasons(bench)


def test_altered_outside_of_the_event_changes_nothing_that_is_believed(bench):
    topic, payload = bench.van.alert()
    event = json.loads(payload)
    event |= {"id": "elsewhere", "time": "never", "source": "\x1b[2J"}
    bench.take((topic, canonical(event)), (topic, payload))
    bench.show()
    assert len(bench.screen.alerts) == 1
    assert "elsewhere" not in json.dumps(bench.saved_alerts())


def test_time_that_is_no_time(bench):
    with bench.refuses_all():
        assert bench.take(bench.van.alert(decided_at_utc="2026-13-45T99:99:99.000Z")) == []


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(at=st.integers(min_value=0, max_value=10_000), bit=st.integers(min_value=0, max_value=7))
def test_any_flipped_bit_of_an_alert_is_refused_or_outside_the_signature(bench, at, bit):
    topic, payload = bench.van.alert()
    spoiled = bytearray(payload)
    spoiled[at % len(payload)] ^= 1 << bit
    true_id = json.loads(payload)["data"]["signed"]["event_id"]
    for receipt in bench.take((topic, bytes(spoiled))):
        assert receipt.received == [true_id]


# Replay


def test_replay_with_another_sequence_by_someone_without_the_key(bench):
    topic, payload = bench.van.alert()
    bench.take((topic, payload))
    bench.show()
    with bench.refuses_all():
        assert bench.take((topic, payload.replace(b'"sequence":1', b'"sequence":2'))) == []


def test_same_event_id_with_other_content_signed_by_the_van(bench):
    document = bench.van.alert_document()
    bench.take((bench.van.topic(ALERTS), bench.van.event(document, "alert")))
    bench.show()
    with bench.refuses_all():
        assert bench.take(bench.van.alert(event_id=document.event_id, sequence=2)) == []
    assert "already here with another content" in reasons(bench)
    assert [line["sequence"] for line in bench.saved_alerts()] == [1]


def test_event_id_of_another_van_taken_first(bench):
    document = bench.van.alert_document()
    bench.take(bench.other.alert(event_id=document.event_id))
    assert bench.take((bench.van.topic(ALERTS), bench.van.event(document, "alert"))) == []
    bench.show()
    assert [alert.device for alert, _ in bench.screen.alerts] == ["van-2"]
    assert bench.room._refusals.total == 1


def test_one_sequence_used_for_two_alerts_shows_both_and_says_so(bench):
    bench.take(bench.van.alert(sequence=1), bench.van.alert(sequence=1))
    bench.show()
    assert len(bench.screen.alerts) == 2
    assert "used by two events" in reasons(bench)


def test_sequence_number_as_far_as_numbers_go_costs_no_memory(bench):
    bench.take(bench.van.alert(sequence=2**53 - 1))
    (told,) = bench.screen.of("gap")
    assert f"{2**53 - 2} alerts before {2**53 - 1}" in told


def test_replayed_heartbeat_does_not_hide_silence(bench):
    old = bench.van.heartbeat()
    bench.take(old)
    bench.clock.advance(5)
    bench.take(bench.van.heartbeat())
    for _ in range(4):
        bench.clock.advance(5)
        bench.take(old)
        bench.room.tick(connected=True)
    assert any("silent" in text for text in bench.screen.of("heartbeat"))
    assert "not newer" in reasons(bench)


def test_heartbeat_of_an_earlier_session_replayed_after_a_restart_of_the_room(bench):
    old = bench.van.heartbeat()
    bench.clock.advance(5)
    bench.van.session = "s2"
    bench.take(old, bench.van.heartbeat())
    bench.store.close()
    bench.start()
    bench.take(old)
    assert "not newer" in reasons(bench)


# The seal and what is inside


def test_sealed_to_another_room_is_kept_receipted_counted_and_shown_once_the_key_is_right(bench):
    elsewhere = X25519PrivateKey.generate()
    with bench.refuses_all():
        (receipt,) = bench.take(bench.van.alert(seal_to_hex=seal_public_hex(elsewhere)))
    assert len(receipt.received) == 1
    assert "sealed box does not open" in reasons(bench)
    bench.store.close()
    bench.seal_key = elsewhere
    bench.start()
    bench.show()
    assert len(bench.screen.alerts) == 1


def test_sealed_part_moved_into_another_alert(bench):
    first = bench.van.alert_document()
    bench.take(bench.van.alert(sealed=first.sealed))
    bench.show()
    assert bench.screen.alerts == []
    assert "sealed box does not open" in reasons(bench)


@pytest.mark.parametrize("sealed", ["", "A", "AAAA", "A" * 20_000])
def test_sealed_part_that_is_nothing(bench, sealed):
    with bench.refuses_all():
        bench.take(bench.van.alert(sealed=sealed))
    bench.take(bench.van.alert())
    bench.show()
    assert len(bench.screen.alerts) == 1


def test_unknown_entry_is_shown_as_unknown_and_counted(bench):
    bench.take(bench.van.alert(entry_id="f" * 32))
    bench.show()
    ((alert, _),) = bench.screen.alerts
    assert (alert.reference, alert.photograph) == (None, None)
    assert alert.crop is not None
    assert "entry unknown to this room" in reasons(bench)


# Floods


def test_flood_of_different_refusals_is_bounded_in_memory_and_on_the_screen(bench):
    for number in range(3000):
        bench.room.take(f"lfr/v1/test-fleet/devices/d{number}/alerts", b"")
    assert len(bench.room._refusals.all()) <= 201
    assert len(bench.screen.of("refused")) < 230
    bench.room.tick(connected=True)
    lines = [json.loads(line) for line in (bench.folder / "saved/refused.jsonl").read_text().splitlines()]
    assert sum(line["count"] for line in lines) == 3000


def test_flood_of_one_alert_is_receipted_and_shown_once(bench):
    message = bench.van.alert()
    receipts = bench.take(*[message] * 300)
    bench.show()
    assert [len(receipt.received) for receipt in receipts] == [1]
    assert len(bench.screen.alerts) == 1
