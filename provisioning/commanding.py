"""Commands of a deployment: drafted for each van, signed by whom its order lets, left for the broker (COMMANDS.md).

Every command is held against the order before it leaves, by the van's own code: a wrong key shows here.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from pathlib import Path

from pydantic import Field, ValidationError
from securesystemslib.signer import Signer

from edge.clock import utc_text
from edge.errors import AuthorityInvalid, DocumentInvalid, SignatureInvalid
from edge.files import write_durably
from edge.formats.commands import LIFE_MAX_S, Command, CommandKind
from edge.formats.documents import Document
from edge.formats.orders import Order
from edge.trust.commands import NOTHING_OBEYED, commanders_of, open_command
from edge.trust.documents import as_document, canonical, parse_strict
from edge.trust.envelope import wrap
from edge.trust.policy import open_policy
from provisioning.draft_folder import policy_file
from provisioning.durable import write_private
from provisioning.fleet_folder import FleetFolder
from provisioning.heard import Heard
from provisioning.list_now import order_now
from provisioning.signers import add_signature, sign_document, signed_fields

SHEET_MAX_BYTES = 8 * 1024 * 1024
FOLDER = "commands"


def draft_commands(
    fleet: FleetFolder, deployment: str, kind: CommandKind, reason: str, vans: Collection[str]
) -> list[bytes]:
    """A command for each of these vans, or for all of the deployment, without a signature yet.

    Raises: AuthorityInvalid, DocumentInvalid for a reason out of form.
    """
    with fleet.changing():
        order = _running(fleet, deployment)
    strangers = sorted(set(vans) - set(order.vans))
    if strangers:
        raise AuthorityInvalid(f"{', '.join(strangers)}: not among the vans of {deployment}: {', '.join(order.vans)}")
    now = fleet.clock.now_utc()
    heard = Heard(fleet)
    drafts = []
    for device in sorted(vans or order.vans):
        fields = {
            "type": "command",
            "fleet": fleet.fleet,
            "device": device,
            "deployment": deployment,
            "command": kind,
            "number": max(int(now.timestamp() * 1000), 1 + obeyed_number(heard, device, deployment)),
            "made_at_utc": utc_text(now),
            "expires_at_utc": utc_text(now + timedelta(seconds=LIFE_MAX_S[kind])),
            "reason": reason,
        }
        drafts.append(sign_document(as_document(fields, Command), []))
    return drafts


def sign_commands(documents: Sequence[bytes], signer: Signer) -> list[bytes]:
    """Raises: SignerUnusable, DocumentInvalid."""
    return [add_signature(document, signer) for document in documents]


def commands_in(documents: Sequence[bytes]) -> list[Command]:
    """What they say; nothing is verified. Raises: DocumentInvalid."""
    found = [signed_fields(document, Command)[0] for document in documents]
    return [each for each in found if isinstance(each, Command)]


def send_commands(fleet: FleetFolder, documents: Sequence[bytes]) -> list[Command]:
    """Leave them where whoever speaks to the broker finds them; what they say.

    Raises: SignatureInvalid when those who signed may not, or are too few; CommandExpired, AuthorityInvalid, OSError.
    """
    events: dict[Path, bytes] = {}
    commands = commands_in(documents)
    with fleet.changing():
        for command, document in zip(commands, documents, strict=True):
            order = _running(fleet, command.deployment)
            source = f"/lfr/v1/{fleet.fleet}/fleet"
            event = wrap(document, str(uuid.uuid4()), source, "command", command.made_at_utc)
            policy = open_policy(fleet.repository().file(policy_file(order.policy)), order.policy)
            log_key = fleet.ledger(command.deployment).log_signer().public_key.keyid
            commanders = commanders_of(order, policy, {log_key})
            try:
                open_command(event, order, command.device, commanders, NOTHING_OBEYED, fleet.clock.now_utc())
            except SignatureInvalid as error:
                raise SignatureInvalid(
                    f"{error}; under policy {policy.name} {policy.version} one of {', '.join(policy.may_suspend)} "
                    "suspends, and two of the order's delta signers resume"
                ) from None
            events[fleet.folder / FOLDER / f"{command.deployment}.{command.device}.json"] = event
    (fleet.folder / FOLDER).mkdir(mode=0o700, exist_ok=True)
    for path, event in events.items():
        write_private(path, event)
    return commands


def obeyed_number(heard: Heard, device: str, deployment: str) -> int:
    """The highest number that a van has said to have obeyed in a deployment."""
    beat = heard.words(device).health
    return (beat.command_number or 0) if beat is not None and beat.deployment == deployment else 0


def outcomes(fleet: FleetFolder, commands: Sequence[Command]) -> Mapping[str, str]:
    """By van, what its last heartbeat says of a command; vans that have not obeyed yet are left out."""
    heard = Heard(fleet)
    found = {}
    for command in commands:
        beat = heard.words(command.device).health
        if beat is not None and obeyed_number(heard, command.device, command.deployment) >= command.number:
            found[command.device] = beat.suspended_because or beat.state
    return found


class _Sheet(Document):
    commands: list[str] = Field(min_length=1, max_length=1000)


def write_sheet(path: Path, documents: Sequence[bytes]) -> None:
    """Commands that another is to sign elsewhere. Raises: OSError."""
    write_durably(path, canonical({"commands": [document.decode() for document in documents]}))


def read_sheet(path: Path) -> list[bytes]:
    """Raises: AuthorityInvalid, DocumentInvalid, DocumentTooLarge."""
    try:
        with path.open("rb") as file:
            data = file.read(SHEET_MAX_BYTES + 1)
        sheet = _Sheet.model_validate(parse_strict(data, SHEET_MAX_BYTES))
    except OSError as error:
        raise AuthorityInvalid(f"{path}: {error.strerror}; need the file that --out wrote") from None
    except ValidationError as error:
        raise DocumentInvalid(f"{path}: no file of commands: {error.errors()[0]['msg']}") from None
    return [each.encode() for each in sheet.commands]


def _running(fleet: FleetFolder, deployment: str) -> Order:
    state = fleet.ledger(deployment).read().state
    if state != "published":
        raise AuthorityInvalid(f"deployment {deployment} is {state}; no van of it watches")
    return order_now(fleet.repository(), deployment)
