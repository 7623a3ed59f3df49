"""Roles of the repository: their keys, lives and thresholds, and what a van would refuse of them (REPOSITORY.md 1)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from securesystemslib.exceptions import Error as SslibError
from securesystemslib.signer import Key, Signer
from tuf.api.exceptions import RepositoryError, UnsignedMetadataError
from tuf.api.metadata import Metadata, Root, TargetFile, Targets

from edge.clock import Clock
from edge.errors import AuthorityInvalid, RepositoryRefused, SignerUnusable
from edge.trust.tuf_keys import check_keys as check_tuf_keys
from provisioning.tuf_draft import Draft

METADATA_MAX_BYTES = 256 * 1024
LOG_ITEMS_MAX = 512
ROOT_LIFE = timedelta(days=365)
TARGETS_LIFE = timedelta(days=90)
SNAPSHOT_LIFE = timedelta(days=7)
AFTER_THE_END = timedelta(hours=24)
PEOPLE_NEEDED = 2


@dataclass(frozen=True)
class RoleKeys:
    """Public keys. root: three or more; targets: those of all officers and custodians."""

    root: Sequence[Key]
    targets: Sequence[Key]
    snapshot: Key
    timestamp: Key


@dataclass(frozen=True)
class OnlineSigners:
    """What the machine that serves the fleet signs with."""

    snapshot: Signer
    timestamp: Signer
    log: Signer


def keys_of(keys: RoleKeys, role: str) -> Sequence[Key]:
    found = getattr(keys, role)
    return found if isinstance(found, Sequence) else (found,)


def name_keys(root: Root, role: str, keys: Sequence[Key]) -> None:
    for key in keys:
        root.add_key(key, role)
    root.roles[role].threshold = PEOPLE_NEEDED if role in ("root", "targets") else 1


def check_root(root: Root) -> None:
    """Raises: AuthorityInvalid for what a van would refuse."""
    check_keys(root.keys.values())
    for role, least in (("root", 3), ("targets", 2), ("snapshot", 1), ("timestamp", 1)):
        if len(root.roles[role].keyids) < least:
            raise AuthorityInvalid(f"{role} has {len(root.roles[role].keyids)} keys, need at least {least}")
    online = [key_id for role in ("snapshot", "timestamp") for key_id in root.roles[role].keyids]
    people = {key_id for role in ("root", "targets") for key_id in root.roles[role].keyids}
    if len(online) != 2 or len(set(online)) != 2 or people & set(online):
        raise AuthorityInvalid("snapshot and timestamp need one key each, not the same, and no person's")


def check_keys(keys: Iterable[Key]) -> None:
    try:
        check_tuf_keys(keys)
    except RepositoryRefused as error:
        raise AuthorityInvalid(str(error)) from None


def check_signed(draft: Draft, kind: str) -> None:
    missing = draft.missing()
    if draft.kind != kind or missing:
        wanted = "; ".join(f"{each.role}: {each.signatures} more" for each in missing)
        raise AuthorityInvalid(f"the draft lacks signatures ({wanted or 'it is of kind ' + draft.kind})")


def check_by(delegator: Root | Targets, name: str, role: Metadata[Any]) -> None:
    try:
        delegator.verify_delegate(name, role.signed_bytes, role.signatures)
    except RepositoryError as error:
        raise AuthorityInvalid(f"{name} is signed by another key than its delegation names: {error}") from None


def signed_by(signed: Any, signer: Signer) -> Metadata[Any]:
    metadata: Metadata[Any] = Metadata(signed)
    try:
        metadata.sign(signer)
    except (UnsignedMetadataError, SslibError, ValueError) as error:
        raise SignerUnusable(f"{signed.type}: online key {signer.public_key.keyid[:16]}…: {error}") from None
    return metadata


def prefixed(target: TargetFile) -> str:
    folder, _, base = target.path.rpartition("/")
    return f"{folder}/{target.hashes['sha256']}.{base}"


def role_of_file(name: str) -> str:
    return ".".join(name.removeprefix("metadata/").split(".")[1:-1]) if name.startswith("metadata/") else ""


def now(clock: Clock) -> datetime:
    """To the second, as TUF writes times."""
    return clock.now_utc().replace(microsecond=0)
