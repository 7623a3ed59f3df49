"""Looking for an order: what the fleet's hints name is asked for, checked whole, and held against the clocks."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from edge.errors import DocumentInvalid, LfrError, RepositoryFileMissing, RepositoryUnavailable
from edge.formats.names import hint_name
from edge.formats.topics import ID_PATTERN
from edge.trust.documents import parse_strict
from edge.trust.orders import OpenedOrder, OrderFloor, RoleSigners, VanFacts, is_closed, open_order
from edge.trust.repository import Repository, View
from edge.trust.vault import KeyVault

RETRY_WAIT_S = 5.0
HINTS_MAX = 8
HINT_MAX_BYTES = 4096

log = logging.getLogger("lfr.vision.opening")

Fetch = Callable[[str, bool], bytes]
"""name, and whether it must be fresh: a file of the repository. Raises: RepositoryFileMissing."""


@dataclass(frozen=True)
class Box:
    """What this box is. backend: `litert/int8`, the runtime's kernels and the pack's precision."""

    fleet: str
    device: str
    pack_sha256: str
    backend: str


@dataclass(frozen=True)
class Found:
    """An order that this box may obey, and the view of the repository it was found in."""

    opened: OpenedOrder
    view: View

    @property
    def is_closed(self) -> bool:
        """Whether a closer has said that it is over. A word that is refused ends nothing; the overseer reports it."""
        order = self.opened.order
        try:
            return is_closed(self.view.close(order.deployment), order)
        except LfrError:
            return False


class OrderSeeker:
    """Finds the order that this box is to obey next. A refusal is said once, and asked for again: fleets mend."""

    def __init__(self, box: Box, repository: Repository, vault: KeyVault, fetch: Fetch) -> None:
        self._box = box
        self._repository = repository
        self._vault = vault
        self._fetch = fetch
        self._said = ""
        self.error = ""

    def find(self, kept: str | None, due: Callable[[Found], bool]) -> Found | None:
        """The first order among those hinted at, and the one kept from before, whose time `due` says has come."""
        errors: list[str] = []
        try:
            view = self._view(errors)
            for deployment in dict.fromkeys([*self._hinted(errors), *([kept] if kept else [])]):
                try:
                    found = Found(self.open(view, deployment), view)
                    if due(found):
                        self._say("")
                        return found
                except LfrError as error:
                    errors.append(f"{deployment}: {error}")
        except LfrError as error:
            errors.append(str(error))
        self._say("; ".join(errors))
        return None

    def open(self, view: View, deployment: str) -> OpenedOrder:
        """One deployment's order. Raises: what `open_order` raises, RepositoryFileMissing, RepositoryRefused."""
        signed = view.order(deployment)
        floor = self._repository.floor(deployment)
        box = self._box
        facts = VanFacts(box.fleet, box.device, box.pack_sha256, box.backend, self._vault.recipients)
        return open_order(
            signed.data,
            deployment,
            facts,
            RoleSigners(signed.key_ids, signed.threshold),
            OrderFloor(floor.order_version, floor.order_sha256),
            lambda reference: view.policy(reference.name, reference.version),
        )

    def _view(self, errors: list[str]) -> View:
        try:
            return self._repository.refresh()
        except RepositoryUnavailable as error:
            errors.append(str(error))
            return self._repository.kept()

    def _hinted(self, errors: list[str]) -> Iterator[str]:
        try:
            yield from read_hint(self._fetch(hint_name(self._box.device), True))
        except (RepositoryFileMissing, DocumentInvalid) as error:
            errors.append(str(error))

    def _say(self, error: str) -> None:
        self.error = error
        if error and error != self._said:
            log.warning("no order: %s", error)
        self._said = error


def read_hint(data: bytes) -> tuple[str, ...]:
    """Where a van may look (REPOSITORY.md). Believed by nobody. Raises: DocumentInvalid."""
    hint = parse_strict(data, HINT_MAX_BYTES)
    ids = hint.get("deployments") if isinstance(hint, dict) and set(hint) == {"deployments"} else None
    if not isinstance(ids, list) or len(ids) > HINTS_MAX or not all(_is_id(each) for each in ids):
        raise DocumentInvalid(f"hint: need an object of exactly `deployments`, at most {HINTS_MAX} ids")
    return tuple(ids)


def _is_id(value: object) -> bool:
    return isinstance(value, str) and re.fullmatch(ID_PATTERN, value) is not None
