"""`lfr-fleet init`, `key` and `van`: an authority, keys, and the vans that it knows."""

from __future__ import annotations

import argparse
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from edge.clock import SystemClock
from edge.config_file import BrokerSettings, load_yaml_model
from edge.errors import AuthorityInvalid, SignerUnusable
from edge.files import write_durably
from edge.trust.documents import canonical, public_hex
from edge.trust.keys import read_public_hex, seal_public_hex, write_private
from provisioning.commands.common import add_folder, add_secrets
from provisioning.development import PEOPLE, found_alone
from provisioning.fleet_folder import FOUNDING, FleetFolder, Function, Person
from provisioning.signers import (
    Passphrases,
    import_public,
    key_bytes,
    load_signer,
    read_public,
    write_key,
    write_public,
)  # fmt: skip
from provisioning.tuf_repository import TufRepository

_INIT = """\
Make an authority's folder, and the founding of its repository for people to sign.

Nobody's private key comes near it. Root's holders, the officers and the custodians each make a key of their own with
`lfr-fleet key new`, and hand over its public half; this command takes those. The founding is then signed by two of
root's holders and two of the officers and custodians (`lfr-fleet repo sign`), and published (`lfr-fleet repo publish`).

--development makes all keys here, without a passphrase, and signs at once: for a bench, never for operations.
"""


def add_parsers(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Mount the three."""
    _add_init(commands)
    _add_key(commands)
    _add_van(commands)


def _add_init(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    init = commands.add_parser(
        "init",
        help="make an authority's folder",
        description=_INIT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    init.add_argument("folder", type=Path, metavar="FOLDER")
    init.add_argument("--fleet", required=True, metavar="NAME", help="the fleet's id, as in every topic")
    init.add_argument(
        "--root", action="append", default=[], metavar="NAME=PUBLIC", help="a holder of root; three or more"
    )
    init.add_argument("--officer", action="append", default=[], metavar="NAME=PUBLIC", help="an authorising officer")
    init.add_argument("--custodian", action="append", default=[], metavar="NAME=PUBLIC", help="a data custodian")
    init.add_argument(
        "--staleness-s",
        type=int,
        default=900,
        help="life of a timestamp, s; for vans fed by stick, long (default: 900)",
    )
    init.add_argument("--broker", type=Path, metavar="FILE", help="YAML: host, port, ca_file, cert_file, key_file")
    init.add_argument("--development", action="store_true", help="make and use every key here")
    init.set_defaults(run=_init)


def _add_key(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    key = commands.add_parser("key", help="make a signing key, show one, or make a room's keys for a deployment")
    kinds = key.add_subparsers(required=True, metavar="COMMAND")
    new = kinds.add_parser("new", help="an Ed25519 key in a file with a passphrase; its public half beside it")
    new.add_argument("--out", type=Path, required=True, metavar="FILE")
    new.add_argument("--no-passphrase", action="store_true", help="for keys that a machine uses by itself")
    add_secrets(new)
    new.set_defaults(run=_key_new)
    show = kinds.add_parser(
        "show", help="key id and public half of a key file, a public file, or hsm:[ID][?label=TOKEN]"
    )
    show.add_argument("key", metavar="KEY")
    show.add_argument("--out", type=Path, metavar="FILE", help="write the public half there")
    add_secrets(show)
    show.set_defaults(run=_key_show)
    room = kinds.add_parser("room", help="a room's keys for one deployment: private halves stay with the room")
    room.add_argument("--out", type=Path, required=True, metavar="FOLDER")
    room.set_defaults(run=_key_room)


def _add_van(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    van = commands.add_parser("van", help="vans that the fleet believes, and their stocks of keys")
    kinds = van.add_subparsers(required=True, metavar="COMMAND")
    add = kinds.add_parser("add", help="believe what a signing key signs for a van")
    add.add_argument("device", metavar="DEVICE")
    add.add_argument("--signing-key", required=True, metavar="HEX|FILE", help="Ed25519 public key of the van")
    add_folder(add)
    add.set_defaults(run=_van_add)
    stock = kinds.add_parser("stock", help="take a key stock that a van published, from a file")
    stock.add_argument("file", type=Path, metavar="FILE")
    add_folder(stock)
    stock.set_defaults(run=_van_stock)
    listed = kinds.add_parser("list", help="every van and its unused keys")
    add_folder(listed)
    listed.set_defaults(run=_van_list)


def _init(options: argparse.Namespace) -> int:
    if options.development:
        if options.root or options.officer or options.custodian:
            raise AuthorityInvalid("--development makes its own keys; leave out --root, --officer and --custodian")
        return _found_alone(options)
    people = [person_of("root", text) for text in options.root]
    people += [person_of("officer", text) for text in options.officer]
    people += [person_of("custodian", text) for text in options.custodian]
    broker = _broker(options)
    fleet = FleetFolder.create(options.folder, options.fleet, people, SystemClock(), options.staleness_s, broker)
    draft = TufRepository.draft_founding(fleet.role_keys(), fleet.clock)
    write_durably(fleet.folder / FOUNDING, draft.to_bytes())
    print(f"{fleet.folder}: made; two of root's holders and two of the officers and custodians now sign:")
    print(f"  lfr-fleet repo sign {fleet.folder / FOUNDING} --key KEY")
    print(f"then: lfr-fleet repo publish {fleet.folder / FOUNDING} --authority {fleet.folder}")
    return 0


def _found_alone(options: argparse.Namespace) -> int:
    fleet = found_alone(options.folder, options.fleet, SystemClock(), options.staleness_s, _broker(options))
    print(f"{fleet.folder}: founded, for development: every key lies in {fleet.folder / PEOPLE}, without a passphrase")
    return 0


def _broker(options: argparse.Namespace) -> BrokerSettings | None:
    return load_yaml_model(options.broker, BrokerSettings) if options.broker else None


def person_of(function: Function, text: str) -> Person:
    """Somebody from NAME=PUBLIC. Raises: AuthorityInvalid, SignerUnusable."""
    name, separator, public = text.partition("=")
    if not separator or not 1 <= len(name) <= 100:
        raise AuthorityInvalid(f"--{function} {text!r}: need NAME=PUBLIC, PUBLIC being 64 hex digits or a .pub file")
    return Person(function, name, read_public(public))


def _key_new(options: argparse.Namespace) -> int:
    passphrase = None
    if not options.no_passphrase:
        passphrases = Passphrases(options.passphrase_file)
        passphrase = passphrases.give(f"passphrase for {options.out}")
        if not options.passphrase_file and passphrases.give("once more") != passphrase:
            raise SignerUnusable("the two are not the same; nothing was made")
    key = write_key(options.out, passphrase)
    print(f"{options.out}: key {key.keyid}; hand over {options.out}.pub, and keep the key")
    return 0


def _key_show(options: argparse.Namespace) -> int:
    passphrases = Passphrases(options.passphrase_file)
    if options.key.startswith("hsm:"):
        key = import_public(options.key, passphrases)
    elif options.key.endswith(".pub") or len(options.key) == 64:
        key = read_public(options.key)
    else:
        key = load_signer(options.key, passphrases).public_key
    print(f"key id {key.keyid}\n{key_bytes(key).decode()}")
    if options.out:
        write_public(options.out, key)
    return 0


def _key_room(options: argparse.Namespace) -> int:
    folder: Path = options.out
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    receipt, seal = Ed25519PrivateKey.generate(), X25519PrivateKey.generate()
    try:
        write_private(folder / "receipt.key", receipt)
        write_private(folder / "seal.key", seal)
    except FileExistsError as error:
        raise SignerUnusable(f"{error.filename}: there are keys already; each deployment has keys of its own") from None
    public = {"room_receipt_key_hex": public_hex(receipt), "room_seal_key_hex": seal_public_hex(seal)}
    write_durably(folder / "room-keys.json", canonical(public))
    print(f"{folder}: hand over {folder / 'room-keys.json'}; receipt.key and seal.key stay with the room (room.yaml)")
    return 0


def _van_add(options: argparse.Namespace) -> int:
    fleet = FleetFolder(options.authority, SystemClock())
    text: str = options.signing_key
    is_hex = len(text) == 64 and all(digit in "0123456789abcdefABCDEF" for digit in text)
    fleet.vans.add(options.device, text.lower() if is_hex else read_public_hex(Path(text)))
    print(f"van {options.device}: known; its key stock comes with: lfr-fleet serve, or stick read")
    return 0


def _van_stock(options: argparse.Namespace) -> int:
    fleet = FleetFolder(options.authority, SystemClock())
    device, newer = fleet.vans.take_stock(options.file.read_bytes())
    print(f"van {device}: {len(fleet.vans.get(device).unused)} unused keys" + ("" if newer else "; nothing newer here"))
    return 0


def _van_list(options: argparse.Namespace) -> int:
    for van in FleetFolder(options.authority, SystemClock()).vans.all():
        print(f"{van.device}  {van.signing_key_hex[:16]}…  {len(van.unused)} unused keys (stock {van.stock_number})")
    return 0
