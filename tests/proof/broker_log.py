"""What mosquitto wrote down of every packet: which file it sent to a van, how often, and what was answered."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from edge.formats.topics import repo_topic

_SENT = re.compile(r"Sending PUBLISH to (\S+) \(d\d, q\d, r\d, m(\d+), '([^']+)', \.\.\. \((\d+) bytes\)\)")
_ANSWERED = re.compile(r"Received PUBACK from (\S+) \(Mid: (\d+), ")
_CONNECTED = re.compile(r"New client connected from \S+ as (\S+) ")


@dataclass(frozen=True)
class Sending:
    """One file, once. session: of which connection of the van's, from 1. answered: whether link had taken it."""

    name: str
    size: int
    session: int
    answered: bool


def sendings(log: Path, fleet: str, device: str) -> list[Sending]:
    """Every file of the repository that was sent to a van, in order."""
    prefix = repo_topic(fleet, "x")[:-1]
    session, found, waiting = 0, [], {}
    for line in log.read_text(encoding="utf-8", errors="replace").splitlines():
        if (match := _CONNECTED.search(line)) and match[1] == device:
            session += 1
            waiting.clear()
        elif (match := _SENT.search(line)) and match[1] == device and match[3].startswith(prefix):
            waiting[match[2]] = len(found)
            found.append(Sending(match[3].removeprefix(prefix), int(match[4]), session, answered=False))
        elif (match := _ANSWERED.search(line)) and match[1] == device and match[2] in waiting:
            at = waiting.pop(match[2])
            found[at] = Sending(found[at].name, found[at].size, found[at].session, answered=True)
    return found


def sent_again(found: list[Sending], prefix: str) -> dict[str, list[Sending]]:
    """Files whose name begins so that were sent more than once, each with all its sendings."""
    counts = Counter(each.name for each in found if each.name.startswith(prefix))
    return {name: [each for each in found if each.name == name] for name, count in counts.items() if count > 1}
