"""`lfr-fleet order`: drafted by one, signed by two, published by the fleet, suspended, closed by any closer."""

from __future__ import annotations

import argparse
from pathlib import Path

from edge.errors import AuthorityInvalid, PackInvalid
from edge.trust.packs import read_manifest
from provisioning.built_list import read_built
from provisioning.built_people import references_of
from provisioning.commands import suspending
from provisioning.commands.common import (
    add_folder,
    add_keys,
    add_push,
    add_signing,
    confirm,
    hand_over,
    open_fleet,
    open_signers,
)  # fmt: skip
from provisioning.draft_folder import open_draft, save_draft
from provisioning.ending import close_deployment
from provisioning.list_now import order_now
from provisioning.order_draft import draft_log_key, draft_order, publish_order, withdraw
from provisioning.order_terms import DELTA_ENTRIES, OrderTerms, read_room_keys, read_time
from provisioning.order_text import describe, order_lines
from provisioning.policy_profiles import profile
from provisioning.signers import read_public
from provisioning.thresholds import set_threshold

FPIR = 0.001
"""One false alarm for a thousand faces that pass: the ceiling of the field's guidance, and of both profiles."""

_DRAFT = """\
Seal a built list to keys of the vans' stocks, and write the order that pins it, for officer and custodian to sign.

The draft folder may travel to them; content key and sealed list stay in the authority's folder. The threshold comes
from the pack's calibration for --fpir on a list as long as --entries-max allows; its certificate goes into the order.
"""


def add_parsers(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Mount them."""
    order = commands.add_parser("order", help="what authorises a deployment: draft, sign, publish, suspend, close")
    kinds = order.add_subparsers(required=True, metavar="COMMAND")
    _add_draft(kinds)
    show = kinds.add_parser("show", help="a draft folder, or a published deployment, in plain language")
    show.add_argument("order", metavar="DRAFT|DEPLOYMENT")
    add_folder(show)
    show.set_defaults(run=_show)
    add_signing(kinds, "sign", "draft", "show a draft, ask, and sign it", _sign)
    publish = kinds.add_parser("publish", help="publish an order that both have signed, with its sealed list")
    publish.add_argument("draft", type=Path, metavar="DRAFT")
    add_folder(publish)
    add_push(publish)
    publish.set_defaults(run=_publish)
    close = kinds.add_parser("close", help="end a deployment for good, by one closer")
    close.add_argument("deployment", metavar="DEPLOYMENT")
    close.add_argument("--reason", required=True, help="1 to 200 characters")
    add_keys(close, several=False)
    add_folder(close)
    add_push(close)
    close.set_defaults(run=_close)
    log = kinds.add_parser("new-log-key", help="draft another key for a deployment's log; both sign it as an order")
    log.add_argument("deployment", metavar="DEPLOYMENT")
    log.add_argument("--out", type=Path, required=True, metavar="DRAFT", help="folder for the draft")
    add_folder(log)
    log.set_defaults(run=_new_log_key)
    suspending.add_parsers(kinds)
    drop = kinds.add_parser("withdraw", help="forget a draft that is not to be published, with its keys")
    drop.add_argument("deployment", metavar="DEPLOYMENT")
    add_folder(drop)
    drop.set_defaults(run=_withdraw)


def _add_draft(kinds: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    draft = kinds.add_parser(
        "draft",
        help="seal a list and write an order for two to sign",
        description=_DRAFT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    draft.add_argument("deployment", metavar="DEPLOYMENT", help="a new id: lower-case letters, digits and '-'")
    draft.add_argument("--build", type=Path, required=True, metavar="BUILD", help="what watchlist build made")
    draft.add_argument("--pack", type=Path, required=True, metavar="PACK", help="folder of the pack that the vans run")
    draft.add_argument("--officer", required=True, metavar="WHO", help="name or key id, as given to init")
    draft.add_argument("--custodian", required=True, metavar="WHO")
    draft.add_argument("--vans", required=True, metavar="DEVICE[,DEVICE…]")
    draft.add_argument("--place", required=True)
    draft.add_argument("--use-case", required=True)
    draft.add_argument("--legal-basis", required=True)
    draft.add_argument("--from", dest="begin", required=True, metavar="UTC", help="2026-01-31T09:00Z")
    draft.add_argument("--to", dest="end", required=True, metavar="UTC")
    draft.add_argument("--room", type=Path, required=True, metavar="FILE", help="room-keys.json, from: key room")
    draft.add_argument("--policy", default="uk", help="policy profile (default: %(default)s)")
    draft.add_argument("--fpir", type=float, default=FPIR, help="false alarms for each search (default: %(default)s)")
    draft.add_argument("--threshold", type=float, help="a similarity chosen by hand; the order says so")
    draft.add_argument("--backend", help="what the vans compute with (default: what the list was built with)")
    draft.add_argument(
        "--entries-max", type=int, help="how long the list may become (default: a delta longer than now)"
    )
    draft.add_argument(
        "--delta-entries-max", type=int, help=f"entries that a delta may change (default: {DELTA_ENTRIES})"
    )
    draft.add_argument("--delta-signer", action="append", default=[], metavar="PUBLIC", help="default: the two signers")
    draft.add_argument("--closer", action="append", default=[], metavar="PUBLIC", help="default: the two signers")
    draft.add_argument("--alert-retention-h", type=float, help="default: the policy's ceiling, 24 h at most")
    draft.add_argument("--staleness-s", type=int, help="default: the life of this fleet's timestamps")
    draft.add_argument("--out", type=Path, required=True, metavar="DRAFT", help="folder for the draft")
    add_folder(draft)
    draft.set_defaults(run=_draft)


def _draft(options: argparse.Namespace) -> int:
    fleet = open_fleet(options)
    built = read_built(options.build)
    if read_manifest(options.pack)[1] != built.pack_sha256:
        raise PackInvalid(f"{options.pack}: not the pack that {options.build} was built with; build it again")
    policy, policy_bytes = profile(options.policy)
    delta_entries_max = options.delta_entries_max or min(DELTA_ENTRIES, policy.delta_entries_max)
    entries_max = options.entries_max or min(len(built.ids) + delta_entries_max, policy.entries_max)
    backend = options.backend or built.backend
    terms = OrderTerms(
        deployment=options.deployment,
        officer=fleet.person(options.officer, "officer"),
        custodian=fleet.person(options.custodian, "custodian"),
        vans=tuple(dict.fromkeys(each.strip() for each in options.vans.split(",") if each.strip())),
        place=options.place,
        use_case=options.use_case,
        legal_basis=options.legal_basis,
        not_before=read_time(options.begin),
        not_after=read_time(options.end),
        policy=policy,
        threshold=set_threshold(options.pack, backend, entries_max, options.fpir, options.threshold),
        entries_max=entries_max,
        delta_entries_max=delta_entries_max,
        room=read_room_keys(options.room),
        alert_retention_h=options.alert_retention_h or min(24.0, policy.alert_retention_h_max),
        staleness_s=options.staleness_s or min(fleet.settings.staleness_s, policy.staleness_s_max),
        delta_signers=tuple(read_public(each).keyid for each in options.delta_signer),
        closers=tuple(read_public(each).keyid for each in options.closer),
    )
    draft = draft_order(fleet, terms, built, policy_bytes, references_of(options.build), options.out)
    print(describe(draft))
    print(f"  threshold      {terms.threshold.words}")
    print(f"\neach of them, at a machine of their own: lfr-fleet order sign {options.out} --key KEY")
    return 0


def _show(options: argparse.Namespace) -> int:
    if Path(options.order).is_dir():
        print(describe(open_draft(Path(options.order))))
        return 0
    fleet = open_fleet(options)
    with fleet.changing():
        order = order_now(fleet.repository(), options.order)
    print("\n".join(order_lines(order, None, None)))
    return 0


def _sign(options: argparse.Namespace) -> int:
    opened = open_draft(options.draft)
    print(describe(opened) + "\n")
    order = opened.order
    names = {each.key_id: each.name for each in (order.authorising_officer, order.data_custodian)}
    for signer in open_signers(options):
        key_id = signer.public_key.keyid
        if key_id not in names:
            raise AuthorityInvalid(f"key {key_id[:16]}… is neither the officer's nor the custodian's of this order")
        confirm(f"sign order {order.deployment} as {names[key_id]}?", options.yes)
        opened.draft.sign(signer)
        save_draft(options.draft, opened.draft)
        print(f"signed as {names[key_id]}")
    return 0


def _publish(options: argparse.Namespace) -> int:
    fleet = open_fleet(options)
    order = publish_order(fleet, options.draft)
    print(f"order {order.deployment} is in the repository, for {', '.join(sorted(order.vans))}")
    hand_over(fleet, options.no_push)
    return 0


def _close(options: argparse.Namespace) -> int:
    fleet = open_fleet(options)
    signers = open_signers(options)
    if len(signers) != 1:
        raise AuthorityInvalid("one closer ends it; give one --key")
    count = close_deployment(fleet, options.deployment, options.reason, signers[0])
    print(
        f"deployment {options.deployment} is closed; {count} files with its keys were overwritten and removed. What "
        "flash, snapshots and backups of this machine kept, this cannot reach."
    )
    hand_over(fleet, options.no_push)
    return 0


def _new_log_key(options: argparse.Namespace) -> int:
    print(describe(draft_log_key(open_fleet(options), options.deployment, options.out)))
    return 0


def _withdraw(options: argparse.Namespace) -> int:
    fleet = open_fleet(options)
    with fleet.changing():
        count = withdraw(fleet.ledger(options.deployment))
    print(f"draft {options.deployment} is withdrawn; {count} files destroyed")
    return 0
