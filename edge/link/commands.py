"""Commands on their way to vision: handed on as they came, and held for a vision half that starts later.

Link believes none of them, and none of them is for link: it has no say in what a van does.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable

from edge.formats.commands import COMMAND_MAX_BYTES
from edge.wire import Commanded

HELD_MAX = 8

log = logging.getLogger("lfr.link.commands")


class Commands:
    """The last few different ones."""

    def __init__(self, tell: Callable[[Commanded], None]) -> None:
        """tell: gives vision a message, if it is there."""
        self._tell = tell
        self._held: deque[bytes] = deque(maxlen=HELD_MAX)
        self.refused = 0

    def on_command(self, event: bytes) -> None:
        """One came from the broker. Nothing at all: what was retained is cleared, which undoes no command."""
        if len(event) > COMMAND_MAX_BYTES:
            self.refused += 1
            if self.refused <= 10 or self.refused % 1000 == 0:
                log.warning("a command of %d bytes, at most %d", len(event), COMMAND_MAX_BYTES)
            return
        if not event:
            return
        if event not in self._held:
            self._held.append(event)
        self._tell(Commanded(event))

    def tell_again(self) -> None:
        """Vision is new: it hears all that is held, the oldest first."""
        for event in self._held:
            self._tell(Commanded(event))
