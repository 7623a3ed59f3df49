"""Hints: which deployments a van may look for. Believed by nobody; without one a van would have to ask for all."""

from __future__ import annotations

from edge.errors import AuthorityInvalid, RepositoryFileMissing
from edge.formats.names import hint_name
from edge.trust.documents import canonical, parse_strict
from provisioning.tuf_repository import TufRepository

HINTS_MAX = 8


def add_hint(repository: TufRepository, device: str, deployment: str) -> None:
    """Tell a van where to look. Raises: AuthorityInvalid when it has eight deployments already."""
    hints = hints_of(repository, device)
    if deployment not in hints:
        if len(hints) >= HINTS_MAX:
            raise AuthorityInvalid(f"van {device} is in {HINTS_MAX} deployments; close those that are over")
        repository.put_file(hint_name(device), canonical({"deployments": sorted([*hints, deployment])}))


def drop_hint(repository: TufRepository, device: str, deployment: str) -> None:
    """The opposite."""
    hints = hints_of(repository, device)
    if deployment in hints:
        left = [each for each in hints if each != deployment]
        repository.put_file(hint_name(device), canonical({"deployments": left}))


def hints_of(repository: TufRepository, device: str) -> list[str]:
    """The deployments a van is told of."""
    try:
        found = parse_strict(repository.file(hint_name(device)))
    except RepositoryFileMissing:
        return []
    return [str(each) for each in found["deployments"]]
