"""The state machine: a table, and what must hold of it whatever happens."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.vision.states import CAMERA_MAY_BE_OPEN, Event, State, StepRefused, next_state


def walk(state: State, events: list[Event]) -> list[State]:
    """Every state on the way; what has no place changes nothing."""
    states = [state]
    for event in events:
        try:
            states.append(next_state(states[-1], event))
        except StepRefused:
            continue
    return states


def test_deployment_runs_from_standby_to_standby():
    events = [Event.ORDER_FOUND, Event.BEGINS, Event.SUSPENDED, Event.RESUMED, Event.CLOSES, Event.CLOSED]
    assert [state.value for state in walk(State.STANDBY, events)] == [
        *("standby", "preparing", "watching", "suspended", "watching", "closing", "standby")
    ]


@pytest.mark.parametrize("state", list(State))
def test_every_state_can_close(state: State):
    assert next_state(state, Event.CLOSES) is State.CLOSING


@pytest.mark.parametrize("event", [event for event in Event if event not in (Event.CLOSES, Event.CLOSED)])
def test_nothing_leads_out_of_closing_but_its_end(event: Event):
    with pytest.raises(StepRefused):
        next_state(State.CLOSING, event)


def test_what_has_no_place_is_refused_in_words():
    with pytest.raises(StepRefused, match="begins has no place in standby"):
        next_state(State.STANDBY, Event.BEGINS)


@given(st.lists(st.sampled_from(list(Event)), max_size=30))
def test_no_camera_before_an_order(events: list[Event]):
    """Whatever happens in whatever order: watching comes after an order was found, and never straight after a close."""
    states = walk(State.UNENROLLED, events)
    for before, state in itertools.pairwise(states):
        if state is State.WATCHING:
            assert before in (State.PREPARING, State.SUSPENDED)
        if before is State.CLOSING:
            assert state not in CAMERA_MAY_BE_OPEN
