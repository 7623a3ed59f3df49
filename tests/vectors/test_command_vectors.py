"""Each vector of a command is read as its header says; and they are what their generator makes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from edge import errors
from edge.clock import parse_utc
from edge.trust.commands import NOTHING_OBEYED, GivenCommand, Obeyed, commanders_of, open_command
from edge.trust.orders import read_order
from edge.trust.policy import read_policy
from tests.vectors import make_command_vectors as made
from tests.vectors.make_order_vectors import ORDER, POLICY
from tests.vectors.make_vectors import DEVICE, canonical
from tests.vectors.test_order_vectors import parts

VECTORS = sorted(made.HERE.glob("*.vector"))


def read_a_command(body: bytes, given: dict[str, Any]) -> GivenCommand:
    order = read_order(canonical(ORDER))
    policy = read_policy(canonical({**POLICY, "may_suspend": given.get("may_suspend", POLICY["may_suspend"])}))
    commanders = commanders_of(order, policy, frozenset({made.LOG_ID}))
    obeyed = Obeyed.model_validate(given["obeyed"]) if "obeyed" in given else NOTHING_OBEYED
    now = parse_utc(given.get("now", "2026-03-01T12:30:00.000Z"))
    return open_command(body, order, DEVICE, commanders, obeyed, now)


@pytest.mark.parametrize("path", VECTORS, ids=lambda path: path.stem)
def test_vector_is_read_as_its_header_says(path: Path):
    fields, body = parts(path)
    assert list(fields) == ["expect", "shows", "given"]
    given = json.loads(fields["given"])
    if fields["expect"] == "ok":
        read = read_a_command(body, given)
        assert read.command.model_dump() == json.loads(body)["data"]["signed"]
        return
    with pytest.raises(errors.LfrError) as refusal:
        read_a_command(body, given)
    assert type(refusal.value).__name__ == fields["expect"], str(refusal.value)


def test_vectors_are_what_their_generator_makes():
    kept = {path.name: path.read_bytes() for path in VECTORS}
    assert kept == made.every_vector(), "run: python -m tests.vectors.make_command_vectors"


def test_generator_shares_no_code_with_the_product():
    source = Path(made.__file__).read_text(encoding="utf-8")
    assert "from edge" not in source
    assert "import edge" not in source
