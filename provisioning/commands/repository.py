"""`lfr-fleet repo`: drafts of the repository that people sign: its founding, policies, renewals, other keys."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

from edge.errors import AuthorityInvalid
from edge.files import write_durably
from provisioning.commands.common import (
    add_folder,
    add_push,
    add_signing,
    each_signer,
    hand_over,
    open_fleet,
)  # fmt: skip
from provisioning.commands.founding import person_of
from provisioning.fleet_folder import ONLINE, FleetFolder, Person
from provisioning.policy_profiles import profile
from provisioning.signers import Passphrases, load_signer, write_key
from provisioning.tuf_draft import DRAFT_MAX_BYTES, Draft
from provisioning.tuf_repository import OnlineSigners, TufRepository


def add_parsers(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Mount them."""
    repo = commands.add_parser("repo", help="the repository: founding, policy profiles, renewals, rotation of keys")
    kinds = repo.add_subparsers(required=True, metavar="COMMAND")
    policy = kinds.add_parser("policy", help="draft a policy profile as target, for two to sign")
    policy.add_argument("name", metavar="NAME", help="such as uk, or uk-1")
    renew = kinds.add_parser("renew", help="draft another 90 days for targets (or a year for root), for two to sign")
    renew.add_argument("--root", action="store_true", help="root instead of targets")
    rotate = kinds.add_parser("rotate", help="draft other keys for a role, for two of root's holders to sign")
    rotate.add_argument("role", choices=("root", "targets", *ONLINE))
    rotate.add_argument(
        "--to",
        action="append",
        default=[],
        metavar="[officer:|custodian:]NAME=PUBLIC",
        help="root and targets: everybody who has it then",
    )
    for parser, run in ((policy, _policy), (renew, _renew), (rotate, _rotate)):
        parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="the draft; it may travel")
        add_folder(parser)
        parser.set_defaults(run=run)
    show = kinds.add_parser("show", help="what a draft says, and who has yet to sign it")
    show.add_argument("draft", type=Path, metavar="DRAFT")
    show.set_defaults(run=_show)
    add_signing(kinds, "sign", "draft", "show a draft, ask, and sign it", _sign, several=True)
    publish = kinds.add_parser("publish", help="publish a draft that has its signatures")
    publish.add_argument("draft", type=Path, metavar="DRAFT")
    add_folder(publish)
    add_push(publish)
    publish.set_defaults(run=_publish)


def _policy(options: argparse.Namespace) -> int:
    fleet = open_fleet(options)
    policy, data = profile(options.name)
    with fleet.changing():
        return _write(options.out, fleet.repository().draft_policy(policy, data))


def _renew(options: argparse.Namespace) -> int:
    fleet = open_fleet(options)
    with fleet.changing():
        repository = fleet.repository()
        return _write(options.out, repository.draft_rotation(None) if options.root else repository.draft_renewal())


def _rotate(options: argparse.Namespace) -> int:
    fleet = open_fleet(options)
    with fleet.changing():
        if options.role in ONLINE:
            if options.to:
                raise AuthorityInvalid(f"the new {options.role} key is made here; --to is for root and targets")
            path = _next_key(fleet, options.role)
            path.unlink(missing_ok=True)
            keys = [write_key(path, None)]
        else:
            people = [_person(options.role, each) for each in options.to]
            fleet.propose_people(options.role, people)
            keys = [person.key for person in people]
        return _write(options.out, fleet.repository().draft_rotation(options.role, keys))


def _show(options: argparse.Namespace) -> int:
    print(_text(_read(options.draft)))
    return 0


def _sign(options: argparse.Namespace) -> int:
    draft = _read(options.draft)
    if draft.kind == "deployment":
        raise AuthorityInvalid(f"{options.draft}: an order; read and sign it with: lfr-fleet order sign FOLDER")
    print(_text(draft))
    for signer in each_signer(options):
        print(f"as {', '.join(draft.sign(signer))}: ", end="")
        write_durably(options.draft, draft.to_bytes())
    return 0


def _publish(options: argparse.Namespace) -> int:
    fleet, draft = open_fleet(options), _read(options.draft)
    with fleet.changing():
        if draft.kind == "founding":
            TufRepository.found(
                fleet.folder / "repo", fleet.fleet, draft, fleet.online(), fleet.clock, fleet.settings.staleness_s
            )
        elif draft.kind == "rotation" and draft.about in ONLINE:
            _publish_online(fleet, draft)
        elif draft.kind == "deployment":
            raise AuthorityInvalid(f"{options.draft}: an order; publish it with: lfr-fleet order publish FOLDER")
        else:
            fleet.repository().publish(draft, fleet.online())
            if draft.kind == "rotation" and draft.about != "renewal":
                fleet.accept_people(draft.about)
    print(f"{draft.kind} {draft.about}".strip() + " is in the repository")
    hand_over(fleet, options.no_push)
    return 0


def _publish_online(fleet: FleetFolder, draft: Draft) -> None:
    """With the new key; it takes the old one's place once the repository says so."""
    fresh = load_signer(str(_next_key(fleet, draft.about)), Passphrases())
    online = fleet.online()
    online = OnlineSigners(
        fresh if draft.about == "snapshot" else online.snapshot,
        fresh if draft.about == "timestamp" else online.timestamp,
        online.log,
    )
    fleet.repository().publish(draft, online)
    os.replace(_next_key(fleet, draft.about), fleet.folder / "keys" / f"{draft.about}.key")


def _person(role: str, text: str) -> Person:
    function, separator, rest = text.partition(":")
    if role == "root":
        return person_of("root", text)
    if not separator or function not in ("officer", "custodian"):
        raise AuthorityInvalid(f"--to {text!r}: need officer:NAME=PUBLIC or custodian:NAME=PUBLIC")
    return person_of("officer" if function == "officer" else "custodian", rest)


def _next_key(fleet: FleetFolder, role: str) -> Path:
    return fleet.folder / "keys" / f"{role}.next.key"


def _write(path: Path, draft: Draft) -> int:
    if path.exists():
        raise AuthorityInvalid(f"{path}: there is a file already")
    write_durably(path, draft.to_bytes())
    print(_text(draft))
    return 0


def _text(draft: Draft) -> str:
    return json.dumps(draft.show(), indent=1)


def _read(path: Path) -> Draft:
    try:
        with path.open("rb") as file:
            return Draft.from_bytes(file.read(DRAFT_MAX_BYTES + 1))
    except OSError as error:
        raise AuthorityInvalid(f"{path}: {error.strerror}; need a draft") from None
