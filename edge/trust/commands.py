"""A command that a van may obey, and what it leaves behind (COMMANDS.md 2 to 4). No I/O; time is passed in."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from edge.clock import parse_utc
from edge.errors import CommandElsewhere, CommandExpired, CommandInvalid, CommandStale, DocumentTooLarge
from edge.formats.commands import COMMAND_MAX_BYTES, LIFE_MAX_S, Command, CommandNumber, PlainText
from edge.formats.documents import Count, Document, Hex32, UtcText
from edge.formats.orders import Order
from edge.formats.policy import MaySuspend, Policy
from edge.trust.documents import as_document, check_signatures
from edge.trust.envelope import open_event

TO_SUSPEND, TO_RESUME = 1, 2
"""Signatures. Stopping is never the dangerous act; going on is authorised by two, as the deployment was."""


@dataclass(frozen=True)
class Commanders:
    """Whom an order and its policy let command. suspenders: keys, each with its function; resumers: keys."""

    suspenders: Mapping[str, MaySuspend]
    resumers: frozenset[str]


@dataclass(frozen=True)
class GivenCommand:
    """A command that may be obeyed, and those of its signers whose word counts for it."""

    command: Command
    signers: frozenset[str]


class Suspension(Document):
    """One that stands. by: the function in which it was ordered."""

    by: MaySuspend
    number: CommandNumber
    made_at_utc: UtcText
    reason: PlainText


class Obeyed(Document):
    """What a deployment's commands have come to. numbers: the last of each key; standing: by the key that suspended."""

    numbers: dict[Hex32, CommandNumber]
    resumed: Count
    standing: dict[Hex32, Suspension]

    @property
    def number(self) -> int | None:
        """The highest there was."""
        return max((self.resumed, *self.numbers.values())) or None

    @property
    def why(self) -> str:
        """The suspensions that stand, in words; empty when there is none."""
        said = [f"by command of the {each.by}: {each.reason}" for each in self.standing.values()]
        return "; ".join(dict.fromkeys(said))


NOTHING_OBEYED = Obeyed(numbers={}, resumed=0, standing={})


def commanders_of(order: Order, policy: Policy, log_key_ids: Set[str]) -> Commanders:
    """log_key_ids: of the deployment's log, as its role names them."""
    keys: dict[MaySuspend, Set[str]] = {
        "officer": {order.authorising_officer.key_id},
        "custodian": {order.data_custodian.key_id},
        "room": {order.room_receipt_key_hex},
        "fleet": log_key_ids,
    }
    suspenders: dict[str, MaySuspend] = {}
    for function in policy.may_suspend:
        for key in sorted(keys[function]):
            suspenders.setdefault(key, function)
    return Commanders(suspenders, frozenset(order.watchlist.delta_signers))


def open_command(
    data: bytes, order: Order, device: str, commanders: Commanders, obeyed: Obeyed, now: datetime
) -> GivenCommand:
    """The command in a CloudEvent, if this van is to obey it now; checked in the sequence of COMMANDS.md 3.

    now: the latest that it may be. Raises: DocumentTooLarge, DocumentInvalid, SignatureInvalid, CommandElsewhere,
    CommandInvalid, CommandStale, CommandExpired.
    """
    if len(data) > COMMAND_MAX_BYTES:
        raise DocumentTooLarge(f"command of {len(data)} bytes, at most {COMMAND_MAX_BYTES}")
    signed, signatures = open_event(data)
    keys, threshold = _signers_needed(signed, commanders)
    signers = check_signatures(signed, signatures, keys, threshold)
    command = as_document(signed, Command)
    found, here = (command.fleet, command.device, command.deployment), (order.fleet, device, order.deployment)
    if found != here:
        raise CommandElsewhere(f"command for {'/'.join(found)}, this is {'/'.join(here)}")
    expires_at = check_life(command)
    _check_number(command, signers, commanders, obeyed)
    if now >= expires_at:
        raise CommandExpired(
            f"{command.command} {command.number} was to be obeyed until {command.expires_at_utc}; have it made again"
        )
    return GivenCommand(command, signers)


def obey(obeyed: Obeyed, given: GivenCommand, commanders: Commanders) -> Obeyed:
    """What stands once it is obeyed."""
    command = given.command
    if command.command == "resume":
        return Obeyed(numbers=obeyed.numbers, resumed=command.number, standing={})
    suspensions = {
        key: Suspension(
            by=commanders.suspenders[key],
            number=command.number,
            made_at_utc=command.made_at_utc,
            reason=command.reason,
        )
        for key in sorted(given.signers)
    }
    return Obeyed(
        numbers={**obeyed.numbers, **dict.fromkeys(suspensions, command.number)},
        resumed=obeyed.resumed,
        standing={**obeyed.standing, **suspensions},
    )


def check_life(command: Command) -> datetime:
    """When a command expires. Raises: CommandInvalid for times that there are not, or a life longer than it may be."""
    try:
        made_at, expires_at = parse_utc(command.made_at_utc), parse_utc(command.expires_at_utc)
    except ValueError as error:
        raise CommandInvalid(f"{command.command} {command.number}: {error}") from None
    most = timedelta(seconds=LIFE_MAX_S[command.command])
    if not timedelta(0) < expires_at - made_at <= most:
        raise CommandInvalid(
            f"{command.command} {command.number} from {command.made_at_utc} to {command.expires_at_utc}: it must end "
            f"after it begins, and within {most.total_seconds():.0f} s"
        )
    return expires_at


def _signers_needed(signed: Any, commanders: Commanders) -> tuple[set[str], int]:
    """Taken from what is not verified yet: whichever it says, its signers are asked for."""
    if isinstance(signed, dict) and signed.get("command") == "resume":
        return set(commanders.resumers), TO_RESUME
    return set(commanders.suspenders), TO_SUSPEND


def _check_number(command: Command, signers: frozenset[str], commanders: Commanders, obeyed: Obeyed) -> None:
    """Raises: CommandStale. Only a resumption has to be newer than what others said: a stop is never overtaken."""
    keys = commanders.suspenders.keys() if command.command == "resume" else signers
    last = max((obeyed.numbers.get(key, 0) for key in keys), default=0)
    if command.command == "resume":
        last = max(last, obeyed.resumed)
    if command.number <= last:
        raise CommandStale(f"{command.command} {command.number}: {last} was obeyed; need a higher number")
