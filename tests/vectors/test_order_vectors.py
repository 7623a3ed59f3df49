"""Each vector of an order or a record is read as its header says; and they are what their generator makes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from edge import errors
from edge.formats.documents import HealthDocument
from edge.formats.policy import PolicyReference
from edge.formats.receipts import DeletionReceipt, KeyStock
from edge.trust.envelope import unwrap
from edge.trust.orders import OrderFloor, RoleSigners, VanFacts, open_close, open_order, read_order
from edge.trust.policy import open_policy
from tests.vectors import make_order_vectors as made
from tests.vectors.make_vectors import VAN, canonical, raw

VECTORS = sorted(made.HERE.glob("*.vector"))
VAN_KEYS = {raw(VAN).hex()}


def read_an_order(body: bytes, given: dict[str, Any]) -> None:
    facts = VanFacts(
        fleet=given.get("fleet", made.FLEET),
        device=given.get("device", made.DEVICE),
        pack_sha256=given.get("pack_sha256", made.PACK),
        backend=given.get("backend", made.BACKEND),
        recipients_held=frozenset(given.get("recipients_held", [made.RECIPIENT])),
    )
    signers = RoleSigners(
        frozenset(given.get("key_ids", [made.OFFICER_ID, made.CUSTODIAN_ID])), given.get("threshold", 2)
    )
    policy = canonical({**made.POLICY, **given.get("policy", {})})
    floor = OrderFloor(*given.get("floor", (0, None)))
    opened = open_order(body, given.get("deployment", made.DEPLOYMENT), facts, signers, floor, lambda _: policy)
    assert opened.order.model_dump() == made.ORDER
    assert opened.policy.model_dump() == made.POLICY
    assert opened.recipient == made.RECIPIENT


def read_a_policy(body: bytes, given: dict[str, Any]) -> None:
    reference = PolicyReference(name="uk", version=1, sha256=made.POLICY_SHA256)
    assert open_policy(body, reference).model_dump() == made.POLICY


def read_a_close(body: bytes, given: dict[str, Any]) -> None:
    assert open_close(body, read_order(canonical(made.ORDER))).model_dump() == made.CLOSE


READERS = {
    "order": read_an_order,
    "policy": read_a_policy,
    "close": read_a_close,
    "stock": lambda body, given: unwrap(body, KeyStock, VAN_KEYS),
    "deletion": lambda body, given: unwrap(body, DeletionReceipt, VAN_KEYS),
    "health": lambda body, given: unwrap(body, HealthDocument, VAN_KEYS),
}


def parts(path: Path) -> tuple[dict[str, str], bytes]:
    head, _, body = path.read_bytes().partition(b"\n\n")
    return dict(line.split(": ", 1) for line in head.decode().splitlines()), body


@pytest.mark.parametrize("path", VECTORS, ids=lambda path: path.stem)
def test_vector_is_read_as_its_header_says(path: Path):
    fields, body = parts(path)
    assert list(fields) == ["expect", "shows", "given"]
    read, given = READERS[path.stem.partition("-")[0]], json.loads(fields["given"])
    if fields["expect"] == "ok":
        read(body, given)
        return
    with pytest.raises(errors.LfrError) as refusal:
        read(body, given)
    assert type(refusal.value).__name__ == fields["expect"], str(refusal.value)


def test_vectors_are_what_their_generator_makes():
    kept = {path.name: path.read_bytes() for path in VECTORS}
    assert kept == made.every_vector(), "run: python -m tests.vectors.make_order_vectors"


def test_there_are_at_least_a_hundred_with_one_fault():
    assert sum(parts(path)[0]["expect"] != "ok" for path in VECTORS) >= 100


def test_an_order_of_a_byte_over_256_kilobytes_is_refused_unread():
    good = canonical(made.ORDER)
    with pytest.raises(errors.DocumentTooLarge):
        read_an_order(good + b" " * (256 * 1024 + 1 - len(good)), {})


def test_every_ceiling_that_is_passed_is_named():
    with pytest.raises(
        errors.PolicyViolated, match=r"alert_retention_h 25, at most 24; staleness_s 3601, at most 3600"
    ):
        read_an_order(parts(made.HERE / "order-over-twice.vector")[1], {})


@pytest.mark.parametrize("name", ["make_order_vectors", "record_vectors"])
def test_generator_shares_no_code_with_the_product(name: str):
    source = (made.HERE.parent / f"{name}.py").read_text(encoding="utf-8")
    assert "from edge" not in source
    assert "import edge" not in source
