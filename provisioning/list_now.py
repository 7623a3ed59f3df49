"""The list of a deployment as it stands: base and deltas of the repository, opened with the authority's content key.

The templates are nowhere in the authority's folder but in the sealed files that it publishes.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from edge.formats.categories import CATEGORIES
from edge.formats.names import adds_name, chunk_name, hashes_name, manifest_name
from edge.formats.orders import Order
from edge.formats.policy import Policy
from edge.formats.watchlists import WatchlistBase, WatchlistManifest
from edge.trust.chunks import ChunkPlace, category_of, open_chunk, response_of
from edge.trust.documents import document_sha256
from edge.trust.manifest import chunk_bytes, chunk_count, chunks_for, entries_in, read_hashes, read_manifest
from edge.trust.orders import read_order
from edge.trust.policy import open_policy
from edge.trust.watchlist_log import LogState, begin_at, begin_log, follow, read_item
from edge.trust.watchlist_writer import EpochSecret, WatchlistEntry, compaction_due
from provisioning.draft_folder import policy_file
from provisioning.ledger import Ledger
from provisioning.tuf_repository import TufRepository


@dataclass(frozen=True)
class ListNow:
    """Entries in force by id; since: the item that put each on, 0 for the list at the start; state: where the log
    stands; base_bytes, delta_bytes: of the sealed files."""

    order: Order
    policy: Policy
    secret: EpochSecret
    state: LogState
    entries: dict[str, WatchlistEntry]
    since: dict[str, int]
    base_bytes: int
    delta_bytes: int
    items: int

    @property
    def compaction_due(self) -> bool:
        """Whether the next change should be a new base (WATCHLIST.md 7)."""
        return compaction_due(self.base_bytes, self.delta_bytes, self.items)


def order_now(repository: TufRepository, deployment: str) -> Order:
    """The order in force. Raises: RepositoryFileMissing."""
    return read_order(repository.order(deployment))


def log_now(repository: TufRepository, deployment: str) -> tuple[LogState, WatchlistManifest]:
    """Where the log stands, and the manifest of its epoch; nothing is opened. Raises: RepositoryFileMissing."""
    order = order_now(repository, deployment)
    files = {sequence: repository.log_item(deployment, sequence) for sequence in repository.log_sequences(deployment)}
    items = {sequence: read_item(data, order) for sequence, data in files.items()}
    bases = [sequence for sequence, item in items.items() if isinstance(item, WatchlistBase)]
    if bases:
        base = items[bases[-1]]
        assert isinstance(base, WatchlistBase)
        state = begin_at(base, document_sha256(files[bases[-1]]), order)
    else:
        state = begin_log(order, read_manifest(repository.file(manifest_name(deployment, 1))))
    for sequence, item in items.items():
        if sequence > (bases[-1] if bases else 0):
            state = follow(state, item, document_sha256(files[sequence]), order)
    return state, read_manifest(repository.file(manifest_name(deployment, state.epoch)))


def list_now(repository: TufRepository, ledger: Ledger) -> ListNow:
    """Raises: AuthorityInvalid when the content key is gone; RepositoryFileMissing, WatchlistInvalid."""
    deployment = ledger.deployment
    order = order_now(repository, deployment)
    state, manifest = log_now(repository, deployment)
    secret = ledger.secret(state.epoch)
    opener = _Opener(repository, secret)
    entries = opener.base()
    since = dict.fromkeys(entries, 0)
    deltas = 0
    for sequence in repository.log_sequences(deployment):
        item = read_item(repository.log_item(deployment, sequence), order)
        if isinstance(item, WatchlistBase):
            since = dict.fromkeys(entries, sequence)
            continue
        if item.epoch != state.epoch:
            continue
        for entry_id in item.removes:
            del entries[entry_id]
        added = opener.adds(sequence, item.adds)
        entries |= added
        since |= dict.fromkeys(added, sequence)
        deltas += len(repository.log_item(deployment, sequence)) + opener.bytes_of(item.adds)
    policy = open_policy(repository.file(policy_file(order.policy)), order.policy)
    return ListNow(
        order,
        policy,
        secret,
        state,
        entries,
        since,
        opener.bytes_of(manifest.entries),
        deltas,
        len(repository.log_sequences(deployment)),
    )


class _Opener:
    """Decrypts sealed files of one epoch."""

    def __init__(self, repository: TufRepository, secret: EpochSecret) -> None:
        self._repository = repository
        self._secret = secret
        self._manifest = secret.manifest
        self._cipher = AESGCM(secret.content_key)
        full = chunk_bytes(secret.manifest.entries_per_chunk, secret.manifest.dimension)
        self._plain = np.zeros(full, np.uint8)

    def base(self) -> dict[str, WatchlistEntry]:
        manifest, deployment = self._manifest, self._manifest.deployment
        hashes = read_hashes(self._repository.file(hashes_name(deployment, manifest.epoch)), manifest)
        names = [chunk_name(deployment, manifest.epoch, index) for index in range(chunk_count(manifest))]
        return self._open(0, manifest.entries, names, hashes)

    def adds(self, sequence: int, count: int) -> dict[str, WatchlistEntry]:
        files = chunks_for(count, self._manifest)
        names = [adds_name(self._manifest.deployment, sequence, index) for index in range(files)]
        return self._open(sequence, count, names, None)

    def bytes_of(self, count: int) -> int:
        manifest = self._manifest
        return sum(
            chunk_bytes(entries_in(index, count, manifest), manifest.dimension)
            for index in range(chunks_for(count, manifest))
        )

    def _open(
        self, sequence: int, count: int, names: list[str], hashes: tuple[bytes, ...] | None
    ) -> dict[str, WatchlistEntry]:
        found: dict[str, WatchlistEntry] = {}
        for index, name in enumerate(names):
            data = self._repository.file(name)
            size = entries_in(index, count, self._manifest)
            place = ChunkPlace(self._secret.fleet, self._manifest, sequence, index, size)
            templates = np.zeros((size, self._manifest.dimension), np.float32)
            # The tag tells ours from another's; the pin is for readers that did not seal it.
            pinned = hashes[index] if hashes is not None else hashlib.sha256(data).digest()
            opened = open_chunk(data, pinned, place, self._cipher, frozenset(CATEGORIES), self._plain, templates)
            rows = zip(opened.ids, opened.categories, opened.responses, templates, strict=True)
            found |= {
                entry_id: WatchlistEntry(entry_id, category_of(category), response_of(response), template)
                for entry_id, category, response, template in rows
            }
        return found
