"""Sealing: what leaves is signed, numbered without gaps, and opens for the room alone."""

from __future__ import annotations

import base64
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from edge.errors import SealInvalid, SignatureInvalid
from edge.evidence.sequence import SequenceFile
from edge.evidence.statistics import Counters
from edge.formats.documents import AlertDocument, HealthDocument, RecordDocument
from edge.records import Alarm, Crop, Match
from edge.trust.documents import public_hex
from edge.trust.envelope import unwrap
from edge.trust.keys import seal_public_hex
from edge.trust.sealing import alert_context, unseal_match
from edge.vision.seal import RecordScope, Sealer
from tests.fake_clock import FakeClock
from tests.made_documents import order
from tests.vision.made import entry_of, face_at

FLEET, DEVICE = "fleet-1", "van-1"
ROOM = X25519PrivateKey.generate()
SIGNING = Ed25519PrivateKey.generate()
TRUSTED = {public_hex(SIGNING)}
ORDER = order(room_seal_key_hex=seal_public_hex(ROOM), deployment="market", alert_retention_h=2.0)
SCOPE = RecordScope("market", "ab" * 32, "cd" * 32, 2.0)


def alarm(similarity: float = 0.71, jpeg: bytes = b"\xff\xd8 the crop") -> Alarm:
    match = Match(entry_of(3), similarity, 0.5, 4)
    return Alarm(match, face_at(12.34, 56.78, 40, frame_id=9), Crop(jpeg, 64, 80), 3.25, 1000.0, {})


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def sealer(tmp_path: Path, clock: FakeClock) -> Sealer:
    return Sealer(FLEET, DEVICE, SIGNING, SequenceFile(tmp_path / "sequence"), clock)


def opened(payload: bytes, key: X25519PrivateKey = ROOM):
    document = unwrap(payload, AlertDocument, TRUSTED)
    context = alert_context(FLEET, DEVICE, document.deployment, document.event_id, document.sequence)
    return unseal_match(base64.b64decode(document.sealed), key, context)


def test_the_room_opens_the_whole_match(sealer):
    match, jpeg = opened(sealer.seal_alert(ORDER, alarm(), {"detect": 12.345, "search": 40.0}).payload)
    assert jpeg == b"\xff\xd8 the crop"
    assert (match.entry_id, match.similarity, match.threshold, match.frames_fused) == (entry_of(3), 0.71, 0.5, 4)
    assert (match.frame_id, match.taken_s) == (9, 3.25)
    assert (match.face_px.left, match.face_px.top) == (12.3, 56.8)
    assert match.stage_ms == {"detect": 12.35, "search": 40.0}
    assert (match.crop_width_px, match.crop_height_px) == (64, 80)


def test_nobody_but_the_room_opens_it(sealer):
    payload = sealer.seal_alert(ORDER, alarm(), {}).payload
    with pytest.raises(SealInvalid):
        opened(payload, X25519PrivateKey.generate())


def test_the_outside_says_neither_whom_nor_how_alike(sealer):
    message = sealer.seal_alert(ORDER, alarm(), {})
    assert entry_of(3).encode() not in message.payload
    assert b"similarity" not in message.payload
    assert set(json.loads(message.payload)["data"]["signed"]) == {
        *("type", "event_id", "fleet", "device", "deployment", "sequence", "decided_at_utc", "sealed")
    }


def test_alerts_of_all_matches_with_small_crops_are_of_one_length(sealer):
    sizes = {
        len(opened_box(sealer, alarm(similarity, bytes(size))))
        for similarity, size in ((0.5, 10), (0.912345, 2000), (1.0, 3000))
    }
    assert len(sizes) == 1


def opened_box(sealer: Sealer, made: Alarm) -> bytes:
    return base64.b64decode(unwrap(sealer.seal_alert(ORDER, made, {}).payload, AlertDocument, TRUSTED).sealed)


def test_an_alert_is_signed_by_this_box(sealer):
    with pytest.raises(SignatureInvalid):
        unwrap(sealer.seal_alert(ORDER, alarm(), {}).payload, AlertDocument, {public_hex(Ed25519PrivateKey.generate())})


def test_sequence_numbers_have_no_gaps_over_alerts_and_records(sealer):
    messages = [
        sealer.seal_alert(ORDER, alarm(), {}),
        sealer.record_statistics(SCOPE, Counters().snapshot(), 3),
        sealer.seal_alert(ORDER, alarm(), {}),
    ]
    assert [message.sequence for message in messages] == [1, 2, 3]
    assert sealer.last_sequence == 3
    assert [json.loads(message.payload)["data"]["signed"]["sequence"] for message in messages] == [1, 2, 3]


def test_threads_never_share_a_number_or_an_id(sealer):
    with ThreadPoolExecutor(4) as pool:
        messages = list(pool.map(lambda _: sealer.seal_alert(ORDER, alarm(), {}), range(40)))
    assert sorted(message.sequence for message in messages) == list(range(1, 41))
    assert len({message.event_id for message in messages}) == 40


def test_a_similarity_that_rounding_carried_over_1_is_no_crash(sealer):
    match, _ = opened(sealer.seal_alert(ORDER, alarm(similarity=1.0000002), {}).payload)
    assert match.similarity == 1.0


def test_a_camera_whose_time_is_before_its_origin_is_no_crash(sealer):
    match, _ = opened(sealer.seal_alert(ORDER, replace(alarm(), taken_s=-0.5), {}).payload)
    assert match.taken_s == 0


def test_the_largest_crop_there_is_fits_an_event(sealer):
    made = alarm(jpeg=bytes(11 * 1024))
    message = sealer.seal_alert(ORDER, made, dict.fromkeys(("detect", "quality", "embed", "search"), 12345.67))
    assert len(message.payload) <= 32 * 1024


def test_an_alert_expires_when_the_order_s_retention_has_passed(sealer, clock):
    message = sealer.seal_alert(ORDER, alarm(), {})
    assert message.expires_at_utc == "2025-01-01T02:16:40.000Z"
    assert (message.channel, message.deployment) == ("alerts", "market")


def test_the_closing_record_says_what_was_in_force(sealer):
    counters = Counters()
    counters.alerted()
    message = sealer.record_statistics(SCOPE, counters.snapshot(), 3)
    record = unwrap(message.payload, RecordDocument, TRUSTED)
    assert (record.pack_sha256, record.watchlist_sha256, record.watchlist_entries) == ("ab" * 32, "cd" * 32, 3)
    assert record.statistics.alerts == 1
    assert message.channel == "records"


def test_a_heartbeat_is_signed_and_takes_no_number(sealer, clock):
    health = HealthDocument(
        type="health",
        fleet=FLEET,
        device=DEVICE,
        deployment=None,
        session="s1",
        beat=4,
        made_at_utc="2025-01-01T00:00:00.000Z",
        state="standby",
        last_sequence=0,
        frames_per_s=0.0,
        camera="closed",
        camera_retries=0,
        statistics=None,
        outbox_queued=0,
        outbox_expired=0,
    )
    assert unwrap(sealer.beat(health).payload, HealthDocument, TRUSTED) == health
    assert sealer.last_sequence == 0
