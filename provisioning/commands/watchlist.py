"""`lfr-fleet watchlist`: built, and changed while it is in force."""

from __future__ import annotations

import argparse
from pathlib import Path

from securesystemslib.signer import Signer

from edge.errors import AuthorityInvalid
from edge.files import write_durably
from edge.formats.watchlists import WatchlistBase, WatchlistDelta
from edge.trust.documents import DOCUMENT_MAX_BYTES, parse_strict
from provisioning import build_command
from provisioning.built_list import read_built
from provisioning.built_people import read_people, references_of
from provisioning.commands.common import (
    add_folder,
    add_keys,
    add_push,
    add_signing,
    each_signer,
    hand_over,
    open_fleet,
    open_signers,
)
from provisioning.fleet_folder import FleetFolder
from provisioning.list_change import draft_base, draft_delta, find_entries, publish_item
from provisioning.list_now import list_now
from provisioning.room_bundle import bundle_name, seal_bundle
from provisioning.signers import add_signature, signed_fields

Item = WatchlistDelta | WatchlistBase

_BUNDLE = """\
Seal names, reasons and photographs of a build's entries to the key of the room that the order names, until the order's
end. The file goes to the room by hand or over your own network, into its bundle_dir, where it is deleted at the end.
Once it is sealed, the build's folder has done its work: remove it."""


def add_parsers(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Mount them."""
    watchlist = commands.add_parser("watchlist", help="build a list; change it while it is in force")
    kinds = watchlist.add_subparsers(required=True, metavar="COMMAND")
    build_command.add_parser(kinds)
    push = kinds.add_parser("push", help="bring the broker in step with the folder, now")
    add_folder(push)
    push.set_defaults(run=_push)
    listed = kinds.add_parser("list", help="what is in force: ids, categories, references")
    listed.add_argument("deployment", metavar="DEPLOYMENT")
    add_folder(listed)
    listed.set_defaults(run=_list)
    add = kinds.add_parser("add", help="put the entries of a build on; two sign")
    add.add_argument("deployment", metavar="DEPLOYMENT")
    add.add_argument("build", type=Path, metavar="BUILD")
    remove = kinds.add_parser("remove", help="take entries off; one signs")
    remove.add_argument("deployment", metavar="DEPLOYMENT")
    remove.add_argument("entries", nargs="+", metavar="REFERENCE|ENTRY")
    compact = kinds.add_parser("compact", help="a new base under a new content key; two sign")
    compact.add_argument("deployment", metavar="DEPLOYMENT")
    revoke = kinds.add_parser("revoke-van", help="a new base whose content key some vans do not get; two sign")
    revoke.add_argument("deployment", metavar="DEPLOYMENT")
    revoke.add_argument("vans", nargs="+", metavar="DEVICE")
    for parser, run in ((add, _add), (remove, _remove), (compact, _compact), (revoke, _revoke)):
        add_keys(parser, several=True)
        parser.add_argument(
            "--out", type=Path, metavar="ITEM", help="where another is to sign it elsewhere: the item's file"
        )
        add_folder(parser)
        add_push(parser)
        parser.set_defaults(run=run)
    bundle = kinds.add_parser(
        "bundle",
        help="seal to the room who the entries of a build are",
        description=_BUNDLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    bundle.add_argument("deployment", metavar="DEPLOYMENT")
    bundle.add_argument("build", type=Path, metavar="BUILD", help="what watchlist build made, and is on the list")
    bundle.add_argument(
        "--out", type=Path, metavar="FILE", help="default: DEPLOYMENT.bundle, or DEPLOYMENT-ITEM.bundle for additions"
    )
    add_folder(bundle)
    bundle.set_defaults(run=_bundle)
    add_signing(kinds, "sign", "item", "show an item, ask, and sign it", _sign)
    publish = kinds.add_parser("publish", help="publish an item that its signers have signed")
    publish.add_argument("item", type=Path, metavar="ITEM")
    add_folder(publish)
    add_push(publish)
    publish.set_defaults(run=_publish)


def _push(options: argparse.Namespace) -> int:
    fleet = open_fleet(options)
    if fleet.settings.broker is None:
        raise AuthorityInvalid(f"{fleet.folder / 'fleet.yaml'}: no broker to push to")
    hand_over(fleet, no_push=False)
    return 0


def _list(options: argparse.Namespace) -> int:
    fleet = open_fleet(options)
    ledger = fleet.ledger(options.deployment)
    with fleet.changing():
        now = list_now(fleet.repository(), ledger)
        names = {entry_id: name for name, entry_id in ledger.references(now.state.epoch).items()}
    for entry in now.entries.values():
        print(f"{entry.id}  {entry.category:22} {entry.response:6} {names.get(entry.id, '')}".rstrip())
    print(f"{len(now.entries):,} entries; epoch {now.state.epoch}, sequence {now.state.sequence}")
    return 0


def _add(options: argparse.Namespace) -> int:
    fleet = open_fleet(options)
    built = read_built(options.build)
    signers_first = open_signers(options)
    data = draft_delta(fleet, options.deployment, built=built, references=references_of(options.build))
    return _finish(fleet, options, data, signers_first)


def _remove(options: argparse.Namespace) -> int:
    fleet = open_fleet(options)
    signers_first = open_signers(options)
    ledger = fleet.ledger(options.deployment)
    with fleet.changing():
        ids = find_entries(ledger, list_now(fleet.repository(), ledger), options.entries)
    return _finish(fleet, options, draft_delta(fleet, options.deployment, removes=ids), signers_first)


def _compact(options: argparse.Namespace) -> int:
    fleet = open_fleet(options)
    signers_first = open_signers(options)
    return _finish(fleet, options, draft_base(fleet, options.deployment), signers_first)


def _revoke(options: argparse.Namespace) -> int:
    fleet = open_fleet(options)
    signers_first = open_signers(options)
    return _finish(fleet, options, draft_base(fleet, options.deployment, options.vans), signers_first)


def _finish(fleet: FleetFolder, options: argparse.Namespace, data: bytes, signers: list[Signer]) -> int:
    for signer in signers:
        data = add_signature(data, signer)
    print(_describe(data))
    if options.out:
        write_durably(options.out, data)
        print(f"{options.out}: another signs it with: lfr-fleet watchlist sign {options.out} --key KEY")
        return 0
    return _publish_data(fleet, data, options.no_push)


def _bundle(options: argparse.Namespace) -> int:
    fleet = open_fleet(options)
    ledger = fleet.ledger(options.deployment)
    with fleet.changing():
        now = list_now(fleet.repository(), ledger)
    listed = [now.since[each.entry_id] for each in read_people(options.build) if each.entry_id in now.since]
    if not listed:
        raise AuthorityInvalid(
            f"{options.build}: none of its entries is on the list of {options.deployment}; publish the order or the "
            f"addition first, or give the build that it was made of"
        )
    part = max(listed)
    out = options.out or Path(bundle_name(options.deployment, part))
    order = now.order
    fingerprint = seal_bundle(
        options.build, out, fleet.fleet, order.deployment, order.room_seal_key_hex, order.not_after_utc, part
    )
    print(f"{out}: sealed to the room, until {order.not_after_utc}; fingerprint {fingerprint}: the room shows the same")
    print(f"remove {options.build} now: names, faces and templates lie there in the clear")
    return 0


def _sign(options: argparse.Namespace) -> int:
    data = _read(options.item)
    print(_describe(data))
    for signer in each_signer(options):
        data = add_signature(data, signer)
        write_durably(options.item, data)
    return 0


def _publish(options: argparse.Namespace) -> int:
    return _publish_data(open_fleet(options), _read(options.item), options.no_push)


def _publish_data(fleet: FleetFolder, data: bytes, no_push: bool) -> int:
    item = publish_item(fleet, data, _item_of(data).deployment)
    print(f"item {item.sequence} of {item.deployment} is in the repository")
    hand_over(fleet, no_push)
    return 0


def _describe(data: bytes) -> str:
    item = _item_of(data)
    where = f"item {item.sequence} of {item.deployment}, epoch {item.epoch}: "
    if isinstance(item, WatchlistBase):
        return where + f"a new base of {item.entries:,} entries, manifest {item.manifest_sha256}"
    lines = [where + f"takes {len(item.removes)} off, puts {item.adds} on; {item.entries_after:,} entries then"]
    lines += [f"  off  {entry_id}" for entry_id in item.removes]
    lines += [f"  on   sealed in {sha256}" for sha256 in item.adds_sha256]
    return "\n".join(lines)


def _item_of(data: bytes) -> Item:
    value = parse_strict(data)
    signed = value.get("signed") if isinstance(value, dict) else None
    kind = signed.get("type") if isinstance(signed, dict) else None
    item, _ = signed_fields(data, WatchlistBase if kind == "watchlist_base" else WatchlistDelta)
    assert isinstance(item, WatchlistDelta | WatchlistBase)
    return item


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(DOCUMENT_MAX_BYTES + 1)
    except OSError as error:
        raise AuthorityInvalid(f"{path}: {error.strerror}; need the item that add, remove or compact wrote") from None
