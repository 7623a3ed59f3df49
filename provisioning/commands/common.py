"""What the commands share: the folder, passphrases, signers, and handing changes to the broker."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from securesystemslib.signer import Signer

from edge.clock import SystemClock
from edge.errors import AuthorityInvalid
from provisioning.fleet_folder import FleetFolder
from provisioning.serve import Server
from provisioning.signers import Passphrases, load_signer, read_public

FOLDER_VARIABLE = "LFR_FLEET"
PUSH_TIMEOUT_S = 120.0


def add_folder(parser: argparse.ArgumentParser) -> None:
    """Which authority is meant."""
    parser.add_argument(
        "--authority",
        type=Path,
        default=Path(os.environ.get(FOLDER_VARIABLE, ".")),
        metavar="FOLDER",
        help=f"the authority's folder (default: ${FOLDER_VARIABLE}, or the current folder)",
    )


def add_keys(parser: argparse.ArgumentParser, several: bool, required: bool = True) -> None:
    """Who signs. several: more than one may."""
    parser.add_argument(
        "--key",
        action="append",
        required=required,
        metavar="KEY",
        help="key file, or a signer's URI such as hsm:2?label=TOKEN" + ("; once for each who signs" if several else ""),
    )
    add_secrets(parser)


def add_secrets(parser: argparse.ArgumentParser) -> None:
    """Where passphrases are."""
    parser.add_argument(
        "--passphrase-file",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="passphrase or PIN in its first line; once for all keys, or once for each that needs one",
    )
    parser.add_argument("--public", metavar="FILE", help="public half, for a URI that does not tell it (a cloud's KMS)")


def add_signing(
    kinds: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    what: str,
    says: str,
    run: Callable[[argparse.Namespace], int],
    several: bool = False,
) -> None:
    """A command that shows something, asks, and signs it. what: the argument's name, a path."""
    parser = kinds.add_parser(name, help=says)
    parser.add_argument(what, type=Path, metavar=what.upper())
    parser.add_argument("--yes", action="store_true", help="do not ask: it was read elsewhere")
    add_keys(parser, several)
    parser.set_defaults(run=run)


def add_push(parser: argparse.ArgumentParser) -> None:
    """Whether the broker is to know at once."""
    parser.add_argument(
        "--no-push", action="store_true", help="change the folder alone; serve or a stick does the rest"
    )


def open_fleet(options: argparse.Namespace) -> FleetFolder:
    """Raises: AuthorityInvalid, ConfigInvalid."""
    return FleetFolder(options.authority, SystemClock())


def open_signers(options: argparse.Namespace) -> list[Signer]:
    """Raises: SignerUnusable."""
    passphrases = Passphrases(options.passphrase_file)
    public = read_public(options.public) if options.public else None
    return [load_signer(each, passphrases, public) for each in options.key]


def each_signer(options: argparse.Namespace) -> Iterator[Signer]:
    """Who signs, one after the other: asked before, told after. Raises: SignerUnusable, AuthorityInvalid."""
    for signer in open_signers(options):
        key = f"key {signer.public_key.keyid[:16]}…"
        confirm(f"sign it with {key}?", options.yes)
        yield signer
        print(f"signed with {key}")


def confirm(question: str, yes: bool) -> None:
    """Raises: AuthorityInvalid unless the person says yes."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise AuthorityInvalid("nothing is signed unseen: there is no terminal to ask at; read it, then give --yes")
    if input(f"{question} [yes/no] ").strip().lower() != "yes":
        raise AuthorityInvalid("not signed")


def hand_over(fleet: FleetFolder, no_push: bool) -> None:
    """Bring the broker in step with the folder, unless serve does. Raises: BrokerUnreachable."""
    if no_push:
        return
    if fleet.settings.broker is None:
        print("no broker in fleet.yaml; bring it to the vans with: lfr-fleet stick write FOLDER")
        return
    with fleet.serving() as ours:
        if not ours:
            print("lfr-fleet serve is running and publishes it")
            return
        server = Server(fleet, lambda line: None)
        server.connection.start()
        try:
            server.settle(PUSH_TIMEOUT_S)
        finally:
            server.heard.save()
            server.connection.stop()
        print(f"published: {server.messages_published} messages, {server.bytes_published:,} bytes")


def say(lines: Sequence[str]) -> None:
    """One a line."""
    print("\n".join(lines))
