"""The fields of a command: what stops a van's matching from outside, and what lets it go on (COMMANDS.md)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from edge.formats.documents import Document, Identifier, UtcText

COMMAND_MAX_BYTES = 8 * 1024
"""Of its event; eight signatures and the longest reason stay below."""

CommandKind = Literal["suspend", "resume"]
LIFE_MAX_S: dict[CommandKind, int] = {"suspend": 86_400, "resume": 3_600}
"""From made_at_utc to expires_at_utc: who was away must still hear of a stop; a start that was withheld dies soon."""

CommandNumber = Annotated[int, Field(ge=1, lt=2**53)]
PlainText = Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]{1,200}$")]
"""What a terminal shows as it stands: no control characters, no line ends, nothing that turns a text around."""


class Command(Document):
    """For one van in one deployment."""

    type: Literal["command"]
    fleet: Identifier
    device: Identifier
    deployment: Identifier
    command: CommandKind
    number: CommandNumber
    made_at_utc: UtcText
    expires_at_utc: UtcText
    reason: PlainText
