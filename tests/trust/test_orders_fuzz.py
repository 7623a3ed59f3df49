"""Whatever bytes come as an order, a policy, a close or a record: refused as our errors say, or what they seem."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.errors import LfrError, OrderInvalid, PolicyViolated
from edge.formats.documents import HealthDocument
from edge.formats.orders import Order
from edge.formats.policy import PolicyReference
from edge.formats.receipts import DeletionReceipt, KeyStock
from edge.trust.documents import canonical, document_sha256
from edge.trust.envelope import unwrap
from edge.trust.orders import OrderFloor, RoleSigners, VanFacts, open_close, open_order, read_order
from edge.trust.policy import ceilings_passed, hold_against, open_policy, read_policy
from tests import json_values
from tests.vectors import make_order_vectors as made
from tests.vectors import record_vectors as records
from tests.vectors.make_vectors import VAN, document, event, raw

FACTS = VanFacts(made.FLEET, made.DEVICE, made.PACK, made.BACKEND, frozenset({made.RECIPIENT}))
SIGNERS = RoleSigners(frozenset({made.OFFICER_ID, made.CUSTODIAN_ID}), 2)
POLICY = canonical(made.POLICY)
REFERENCE = PolicyReference(name="uk", version=1, sha256=made.POLICY_SHA256)
ORDER = read_order(canonical(made.ORDER))


FEW = settings(max_examples=25)


def opened(data: bytes) -> object:
    return open_order(data, made.DEPLOYMENT, FACTS, SIGNERS, OrderFloor(), lambda _: POLICY)


def event_of(kind: Any) -> Callable[[bytes], object]:
    return lambda data: unwrap(data, kind, {raw(VAN).hex()})


READERS: dict[str, tuple[Callable[[bytes], object], bytes]] = {
    "order": (opened, canonical(made.ORDER)),
    "policy": (lambda data: open_policy(data, REFERENCE), POLICY),
    "close": (lambda data: open_close(data, ORDER), canonical(document(made.CLOSE, made.CLOSER))),
    "stock": (event_of(KeyStock), canonical(records.carried(records.STOCK))),
    "deletion": (event_of(DeletionReceipt), canonical(records.carried(records.DELETION))),
    "health": (event_of(HealthDocument), canonical(records.carried(records.HEALTH))),
}


def refused_or_read(read: Callable[[bytes], object], data: bytes) -> bool:
    try:
        read(data)
    except LfrError:
        return False
    return True


@pytest.mark.parametrize("kind", READERS)
@given(data=json_values.nearly_json() | st.binary(max_size=200))
@FEW
def test_any_bytes_are_refused_as_our_errors_say(kind: str, data: bytes):
    assert not refused_or_read(READERS[kind][0], data)


@pytest.mark.parametrize("kind", READERS)
@given(at=st.integers(0, 10_000), piece=st.binary(max_size=3), taken=st.integers(0, 4))
@FEW
def test_bytes_changed_in_a_good_document_are_refused_or_change_nothing(kind: str, at: int, piece: bytes, taken: int):
    """An event may change outside its signature, and nothing of what is read does; an order is pinned by its role."""
    read, good = READERS[kind]
    at %= len(good) + 1
    data = good[:at] + piece + good[at + taken :]
    try:
        found = read(data)
    except LfrError:
        assert data != good
        return
    assert canonical(json.loads(data)) == data
    assert kind == "order" or found == read(good)


@pytest.mark.parametrize("name", sorted(made.ORDER))
@given(value=json_values.values())
@FEW
def test_any_value_in_any_field_of_an_order_is_refused_or_read_back_the_same(name: str, value: Any):
    data = canonical({**made.ORDER, name: value})
    try:
        order = read_order(data)
    except LfrError:
        return
    assert canonical(order.model_dump(mode="json")) == data


@pytest.mark.parametrize("name", sorted(made.POLICY))
@given(value=json_values.values())
@FEW
def test_any_value_in_any_field_of_a_policy_is_refused_or_read_back_the_same(name: str, value: Any):
    data = canonical({**made.POLICY, name: value})
    try:
        policy = read_policy(data)
    except LfrError:
        return
    assert canonical(policy.model_dump(mode="json")) == data


@pytest.mark.parametrize(
    ("fields", "kind"),
    [(records.STOCK, KeyStock), (records.DELETION, DeletionReceipt), (records.HEALTH, HealthDocument)],
)
@given(data=st.data())
@FEW
def test_any_value_in_any_field_that_a_van_signs_is_refused_or_read_back_the_same(fields, kind, data: st.DataObject):
    name = data.draw(st.sampled_from(sorted(fields)))
    signed = {**fields, name: data.draw(json_values.values())}
    try:
        read = unwrap(canonical(event(json.loads(canonical(document(signed, VAN))))), kind, {raw(VAN).hex()})
    except LfrError:
        return
    assert canonical(read.model_dump(mode="json")) == canonical(signed)


@given(
    hours=st.floats(0.001, 400),
    entries=st.integers(1, 200_000),
    delta=st.integers(1, 1000),
    retention=st.floats(0.1, 744),
    staleness=st.integers(60, 86_400),
    fpir=st.floats(1e-9, 0.999),
)
def test_an_order_passes_a_policy_exactly_when_nothing_is_above_its_ceiling(
    hours: float, entries: int, delta: int, retention: float, staleness: int, fpir: float
):
    policy = read_policy(POLICY)
    minutes = max(1, round(hours * 60))
    days, rest = divmod(9 * 60 + minutes, 24 * 60)
    end = f"2026-03-{1 + days:02d}T{rest // 60:02d}:{rest % 60:02d}:00.000Z"
    order = ORDER.model_copy(
        update={
            "not_after_utc": end,
            "watchlist": ORDER.watchlist.model_copy(update={"entries_max": entries, "delta_entries_max": delta}),
            "alert_retention_h": retention,
            "staleness_s": staleness,
            "calibration": ORDER.calibration.model_copy(update={"fpir": fpir}),
        }
    )
    above = [
        entries > policy.entries_max,
        delta > policy.delta_entries_max,
        minutes > policy.deployment_h_max * 60,
        retention > policy.alert_retention_h_max,
        staleness > policy.staleness_s_max,
        fpir > policy.similarity_fpir_max,
    ]
    assert len(ceilings_passed(order, policy)) == sum(above)
    if any(above):
        with pytest.raises(PolicyViolated):
            hold_against(order, policy)
    else:
        hold_against(order, policy)


@given(version=st.integers(1, 9), floor=st.integers(0, 9), same=st.booleans())
def test_no_order_below_its_floor_is_obeyed(version: int, floor: int, same: bool):
    data = canonical({**made.ORDER, "version": version})
    held = OrderFloor(floor, document_sha256(data) if same else "00" * 32)
    obeyed = refused_or_read(
        lambda data: open_order(data, made.DEPLOYMENT, FACTS, SIGNERS, held, lambda _: POLICY), data
    )
    assert obeyed == (version > floor or (version == floor and same))


def test_the_policy_is_asked_for_only_when_all_else_holds():
    def never(reference: PolicyReference) -> bytes:
        raise AssertionError("fetched for an order that is refused anyway")

    with pytest.raises(OrderInvalid):
        open_order(canonical(made.ORDER), "deployment-2", FACTS, SIGNERS, OrderFloor(), never)


def test_an_order_is_what_its_fields_say():
    assert isinstance(ORDER, Order)
    assert canonical(ORDER.model_dump(mode="json")) == canonical(made.ORDER)
