"""The fleet's own process: timestamps kept fresh, the broker kept in step with the folder, vans heard, ends seen to.

What the broker holds is never taken on trust: after every connection, and now and then, all of it is looked at and
compared with the folder. What was lost or altered is published again, what should not be there is cleared.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta

from edge.errors import AuthorityInvalid, BrokerUnreachable
from edge.formats.topics import all_devices_topic, repo_topic
from provisioning.ending import overdue, tidy
from provisioning.fleet_connection import UNANSWERED_MAX, Answered, Down, Event, FleetConnection, Message, Up
from provisioning.fleet_folder import FleetFolder
from provisioning.heard import CHANNELS, Heard
from provisioning.outgoing import Outgoing

REFRESHES_IN_A_LIFE = 6
"""A timestamp is renewed so often while it lives: several refreshes may fail before a van goes stale."""

LOOK_EVERY_S = 1.0
TIDY_EVERY_S = 5.0
AUDIT_EVERY_S = 900.0
AUDIT_QUIET_S = 1.0
AUDIT_LONGEST_S = 120.0
EXPIRY_LEAST_S = 60
EXPIRY_MOST_S = 2**31

Fingerprint = tuple[tuple[str, int, int], ...]


class Server:
    """Driven by `step`; `say` is told each line worth telling."""

    def __init__(self, fleet: FleetFolder, say: Callable[[str], None]) -> None:
        """Raises: AuthorityInvalid without a broker in fleet.yaml, KeyFileInvalid."""
        if fleet.settings.broker is None:
            raise AuthorityInvalid(
                f"{fleet.folder / 'fleet.yaml'}: no broker; add broker: with host, port, ca_file, cert_file, key_file"
            )
        self._fleet = fleet
        self._clock = fleet.clock
        self._say = say
        self.heard = Heard(fleet)
        self._prefix = repo_topic(fleet.fleet, "x")[:-1]
        filters = [all_devices_topic(fleet.fleet, channel) for channel in CHANNELS]
        self.connection = FleetConnection(fleet.settings.broker, filters)
        self.outgoing = Outgoing(fleet, self.connection, say)
        self._files: dict[str, bytes] = {}
        self._wanted: dict[str, str] = {}
        self._expires: dict[str, datetime] = {}
        self._held: dict[str, str] = {}
        self._sent: dict[str, str] = {}
        self._waiting: deque[str] = deque()
        self._seen: Fingerprint | None = None
        self._up = False
        self._audit: dict[str, str] | None = None
        self._audit_began_s = self._audit_heard_s = self._audited_s = 0.0
        self._due_s: dict[str, float] = {}
        self._said: set[str] = set()
        self._why = ""
        self.bytes_published = 0
        self.messages_published = 0

    @property
    def in_step(self) -> bool:
        """Whether the broker has all of the folder, as far as it has answered."""
        return self._up and self._audit is None and not self._waiting and self._held == self._wanted

    def step(self, timeout_s: float) -> None:
        """Wait so long for something, and do what is due. Raises: AuthorityInvalid, SignerUnusable, OSError."""
        event = self.connection.next_event(timeout_s)
        while event is not None:
            self._take(event)
            event = self.connection.next_event(0)
        self._refresh_timestamp()
        if self._up:
            self.outgoing.send()
        if self._is_due("tidy", TIDY_EVERY_S):
            self._see_to_ends()
        if self._is_due("look", LOOK_EVERY_S):
            self._look()
        if self._audit is not None:
            self._end_audit_when_quiet()
        elif self._up and self._clock.monotonic_s() - self._audited_s >= AUDIT_EVERY_S:
            self._begin_audit()
        if self._audit is None and self._up:
            self._send()

    def settle(self, timeout_s: float) -> None:
        """Do what is due, and until the broker has all of it. Raises: BrokerUnreachable."""
        deadline_s = self._clock.monotonic_s() + timeout_s
        why = "nothing answers"
        self._due_s.clear()  # what has changed since the last look is to be there too
        self.step(0.05)
        while not self.in_step:
            why = self._why or why
            if self._clock.monotonic_s() >= deadline_s:
                raise BrokerUnreachable(f"the broker did not take all in {timeout_s:.0f} s: {why}")
            self.step(0.05)

    def _take(self, event: Event) -> None:
        if isinstance(event, Up):
            self._up = True
            self.outgoing.begin()
            self._say("connected to the broker")
            self._begin_audit()
        elif isinstance(event, Down):
            if self._up or event.why != self._why:
                self._say(f"broker: {event.why}")
            self._up, self._audit, self._why = False, None, event.why
            self._waiting.clear()
        elif isinstance(event, Answered):
            if not self.outgoing.take(event):
                self._take_answer(event)
        elif event.topic.startswith(self._prefix):
            self._take_retained(event)
        else:
            line = self.heard.take(event.topic, event.payload)
            if line:
                self._say(line)

    def _take_answer(self, answer: Answered) -> None:
        sent = self._sent.pop(answer.name, None)
        if answer.refusal is not None:
            self._why = f"{answer.name}: {answer.refusal}"
            self._say(f"broker refuses {self._why}")
        elif sent is not None:
            if sent:
                self._held[answer.name] = sent
            else:
                self._held.pop(answer.name, None)

    def _take_retained(self, message: Message) -> None:
        if self._audit is not None and message.retained and message.payload:
            name = message.topic.removeprefix(self._prefix)
            self._audit[name] = hashlib.sha256(message.payload).hexdigest()
            self._audit_heard_s = self._clock.monotonic_s()

    def _begin_audit(self) -> None:
        self._audit = {}
        self._audit_began_s = self._audit_heard_s = self._clock.monotonic_s()
        self.connection.subscribe(f"{self._prefix}#")

    def _end_audit_when_quiet(self) -> None:
        now_s = self._clock.monotonic_s()
        quiet = now_s - self._audit_heard_s >= AUDIT_QUIET_S
        if self._audit is None or not (quiet or now_s - self._audit_began_s >= AUDIT_LONGEST_S):
            return
        self.connection.unsubscribe(f"{self._prefix}#")
        self._held, self._audit, self._audited_s = self._audit, None, now_s
        self._sent.clear()
        self._look(always=True)
        lost = sum(self._held.get(name) != sha256 for name, sha256 in self._wanted.items())
        extra = sum(name not in self._wanted for name in self._held)
        if lost or extra:
            self._say(f"broker: {lost} files missing or different, {extra} that should not be there")

    def _look(self, always: bool = False) -> None:
        """Read the folder again when anything in it has changed."""
        seen = self._fingerprint()
        if seen == self._seen and not always:
            return
        with self._fleet.changing():
            repository = self._fleet.repository()
            self._files = repository.files()
            self._seen = self._fingerprint()
            self._wanted = {name: hashlib.sha256(data).hexdigest() for name, data in self._files.items()}
            changed = [name for name, sha256 in self._wanted.items() if self._known(name) != sha256]
            self._expires = {name: repository.expires_utc(name.partition(".p0")[0]) for name in changed}
        # What is to be cleared comes last: nothing points to it any more by then.
        self._waiting = deque([*changed, *(name for name in self._held if name not in self._wanted)])

    def _known(self, name: str) -> str | None:
        return self._sent.get(name, self._held.get(name))

    def _send(self) -> None:
        while self._waiting and self.connection.unanswered < UNANSWERED_MAX:
            name = self._waiting.popleft()
            data = self._files.get(name, b"")
            expiry_s = None
            if data:
                left = self._expires[name] - self._clock.now_utc()
                expiry_s = min(max(int(left / timedelta(seconds=1)), EXPIRY_LEAST_S), EXPIRY_MOST_S)
            self._sent[name] = self._wanted.get(name, "")
            if not self.connection.retain(name, f"{self._prefix}{name}", data, expiry_s):
                self._sent.pop(name, None)
                self._waiting.clear()
                return
            self.messages_published += 1
            self.bytes_published += len(data)

    def _refresh_timestamp(self) -> None:
        if not self._is_due("refresh", LOOK_EVERY_S):
            return
        with self._fleet.changing():
            repository = self._fleet.repository()
            age = self._clock.now_utc() - repository.made_at_utc
            # A clock that was set back leaves a timestamp of the future: that too is replaced.
            if not timedelta(0) <= age < timedelta(seconds=repository.staleness_s / REFRESHES_IN_A_LIFE):
                repository.refresh_timestamp(self._fleet.online())

    def _see_to_ends(self) -> None:
        self.heard.save()
        receipts = self.heard.receipts()
        lines = tidy(self._fleet, dict(receipts))
        for ledger in self._fleet.ledgers():
            with contextlib.suppress(AuthorityInvalid):  # tidy has said what is wrong with it
                late = overdue(ledger.read(), receipts.get(ledger.deployment, ()), self._fleet)
                lines += [f"{device}: deletion receipt for {ledger.deployment} is OVERDUE" for device in late]
        for line in lines:
            if line not in self._said:
                self._say(line)
        self._said = set(lines)

    def _fingerprint(self) -> Fingerprint:
        root = self._fleet.folder / "repo"
        found = []
        for path in sorted(root.rglob("*")):
            try:
                status = path.stat()
            except FileNotFoundError:  # it went while we looked
                continue
            if path.is_file():
                found.append((path.relative_to(root).as_posix(), status.st_mtime_ns, status.st_size))
        return tuple(found)

    def _is_due(self, what: str, every_s: float) -> bool:
        now_s = self._clock.monotonic_s()
        if now_s < self._due_s.get(what, 0.0):
            return False
        self._due_s[what] = now_s + every_s
        return True
