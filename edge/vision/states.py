"""What the box may be doing, and what takes it from one to the next: a table, without input or output.

    unenrolled ─enrolled─▶ standby ─order found─▶ preparing ─begins─▶ watching ◀─suspended, resumed─▶ suspended
                           ▲  ▲  ▲                 │    │               │  │                          │  │
                           │  │  └────withdrawn────┘    │               │  │                          │  │
                           │  └────────amended──────────┼───────────────┘  │                          │  │
                           │  └────────amended──────────┼──────────────────┼──────────────────────────┘  │
                           └─closed─ closing ◀──closes──┴──────closes──────┴───────────closes────────────┘

Any state may close; only watching has its camera open (and maintenance, for a detector without an embedder).
"""

from __future__ import annotations

from enum import Enum


class State(str, Enum):
    """As health and the retained state message say it."""

    UNENROLLED = "unenrolled"
    STANDBY = "standby"
    PREPARING = "preparing"
    WATCHING = "watching"
    SUSPENDED = "suspended"
    CLOSING = "closing"
    MAINTENANCE = "maintenance"


class Event(str, Enum):
    """What happens to the box."""

    ENROLLED = "enrolled"
    ORDER_FOUND = "order found"
    WITHDRAWN = "withdrawn"
    BEGINS = "begins"
    SUSPENDED = "suspended"
    RESUMED = "resumed"
    AMENDED = "amended"
    CLOSES = "closes"
    CLOSED = "closed"
    MAINTENANCE_BEGINS = "maintenance begins"
    MAINTENANCE_ENDS = "maintenance ends"


class StepRefused(ValueError):
    """An event that has no place in a state: a mistake of the program, never of its input."""


_NEXT: dict[tuple[State, Event], State] = {
    (State.UNENROLLED, Event.ENROLLED): State.STANDBY,
    (State.STANDBY, Event.ORDER_FOUND): State.PREPARING,
    (State.STANDBY, Event.MAINTENANCE_BEGINS): State.MAINTENANCE,
    (State.MAINTENANCE, Event.MAINTENANCE_ENDS): State.STANDBY,
    (State.PREPARING, Event.WITHDRAWN): State.STANDBY,
    (State.PREPARING, Event.BEGINS): State.WATCHING,
    (State.PREPARING, Event.SUSPENDED): State.SUSPENDED,
    (State.WATCHING, Event.SUSPENDED): State.SUSPENDED,
    (State.SUSPENDED, Event.RESUMED): State.WATCHING,
    (State.WATCHING, Event.AMENDED): State.STANDBY,
    (State.SUSPENDED, Event.AMENDED): State.STANDBY,
    (State.CLOSING, Event.CLOSED): State.STANDBY,
}

CAMERA_MAY_BE_OPEN = frozenset({State.WATCHING, State.MAINTENANCE})


def next_state(state: State, event: Event) -> State:
    """Raises: StepRefused."""
    if event is Event.CLOSES:
        return State.CLOSING
    found = _NEXT.get((state, event))
    if found is None:
        raise StepRefused(f"{event.value} has no place in {state.value}")
    return found
