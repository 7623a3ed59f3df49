"""Commands for tests: any fields, signed by anybody, in the event that carries them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge.clock import utc_text
from edge.trust.documents import canonical, public_hex
from tests.vectors.make_vectors import event


def command_event(fields: dict[str, Any], *keys: Ed25519PrivateKey) -> bytes:
    """Whatever the fields say."""
    message = canonical(fields)
    signatures = [{"keyid": public_hex(key), "sig": key.sign(message).hex()} for key in keys]
    data = {"signed": fields, "signatures": signatures}
    return canonical(event(data, type="lfr-edge.command.v1", source="/lfr/v1/x/fleet"))


def command_fields(command: str, number: int, made_at: datetime, **changes: Any) -> dict[str, Any]:
    """A command as COMMANDS.md asks for it, living as long as it may."""
    life = timedelta(seconds=86_400 if command == "suspend" else 3_600)
    return {
        "type": "command",
        "fleet": "fleet-1",
        "device": "van-1",
        "deployment": "market-square",
        "command": command,
        "number": number,
        "made_at_utc": utc_text(made_at),
        "expires_at_utc": utc_text(made_at + life),
        "reason": "the lens is dirty",
        **changes,
    }
