"""The fields of documents: what each accepts is what its specification says, and no more."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from pydantic import ValidationError

from edge.formats.documents import Document
from tests.made_documents import alert, each_type, health, match, order, receipt, record, statistics

NO_IDS = ("", "UP", "-a", "a_b", "a/b", "a" * 49, "a\n", "å", "+", 7, None)
NO_HASHES = ("", "ab" * 31, "ab" * 33, "AB" * 32, "zz" * 32, "ab" * 32 + "\n", 0)
NO_TIMES = (
    "",
    "2026-03-01T12:00:00Z",
    "2026-03-01 12:00:00.000Z",
    "2026-03-01T12:00:00.000Z\n",
    "٢٠٢٦-03-01T12:00:00.000Z",
)
NO_COUNTS = (-1, 2**53, 1.0, True, "1", None)
NO_EVENT_IDS = (
    "",
    "01890a5d-ac96-474b-bcce-b302099a8057",
    "01890a5d-ac96-774b-0cce-b302099a8057",
    "01890A5D-AC96-774B-BCCE-B302099A8057",
    "01890a5dac96774bbcceb302099a8057",
    "{01890a5d-ac96-774b-bcce-b302099a8057}",
)
NO_BASE64 = ("AA=A", "A===", "A_", "A-", "AA\n", "AA AA", None)
NO_SIMILARITIES = (-1.01, 1.01, float("nan"), float("inf"), "0.5", True)

FIELDS: tuple[tuple[Callable[..., Document], str, tuple[Any, ...]], ...] = (
    (order, "deployment", NO_IDS),
    (order, "fleet", NO_IDS),
    (order, "pack_sha256", NO_HASHES),
    (order, "room_receipt_key_hex", NO_HASHES),
    (order, "not_before_utc", NO_TIMES),
    (order, "vans", ({}, {"UP": "0a" * 16}, {"van-1": "0A" * 16}, {"van-1": "0a" * 16, "van-2": "0a" * 16}, [])),
    (order, "threshold_backend", ("litert", "litert/int4", "/int8", "lite rt/int8", "litert/int8/int8")),
    (order, "similarity_threshold", (0, 1, 0.0, 1.0, -0.1, float("nan"), "0.5", True)),
    (order, "alert_retention_h", (0, 744.1, float("inf"))),
    (alert, "event_id", NO_EVENT_IDS),
    (alert, "sequence", NO_COUNTS),
    (alert, "decided_at_utc", NO_TIMES),
    (alert, "sealed", NO_BASE64),
    (alert, "device", NO_IDS),
    (record, "kind", ("deployment", "", None)),
    (record, "statistics", ({}, None)),
    (record, "watchlist_sha256", NO_HASHES),
    (health, "session", NO_IDS),
    (health, "deployment", ("", "UP")),
    (health, "beat", NO_COUNTS),
    (health, "frames_per_s", (-0.1, 1e6, float("nan"), float("inf"), "15")),
    (receipt, "received", ([], ["x"], [NO_EVENT_IDS[1]], ["01890a5d-ac96-774b-bcce-b302099a8057"] * 501)),
    (receipt, "device", NO_IDS),
    (match, "entry_id", ("", "0" * 31, "0" * 33, "A" * 32, "0" * 32 + "\n")),
    (match, "similarity", NO_SIMILARITIES),
    (match, "threshold", NO_SIMILARITIES),
    (match, "frames_fused", (0, 1001, 1.0, True)),
    (match, "taken_s", (-0.1, 1e9, float("nan"))),
    (match, "stage_ms", ({"detect": -0.1}, {"detect": 1e12}, {"detect": "1"}, {1: 1.0}, [])),
    (match, "crop_width_px", (0, 4097, 1.5)),
    (statistics, "alerts", NO_COUNTS),
    (statistics, "frames_dropped", ({"detect": -1}, {"detect": 0.5}, {1: 1}, [])),
    (statistics, "latency_ms", ({"count": 1, "p50": -1.0, "p99": None}, {"count": 1, "p50": 1.0})),
)


@pytest.mark.parametrize(
    ("make", "field", "value"), [(make, field, value) for make, field, values in FIELDS for value in values]
)
def test_value_out_of_bounds_is_refused_by_the_name_of_its_field(make, field: str, value):
    with pytest.raises(ValidationError) as refusal:
        make(**{field: value})
    assert {str(item["loc"][0]) for item in refusal.value.errors()} == {field}


@pytest.mark.parametrize(
    "document", [*each_type(), match(), statistics()], ids=lambda document: type(document).__name__
)
def test_required_fields_are_needed_and_unknown_ones_refused(document: Document):
    fields = document.model_dump(mode="json")
    for name in (name for name, field in type(document).model_fields.items() if field.is_required()):
        rest = {key: value for key, value in fields.items() if key != name}
        with pytest.raises(ValidationError, match=name):
            type(document).model_validate(rest)
    with pytest.raises(ValidationError, match="colour"):
        type(document).model_validate({**fields, "colour": "grey"})


@pytest.mark.parametrize("document", each_type(), ids=lambda document: type(document).__name__)
def test_no_document_can_be_read_as_another_type(document: Document):
    fields = document.model_dump(mode="json")
    for other in each_type():
        if type(other) is not type(document):
            with pytest.raises(ValidationError):
                type(other).model_validate(fields)


@pytest.mark.parametrize("document", each_type(), ids=lambda document: type(document).__name__)
def test_document_cannot_be_changed_once_made(document: Document):
    with pytest.raises(ValidationError, match="frozen"):
        document.fleet = "fleet-2"  # type: ignore[attr-defined]
