"""`lfr-fleet order suspend`, `resume`, `countersign` and `send`: what stops vans, and what lets them go on."""

from __future__ import annotations

import argparse
import threading
from collections.abc import Sequence
from pathlib import Path

from edge.errors import AuthorityInvalid, BrokerUnreachable
from edge.formats.commands import Command, CommandKind
from provisioning.commanding import (
    commands_in,
    draft_commands,
    outcomes,
    read_sheet,
    send_commands,
    sign_commands,
    write_sheet,
)  # fmt: skip
from provisioning.commands.common import (
    add_folder,
    add_keys,
    add_push,
    add_signing,
    each_signer,
    open_fleet,
    open_signers,
)
from provisioning.fleet_folder import FleetFolder
from provisioning.serve import Server

BROKER_WAIT_S = 30.0
OBEYED_WAIT_S = 15.0
LOOK_EVERY_S = 0.2
NOT_ALL = 1

_SUSPEND = """\
Stop the vans of a deployment: camera closed, nothing matched, the list kept, until two resume it.

One signature suspends: officer, custodian, or the fleet itself, as the policy profile lists them (the room has
lfr-room suspend). Without --key the deployment's log key signs, for the fleet. The command lives for 24 hours on the
broker, for vans that come back later; the suspension lasts until it is resumed. It is in force when a van's heartbeat
says so, which is waited for; exit code 1: not every van has said so yet.
"""

_RESUME = """\
Let suspended vans of a deployment go on. Two sign, of those who may put entries on together (officer and custodian
unless the order names others), whoever suspended. Where they do not sit at one machine, --out writes what is to be
signed; the other signs with order countersign, and order send publishes it, all within the hour that it lives.
"""


def add_parsers(kinds: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Mount them below `order`."""
    raw = argparse.RawDescriptionHelpFormatter
    suspend = kinds.add_parser(
        "suspend", help="stop vans at once; one signs", description=_SUSPEND, formatter_class=raw
    )
    resume = kinds.add_parser("resume", help="let them go on; two sign", description=_RESUME, formatter_class=raw)
    for parser, run in ((suspend, _suspend), (resume, _resume)):
        parser.add_argument("deployment", metavar="DEPLOYMENT")
        parser.add_argument("--reason", required=True, help="1 to 200 characters; anybody at the broker reads it")
        parser.add_argument("--vans", default="", metavar="DEVICE[,DEVICE…]", help="default: all of the order")
        parser.set_defaults(run=run)
    add_keys(suspend, several=False, required=False)
    add_keys(resume, several=True)
    resume.add_argument("--out", type=Path, metavar="FILE", help="where another is to sign it elsewhere")
    add_signing(kinds, "countersign", "file", "show a resumption, ask, and sign it", _countersign)
    send = kinds.add_parser("send", help="publish a resumption that two have signed")
    send.add_argument("file", type=Path, metavar="FILE")
    send.set_defaults(run=_send)
    for parser in (suspend, resume, send):
        add_folder(parser)
        add_push(parser)


def _suspend(options: argparse.Namespace) -> int:
    fleet = open_fleet(options)
    signers = open_signers(options) if options.key else [fleet.ledger(options.deployment).log_signer()]
    drafts = _drafts(fleet, options, "suspend")
    for signer in signers:
        drafts = sign_commands(drafts, signer)
    return _publish(fleet, drafts, options.no_push)


def _resume(options: argparse.Namespace) -> int:
    fleet = open_fleet(options)
    signers = open_signers(options)
    drafts = _drafts(fleet, options, "resume")
    for signer in signers:
        drafts = sign_commands(drafts, signer)
    if options.out:
        write_sheet(options.out, drafts)
        print(f"{options.out}: another signs it with: lfr-fleet order countersign {options.out} --key KEY")
        return 0
    return _publish(fleet, drafts, options.no_push)


def _countersign(options: argparse.Namespace) -> int:
    documents = read_sheet(options.file)
    for command in commands_in(documents):
        print(_describe(command))
    for signer in each_signer(options):
        documents = sign_commands(documents, signer)
        write_sheet(options.file, documents)
    return 0


def _send(options: argparse.Namespace) -> int:
    return _publish(open_fleet(options), read_sheet(options.file), options.no_push)


def _drafts(fleet: FleetFolder, options: argparse.Namespace, kind: CommandKind) -> list[bytes]:
    vans = [each.strip() for each in options.vans.split(",") if each.strip()]
    return draft_commands(fleet, options.deployment, kind, options.reason, vans)


def _publish(fleet: FleetFolder, documents: Sequence[bytes], no_push: bool) -> int:
    if fleet.settings.broker is None:
        raise AuthorityInvalid(
            f"{fleet.folder / 'fleet.yaml'}: no broker, and a command travels by message alone; stop the van by hand"
        )
    commands = send_commands(fleet, documents)
    for command in commands:
        print(_describe(command))
    if no_push:
        print("serve publishes it")
        return 0
    with fleet.serving() as ours:
        if ours:
            _speak(fleet, commands)
        else:
            print("lfr-fleet serve is running and publishes it")
            _await(fleet, commands)
    obeyed = outcomes(fleet, commands)
    for device, says in obeyed.items():
        print(f"{device}: obeyed; {says}")
    late = [command.device for command in commands if command.device not in obeyed]
    if late:
        print(f"not heard of yet: {', '.join(late)}; a van that comes back obeys it: lfr-fleet status tells")
    return NOT_ALL if late else 0


def _speak(fleet: FleetFolder, commands: Sequence[Command]) -> None:
    """To the broker, and listen for what vans say. Raises: BrokerUnreachable."""
    said: list[str] = []
    server = Server(fleet, said.append)
    server.connection.start()
    try:
        until_s = fleet.clock.monotonic_s() + BROKER_WAIT_S
        while server.outgoing.waiting:
            server.step(LOOK_EVERY_S)
            if fleet.clock.monotonic_s() >= until_s:
                raise BrokerUnreachable(f"the broker did not take it in {BROKER_WAIT_S:.0f} s: {'; '.join(said[-2:])}")
        until_s = fleet.clock.monotonic_s() + OBEYED_WAIT_S
        while len(outcomes(fleet, commands)) < len(commands) and fleet.clock.monotonic_s() < until_s:
            server.step(LOOK_EVERY_S)
            server.heard.save()
    finally:
        server.heard.save()
        server.connection.stop()


def _await(fleet: FleetFolder, commands: Sequence[Command]) -> None:
    until_s = fleet.clock.monotonic_s() + OBEYED_WAIT_S
    pause = threading.Event()
    while len(outcomes(fleet, commands)) < len(commands) and fleet.clock.monotonic_s() < until_s:
        pause.wait(LOOK_EVERY_S)


def _describe(command: Command) -> str:
    return (
        f"{command.command} {command.device} in {command.deployment}, number {command.number}, to be obeyed before "
        f"{command.expires_at_utc}: {command.reason}"
    )
