"""What REPOSITORY.md asks of TUF metadata beyond TUF: who may delegate what to whom, and which names. Pure."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from tuf.api.metadata import DelegatedRole, Root, TargetFile, Targets, Timestamp

from edge.clock import parse_utc
from edge.errors import RepositoryRefused
from edge.formats.topics import ID_PATTERN
from edge.trust.tuf_keys import check_keys

LOG_ITEMS_MAX = 512
PEOPLE_NEEDED = 2
STALENESS_MAX_S = 86_400

_ID = re.compile(ID_PATTERN)
_SHA256 = re.compile(r"[0-9a-f]{64}")
_LOG_FILE = re.compile(r"(?:[0-9]{6}|close)\.json")


def parent_of(role: str) -> str:
    """Who delegates to a role: targets to deployments, each deployment to its log. Raises: RepositoryRefused."""
    kind, _, deployment = role.partition(".")
    if not _ID.fullmatch(deployment) or kind not in ("deployment", "log"):
        raise RepositoryRefused(f"{role[:80]!r} is no role of this repository")
    return "targets" if kind == "deployment" else f"deployment.{deployment}"


def check_root(root: Root) -> None:
    """Raises: RepositoryRefused."""
    check_keys(root.keys.values())
    if not root.consistent_snapshot:
        raise RepositoryRefused(f"root {root.version} is without consistent snapshots")
    for role in ("root", "targets"):
        if root.roles[role].threshold < PEOPLE_NEEDED:
            raise RepositoryRefused(f"root {root.version}: {role} has a threshold below {PEOPLE_NEEDED}")
    online = [key_id for role in ("snapshot", "timestamp") for key_id in root.roles[role].keyids]
    if len(online) != 2 or len(set(online)) != 2:
        raise RepositoryRefused(f"root {root.version}: snapshot and timestamp need one key each, not the same")


def check_timestamp(timestamp: Timestamp) -> tuple[datetime, int]:
    """When it was made, and for how many seconds it may serve. Raises: RepositoryRefused."""
    fields = timestamp.unrecognized_fields
    made_at, staleness_s = fields.get("made_at_utc"), fields.get("staleness_s")
    if set(fields) != {"made_at_utc", "staleness_s"} or not isinstance(made_at, str):
        raise RepositoryRefused("timestamp: need `made_at_utc` and `staleness_s` beside what TUF asks for")
    if not isinstance(staleness_s, int) or isinstance(staleness_s, bool) or not 1 <= staleness_s <= STALENESS_MAX_S:
        raise RepositoryRefused(f"timestamp: `staleness_s` must be 1 to {STALENESS_MAX_S}")
    try:
        made = parse_utc(made_at)
        fits = made + timedelta(seconds=staleness_s) == timestamp.expires
    except (ValueError, OverflowError):
        raise RepositoryRefused("timestamp: `made_at_utc` is no time") from None
    if not fits:
        raise RepositoryRefused("timestamp: it does not expire `staleness_s` after `made_at_utc`")
    return made, staleness_s


def check_targets(targets: Targets) -> None:
    """The top-level role: policy profiles, and a delegation for each deployment. Raises: RepositoryRefused."""
    for path, target in targets.targets.items():
        if not path.startswith("policies/") or path.count("/") != 1:
            raise RepositoryRefused(f"targets lists {path[:80]!r}: it may list policy profiles only")
        _check_target(target)
    delegations = targets.delegations
    if delegations is None:
        return
    if delegations.succinct_roles is not None:
        raise RepositoryRefused("targets delegates by hash bins")
    check_keys(delegations.keys.values())
    for name, role in (delegations.roles or {}).items():
        if parent_of(name) != "targets":
            raise RepositoryRefused(f"targets delegates to {name[:80]}: it may delegate to deployments only")
        below = f"deployments/{name.partition('.')[2]}"
        _check_delegation(role, [f"{below}/*", f"{below}/log/*"])
        if role.threshold != PEOPLE_NEEDED or len(role.keyids) != PEOPLE_NEEDED:
            raise RepositoryRefused(f"{name}: {role.threshold} of {len(role.keyids)} keys sign it, need 2 of 2")


def check_role(name: str, role: Targets) -> None:
    """A deployment's role, or its log's. Raises: RepositoryRefused."""
    kind, _, deployment = name.partition(".")
    below = f"deployments/{deployment}"
    for target in role.targets.values():
        _check_target(target)
    if kind == "deployment":
        if set(role.targets) - {f"{below}/order.json"}:
            raise RepositoryRefused(f"{name} lists other files than its order")
        if role.delegations is None:
            return
        if role.delegations.succinct_roles is not None or set(role.delegations.roles or {}) != {f"log.{deployment}"}:
            raise RepositoryRefused(f"{name} delegates to others than its log")
        check_keys(role.delegations.keys.values())
        _check_delegation((role.delegations.roles or {})[f"log.{deployment}"], [f"{below}/log/*"])
        return
    if role.delegations is not None:
        raise RepositoryRefused(f"{name} delegates: nobody is below a log")
    if len(role.targets) > LOG_ITEMS_MAX + 1:
        raise RepositoryRefused(f"{name} lists {len(role.targets)} files, at most {LOG_ITEMS_MAX} and the close")
    for path in role.targets:
        folder, _, base = path.rpartition("/")
        if folder != f"{below}/log" or not _LOG_FILE.fullmatch(base):
            raise RepositoryRefused(f"{name} lists {path[:80]!r}, which is no item of its log")


def _check_delegation(role: DelegatedRole, paths: list[str]) -> None:
    if not role.terminating or role.paths != paths or role.unrecognized_fields:
        raise RepositoryRefused(f"{role.name} may sign for {role.paths}; need exactly {paths}, terminating")


def _check_target(target: TargetFile) -> None:
    sha256 = target.hashes.get("sha256", "")
    if set(target.hashes) != {"sha256"} or not _SHA256.fullmatch(sha256):
        raise RepositoryRefused(f"{target.path[:80]!r}: need its SHA-256 in lower-case hex, and no other hash")
