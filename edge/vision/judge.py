"""Whether a deployment goes on: the clocks, the fleet's word and commands, held against one another in one place.

It also tells the reporter what a heartbeat has to say of it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

from edge.formats.receipts import ClosedBecause
from edge.trust.deployment_time import Phase, Verdict
from edge.vision.commands import CommandDesk
from edge.vision.in_force import InForce
from edge.vision.overseer import Overseer
from edge.vision.reporter import Reporter
from edge.vision.states import State
from edge.vision.timekeeper import Timekeeper


class Amended(Enum):
    """Another order has taken the place of the one in force."""

    AMENDED = "amended"


@dataclass(frozen=True)
class Judgement:
    """over: it has ended, or another order takes its place; verdict: what is allowed otherwise."""

    verdict: Verdict
    over: ClosedBecause | Amended | None = None

    @property
    def may_watch(self) -> bool:
        return self.over is None and self.verdict.phase is Phase.WATCH


class Judge:
    """Asked by the main thread, again and again."""

    def __init__(self, timekeeper: Timekeeper, commands: CommandDesk, reporter: Reporter) -> None:
        self._timekeeper = timekeeper
        self._commands = commands
        self._reporter = reporter

    def judge(self, in_force: InForce, overseer: Overseer) -> Judgement:
        """What is allowed now; commands that wait are obeyed first."""
        seen, facts = overseer.seen, self._reporter.facts
        if seen.made_at is not None:
            self._timekeeper.told(seen.made_at)
        verdict = self._timekeeper.verdict()
        facts.watchlist_entries = len(in_force.holder)
        facts.watchlist_epoch, facts.watchlist_sequence = seen.epoch, seen.sequence
        facts.in_force_since_utc, facts.repository_error = seen.in_force_since_utc, seen.error
        if seen.closed:
            return Judgement(verdict, "close")
        if verdict.because is not None:
            return Judgement(verdict, verdict.because)
        if seen.amended:
            return Judgement(verdict, Amended.AMENDED)
        self._commands.obey_waiting(in_force.opened, seen.log_key_ids, self._timekeeper.at_least())
        commanded = self._commands.of(in_force.deployment).why
        if commanded and verdict.phase in (Phase.PREPARE, Phase.WATCH, Phase.SUSPEND):
            why = f"{verdict.why}; {commanded}" if verdict.why else commanded
            verdict = replace(verdict, phase=Phase.SUSPEND, why=why)
        judgement = Judgement(verdict)
        moves_on = judgement.may_watch and facts.state == State.SUSPENDED.value  # and says so when it has
        if verdict.phase is not Phase.SUSPEND and self.tell(in_force, verdict) and not moves_on:
            self._reporter.beat()
        return judgement

    def tell(self, in_force: InForce, verdict: Verdict) -> bool:
        """Have the heartbeat say it; whether it is news. Not before a camera that is to be closed is closed."""
        facts = self._reporter.facts
        before = facts.suspended_because, facts.command_number, facts.command_refused
        facts.suspended_because = verdict.why if verdict.phase is Phase.SUSPEND else None
        facts.command_number = self._commands.of(in_force.deployment).number
        facts.command_refused = self._commands.refused
        return before != (facts.suspended_because, facts.command_number, facts.command_refused)
