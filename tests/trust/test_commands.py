"""What commands come to, in any order and by anybody: one stops, two start, and nothing old counts."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.errors import CommandExpired, LfrError
from edge.formats.commands import COMMAND_MAX_BYTES, Command
from edge.trust.commands import NOTHING_OBEYED, Obeyed, commanders_of, obey, open_command
from edge.trust.documents import canonical
from edge.trust.orders import read_order
from edge.trust.policy import read_policy
from tests import json_values
from tests.trust.made_commands import command_event, command_fields
from tests.vectors import make_command_vectors as made
from tests.vectors.make_order_vectors import CUSTODIAN, OFFICER, ORDER, POLICY, ROOM, STRANGER
from tests.vectors.make_vectors import DEPLOYMENT, DEVICE

NOON = datetime(2026, 3, 1, 12, tzinfo=timezone.utc)
THE_ORDER = read_order(canonical(ORDER))
THE_POLICY = read_policy(canonical({**POLICY, "may_suspend": ["officer", "custodian", "room", "fleet"]}))
COMMANDERS = commanders_of(THE_ORDER, THE_POLICY, frozenset({made.LOG_ID}))
KEYS = {"officer": OFFICER, "custodian": CUSTODIAN, "room": ROOM, "fleet": made.LOG, "stranger": STRANGER}
FEW = settings(max_examples=40)


def event(command: str, number: int, *who: str, **changes: Any) -> bytes:
    fields = command_fields(command, number, NOON, deployment=DEPLOYMENT, **changes)
    return command_event(fields, *(KEYS[each] for each in who))


@dataclass
class Line:
    """What a van has obeyed, command by command."""

    obeyed: Obeyed

    def take(self, data: bytes, now: datetime = NOON) -> bool:
        try:
            command = open_command(data, THE_ORDER, DEVICE, COMMANDERS, self.obeyed, now)
        except LfrError:
            return False
        self.obeyed = obey(self.obeyed, command, COMMANDERS)
        return True


@pytest.fixture
def line() -> Line:
    return Line(NOTHING_OBEYED)


@pytest.mark.parametrize("who", ["officer", "custodian", "room", "fleet"])
def test_any_one_function_that_the_policy_lists_suspends(line: Line, who: str):
    assert line.take(event("suspend", 5, who))
    assert line.obeyed.why == f"by command of the {who}: the lens is dirty"


@pytest.mark.parametrize("who", ["officer", "custodian", "room", "fleet"])
def test_a_function_that_the_policy_does_not_list_does_not_suspend(who: str):
    others = [each for each in ("officer", "custodian", "room", "fleet") if each != who]
    commanders = commanders_of(THE_ORDER, read_policy(canonical({**POLICY, "may_suspend": others})), {made.LOG_ID})
    with pytest.raises(LfrError):
        open_command(event("suspend", 5, who), THE_ORDER, DEVICE, commanders, NOTHING_OBEYED, NOON)


def test_two_end_every_suspension_that_stands(line: Line):
    for number, who in enumerate(("officer", "room", "fleet"), 1):
        line.take(event("suspend", number, who))
    assert len(line.obeyed.standing) == 3
    assert line.take(event("resume", 4, "officer", "custodian"))
    assert line.obeyed.why == ""
    assert line.obeyed.number == 4


def test_a_suspension_stands_long_after_its_command_has_expired(line: Line):
    assert line.take(event("suspend", 5, "room"))
    assert not line.take(event("suspend", 4, "officer"), NOON + timedelta(days=2))
    assert line.obeyed.why


def test_a_command_lives_to_the_millisecond_before_its_end(line: Line):
    data = event("suspend", 5, "room")
    end = NOON + timedelta(days=1)
    with pytest.raises(CommandExpired):
        open_command(data, THE_ORDER, DEVICE, COMMANDERS, NOTHING_OBEYED, end)
    assert line.take(data, end - timedelta(milliseconds=1))


def test_key_counted_up_to_the_end_by_a_thief_counts_no_more_once_the_order_names_another(line: Line):
    assert line.take(event("suspend", 2**53 - 1, "room"))
    assert not line.take(event("resume", 2**53 - 1, "officer", "custodian"))
    mended = read_order(canonical({**ORDER, "version": 4, "room_receipt_key_hex": "aa" * 32}))
    commanders = commanders_of(mended, THE_POLICY, frozenset({made.LOG_ID}))
    assert line.obeyed.why
    resume = event("resume", 6, "officer", "custodian")
    command = open_command(resume, mended, DEVICE, commanders, line.obeyed, NOON)
    assert obey(line.obeyed, command, commanders).why == ""


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["suspend", "resume"]),
            st.integers(1, 12),
            st.sets(st.sampled_from(sorted(KEYS)), min_size=1, max_size=3),
        ),
        max_size=12,
    )
)
@FEW
def test_whatever_comes_in_whatever_order_one_stops_and_only_two_start(
    commands: list[tuple[str, int, set[str]]],
):
    line = Line(NOTHING_OBEYED)
    for command, number, who in commands:
        before = line.obeyed
        taken = line.take(event(command, number, *sorted(who)))
        able = who - {"stranger"} if command == "suspend" else who & {"officer", "custodian"}
        if command == "suspend":
            own = max((before.numbers.get(_id(each), 0) for each in able), default=0)
            assert taken == (bool(able) and number > own)
            assert not taken or line.obeyed.why
        else:
            assert taken == (len(able) == 2 and number > max((before.number or 0), 0))
        if before.why and not line.obeyed.why:
            assert (command, able) == ("resume", {"officer", "custodian"})
            assert number > max(before.numbers.values())
        assert not line.take(event(command, number, *sorted(who))), "obeyed twice"


def _id(who: str) -> str:
    return next(key for key, function in COMMANDERS.suspenders.items() if function == who)


# Any bytes


def opened(data: bytes) -> Any:
    return open_command(data, THE_ORDER, DEVICE, COMMANDERS, NOTHING_OBEYED, NOON)


@given(json_values.nearly_json() | st.binary(max_size=200))
@FEW
def test_any_bytes_are_refused_as_our_errors_say(data: bytes):
    with pytest.raises(LfrError):
        opened(data)


@given(at=st.integers(0, 10_000), piece=st.binary(max_size=3), taken=st.integers(0, 4))
@FEW
def test_bytes_changed_in_a_command_are_refused_or_change_nothing(at: int, piece: bytes, taken: int):
    good = made.by(made.RESUME, OFFICER, CUSTODIAN)
    at %= len(good) + 1
    data = good[:at] + piece + good[at + taken :]
    try:
        found = opened(data)
    except LfrError:
        assert data != good
        return
    assert canonical(json.loads(data)) == data
    assert found == opened(good)


@pytest.mark.parametrize("name", sorted(made.SUSPEND))
@given(value=json_values.values())
@FEW
def test_any_value_in_any_field_is_refused_or_read_back_the_same(name: str, value: Any):
    fields = {**made.SUSPEND, name: value}
    try:
        data = command_event(fields, ROOM)
        command: Command = opened(data).command
    except LfrError:
        return
    assert canonical(command.model_dump(mode="json")) == canonical(fields)


def test_the_longest_command_there_can_be_fits():
    fields = {
        **made.RESUME,
        **dict.fromkeys(("fleet", "device", "deployment"), "x" * 48),
        "reason": "\U0001f600" * 200,
        "number": 2**53 - 1,
    }
    assert len(command_event(fields, *(KEYS["stranger"],) * 8)) < COMMAND_MAX_BYTES
