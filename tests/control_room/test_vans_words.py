"""What a van says about its order, its list and their end, as an operator is told it."""

from __future__ import annotations

from typing import Any

import pytest

from control_room.deletion import in_words
from control_room.sheet import SheetCard
from edge.clock import utc_text
from edge.formats.documents import HealthDocument
from edge.formats.receipts import STEPS, DeletionReceipt, LinkDeleted, StepDone, VisionDeleted
from edge.formats.topics import FROM_VANS, HEALTH, RECORDS
from edge.trust.envelope import unwrap
from tests.control_room.test_present import screen_of, shown
from tests.control_room.van import DEPLOYMENT, FLEET, Bench


@pytest.fixture
def bench(tmp_path):
    return Bench(tmp_path)


def receipt(bench: Bench, vision: dict[str, Any] | None = None, **changes: Any) -> DeletionReceipt:
    bench.van.sequence += 1
    now = utc_text(bench.clock.now_utc())
    destroyed: dict[str, Any] = {
        "entries_overwritten": 3,
        "bytes_overwritten": 3120,
        "recipient_destroyed": "ab" * 16,
        "key_store": "tpm-nv",
        "files_deleted": 5,
        "steps": [StepDone(step=step, done_at_utc=now) for step in STEPS],
    }
    fields: dict[str, Any] = {
        "type": "record",
        "kind": "deletion_receipt",
        "event_id": bench.van.ids.next(bench.clock.now_utc()),
        "fleet": FLEET,
        "device": "van-1",
        "deployment": DEPLOYMENT,
        "sequence": bench.van.sequence,
        "made_at_utc": now,
        "software_version": "0.1.0",
        "closed_because": "close",
        "vision": VisionDeleted(**{**destroyed, **(vision or {})}),
        "link": LinkDeleted(files_deleted=12, bytes_deleted=40_000, reported_at_utc=now),
        "not_covered": ["broker", "flash_remanence"],
    }
    return DeletionReceipt(**{**fields, **changes})


def sent(bench: Bench, document: DeletionReceipt) -> tuple[str, bytes]:
    return bench.van.topic(RECORDS), bench.van.event(document, "record")


def beats(bench: Bench, **changes: Any) -> tuple[str, bytes]:
    bench.clock.advance(5)
    _, payload = bench.van.heartbeat()
    document = unwrap(payload, HealthDocument, {bench.van.public_hex}).model_copy(update=changes)
    return bench.van.topic(HEALTH), bench.van.event(document, "health")


def test_a_deletion_receipt_is_stored_receipted_and_shown_with_both_halves_apart(bench):
    document = receipt(bench)
    (answer,) = bench.take(sent(bench, document))
    bench.show()
    assert answer.received == [document.event_id]
    told = bench.screen.of("deleted")
    assert any("vision overwrote 3 entries" in line and "abababab" in line and "tpm-nv" in line for line in told)
    assert any("link says that it deleted 12 files" in line for line in told)
    assert any("no receipt speaks for what a broker kept" in line for line in told)
    assert not bench.screen.of("not deleted")
    assert document.event_id in (bench.folder / "saved/records.jsonl").read_text()


def test_a_deletion_receipt_is_left_as_signed_where_the_fleet_takes_it_from(bench):
    document = receipt(bench)
    topic, event = sent(bench, document)
    bench.take((topic, event), bench.van.record())
    bench.show()
    left = [path for path in (bench.folder / "saved" / FROM_VANS).rglob("*") if path.is_file()]
    assert left == [bench.folder / "saved" / FROM_VANS / "van-1" / f"{document.event_id}.json"]
    assert unwrap(left[0].read_bytes(), DeletionReceipt, {bench.van.public_hex}) == document
    assert left[0].read_bytes() == event


def test_statistics_and_receipt_of_one_deployment_stand_beside_each_other(bench):
    bench.take(bench.van.record(), sent(bench, receipt(bench)))
    bench.show()
    assert len(bench.screen.of("record")) == 1
    assert bench.screen.of("deleted")
    assert len((bench.folder / "saved/records.jsonl").read_text().splitlines()) == 2


def test_a_receipt_that_waits_is_shown_after_a_restart(bench):
    bench.take(sent(bench, receipt(bench)))
    bench.kill()
    bench.start()
    bench.show()
    assert bench.screen.of("deleted")


@pytest.mark.parametrize(
    ("vision", "changes", "words"),
    [
        ({}, {"link": None}, "link reported nothing"),
        ({"key_store": "file"}, {}, "no TPM"),
        ({"steps": []}, {}, "lacks camera_closed"),
    ],
)
def test_what_was_not_destroyed_is_said_by_itself(bench, vision, changes, words):
    document = receipt(bench, vision, **changes)
    assert any(kind == "not deleted" and words in text for kind, text in in_words(document))


def test_steps_out_of_their_order_are_said(bench):
    now = utc_text(bench.clock.now_utc())
    steps = [StepDone(step=step, done_at_utc=now) for step in reversed(STEPS)]
    assert any("out of their order" in text for _, text in in_words(receipt(bench, {"steps": steps})))


def test_forged_kind_of_record_is_refused(bench):
    document = receipt(bench)
    with bench.refuses_all():
        bench.take((bench.van.topic(RECORDS), bench.van.event(document, "record", bench.other.key)))
        fields = document.model_copy(update={"kind": "deployment_statistics"})
        bench.take((bench.van.topic(RECORDS), bench.van.event(fields, "record")))


def test_a_suspended_van_says_why_once_and_when_it_is_over(bench):
    bench.take(beats(bench, suspended_because="the wall clock jumped by 3600 s", state="suspended"))
    bench.take(beats(bench, suspended_because="the wall clock jumped by 3600 s", state="suspended"))
    assert bench.screen.of("suspended") == ["van-1: suspended: the wall clock jumped by 3600 s"]
    bench.take(beats(bench))
    assert bench.screen.of("suspended")[1:] == ["van-1: no longer suspended"]


def test_a_stale_van_is_shown_as_such(bench):
    bench.take(beats(bench, repository_error="no timestamp since 12:00"))
    bench.take(beats(bench))
    first, second = bench.screen.of("stale")
    assert "no timestamp since 12:00" in first
    assert "again" in second


def test_the_list_in_force_is_told_when_it_changes(bench):
    force = {"order_version": 2, "watchlist_epoch": 1, "watchlist_sequence": 4}
    for _ in range(2):
        bench.take(beats(bench, in_force_since_utc="2026-03-01T12:00:05.000Z", **force))
    bench.take(beats(bench, **{**force, "watchlist_sequence": 5}))
    first, second = bench.screen.of("list")
    assert "order 2, watchlist epoch 1, item 4 in force since 2026-03-01T12:00:05.000Z" in first
    assert "item 5" in second


@pytest.mark.parametrize("response", ["red", "amber", "green"])
def test_an_alert_says_why_and_what_was_planned_in_words_on_a_colour(bench, response):
    output = shown(bench, "none", 100, category="missing_or_vulnerable", response=response)
    text = " ".join(" ".join(screen_of(output, 100).display).split())
    assert f"looked for missing or vulnerable planned response {response.upper()}" in text
    cells = [cell for row in screen_of(output, 100).buffer.values() for cell in row.values()]
    assert any(cell.bg != "default" for cell in cells)


def test_a_card_of_the_sheet_says_the_response_in_words(tmp_path):
    card = SheetCard("entry 1", 0.7, 0.55, None, None, category="wanted", response="red")
    assert card.planned[0] == "response RED, wanted by police or a court"
    assert SheetCard("entry 1", 0.7, 0.55, None, None).planned[0] == ""
