"""What was refused, counted by topic and reason; bounded, whatever is sent."""

from __future__ import annotations

from dataclasses import dataclass

from control_room.printable import printable

KINDS_MAX = 200
OTHERS = "further topics and reasons"


@dataclass(frozen=True)
class Refusal:
    """How often a reason was met on a topic. Both texts are printable."""

    topic: str
    why: str
    count: int

    @property
    def worth_a_line(self) -> bool:
        """The first time, and at each power of ten: a flood of refusals must not hide the alerts."""
        return str(self.count).strip("0") == "1"


class Refusals:
    """The counts of one room."""

    def __init__(self) -> None:
        self._counts: dict[tuple[str, str], int] = {}

    def add(self, topic: str, why: str, count: int = 1) -> Refusal:
        """Count a refusal; beyond KINDS_MAX kinds they are counted together."""
        key = (printable(topic), printable(why, 200))
        if key not in self._counts and len(self._counts) >= KINDS_MAX:
            key = (OTHERS, OTHERS)
        self._counts[key] = self._counts.get(key, 0) + count
        return Refusal(*key, self._counts[key])

    def all(self) -> list[Refusal]:
        """Every kind met, in the order first met."""
        return [Refusal(topic, why, count) for (topic, why), count in self._counts.items()]

    @property
    def total(self) -> int:
        """How many messages, pictures and entries were refused."""
        return sum(self._counts.values())
