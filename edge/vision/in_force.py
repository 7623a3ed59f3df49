"""What is in force: an order, and its watchlist folded into locked memory and kept current by the log.

A log item is applied whole or not at all; one that is refused stops the log there, with the list before it in force.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from edge.errors import DeltaInvalid, LfrError, OrderRollback
from edge.formats.names import adds_name, chunk_name, hashes_name, manifest_name, wrapped_key_name
from edge.formats.watchlists import WatchlistBase, WatchlistDelta
from edge.trust.content_key import unwrap_content_key
from edge.trust.documents import document_sha256
from edge.trust.manifest import PackFacts, open_manifest, read_hashes
from edge.trust.orders import OpenedOrder, is_closed
from edge.trust.repository import LogFile, Repository, View
from edge.trust.watchlist_log import LogState, begin_at, begin_log, follow, read_item
from edge.vision.fold import Epoch, apply_delta, open_base
from edge.vision.gallery import Gallery
from edge.vision.gallery_holder import GalleryHolder

log = logging.getLogger("lfr.vision.in_force")

Fetch = Callable[[str, bool], bytes]
"""name, and whether it must be fresh: a file of the repository. Raises: RepositoryFileMissing."""


class InForce:
    """One deployment. `holder` is what searches read; `log` says how far the list has come."""

    def __init__(
        self,
        opened: OpenedOrder,
        view: View,
        key: X25519PrivateKey,
        pack: PackFacts,
        repository: Repository,
        fetch: Fetch,
    ) -> None:
        """Open base and log as the view shows them. key: of the order's recipient id, out of the vault.

        Raises: RepositoryFileMissing, DocumentInvalid, SignatureInvalid, WatchlistInvalid, SealInvalid,
        PackPurposeRefused, OrderRollback where it comes less far than it was in force before, and then nothing is left
        of it; an item beyond that, which is refused, is only counted.
        """
        self.opened = opened
        self.items_refused = 0
        self._key, self._pack = key, pack
        self._repository, self._fetch = repository, fetch
        order = opened.order
        files = view.log(order.deployment, 0)
        newest = read_item(files[0].data, order) if files else None
        if files and isinstance(newest, WatchlistBase):
            state = begin_at(newest, files[0].sha256, order)
            self._epoch, gallery = self._open_epoch(state)
            rest = files[1:]
        else:
            self._epoch, gallery = self._open_epoch(None)
            state = begin_log(order, self._epoch.manifest)
            rest = files
        self.log = state
        self.holder = GalleryHolder(gallery)
        try:
            self._act(state.sequence)
            self._apply(rest)
        except LfrError as error:
            log.warning("the log stands at %d: %s", self.log.sequence, error)
        except BaseException:
            self.holder.wipe()
            raise
        reached = repository.floor(order.deployment).in_force
        if self.log.sequence < reached:
            # Who carries the files may not bring back an older list by withholding some at a start.
            self.holder.wipe()
            raise OrderRollback(
                f"{order.deployment}: its list was in force with item {reached} of its log, and only item "
                f"{self.log.sequence} can be opened now: files of those between are missing or altered; have the fleet "
                "publish them again"
            )
        self._note_in_force()

    @property
    def deployment(self) -> str:
        return self.opened.order.deployment

    def is_closed(self, view: View) -> bool:
        """Whether a closer has said that it is over. Raises: DocumentInvalid, SignatureInvalid, OrderInvalid."""
        return is_closed(view.close(self.deployment), self.opened.order)

    def is_amended(self, view: View) -> bool:
        """Whether another order has taken this one's place. Raises: RepositoryFileMissing, RepositoryRefused."""
        return document_sha256(view.order(self.deployment).data) != self.opened.sha256

    def follow(self, view: View) -> None:
        """Apply what the log has more. Raises: as the constructor; what was applied before stays."""
        before = self.log
        try:
            self._apply(view.log(self.deployment, before.sequence))
        finally:
            if self.log != before:
                self._note_in_force()

    def wipe(self) -> tuple[int, int]:
        """Overwrite every template; entries and bytes overwritten."""
        gallery = self.holder.gallery
        entries = len(gallery)
        size = sum(segment.block.templates.nbytes for segment in gallery.segments)
        self.holder.wipe()
        return entries, size

    def _apply(self, files: Sequence[LogFile]) -> None:
        for file in files:
            try:
                self._apply_one(file)
            except LfrError:
                self.items_refused += 1
                raise

    def _apply_one(self, file: LogFile) -> None:
        order = self.opened.order
        item = read_item(file.data, order)
        if isinstance(item, WatchlistBase) and item.sequence > self.log.sequence + 1:
            # The items between are compacted away: a van that starts now begins here too.
            state = begin_at(item, file.sha256, order)
            if state.epoch <= self.log.epoch:
                raise DeltaInvalid(f"item {item.sequence} begins epoch {state.epoch}, {self.log.epoch} is in force")
        else:
            state = follow(self.log, item, file.sha256, order)
        self._act(item.sequence)
        if isinstance(item, WatchlistDelta):
            self._put_in_force(apply_delta(self.holder.gallery, self._epoch, item, self._adds(item)), state)
        else:
            self._epoch, gallery = self._open_epoch(state)
            self._put_in_force(gallery, state)

    def _put_in_force(self, gallery: Gallery, state: LogState) -> None:
        self.log = state
        if not self.holder.swap(gallery):
            log.error("a search held the old gallery for too long: what is taken off was overwritten under it")

    def _note_in_force(self) -> None:
        try:
            self._act(self.log.sequence, in_force=self.log.sequence)
        except LfrError as error:  # it is in force all the same; a start may then come less far
            log.error("%s: that item %d is in force is not written down: %s", self.deployment, self.log.sequence, error)

    def _act(self, sequence: int, in_force: int = 0) -> None:
        order = self.opened.order
        # A start that catches up with what was acted on before goes back behind nothing: the log's end was held
        # against the floor when it was read.
        newest = max(sequence, self._repository.floor(order.deployment).sequence)
        self._repository.acted_on(order.deployment, order.version, newest, self.opened.sha256, in_force)

    def _open_epoch(self, state: LogState | None) -> tuple[Epoch, Gallery]:
        """The base that a log item pins; None: the order's own."""
        opened, order = self.opened, self.opened.order
        number = 1 if state is None else state.epoch
        pinned = order.watchlist.manifest_sha256 if state is None else state.manifest_sha256
        data = self._fetch_pinned(manifest_name(order.deployment, number), pinned)
        manifest = open_manifest(data, pinned, order, number, self._pack)
        if state is not None and manifest.entries != state.entries:
            raise DeltaInvalid(f"the base of epoch {number} has {manifest.entries} entries, its item {state.entries}")
        hashes = self._fetch_pinned(hashes_name(order.deployment, number), manifest.hashes_sha256)
        wrapped = self._fetch(wrapped_key_name(order.deployment, number, opened.recipient), False)
        cipher = unwrap_content_key(wrapped, self._key, order.fleet, order.deployment, number, opened.recipient)
        epoch = Epoch(order.fleet, manifest, cipher, frozenset(opened.policy.categories))
        return epoch, open_base(epoch, hashes, self._chunks(number, read_hashes(hashes, manifest)))

    def _chunks(self, epoch: int, pinned: Sequence[bytes]) -> Iterator[bytes]:
        for index, sha256 in enumerate(pinned):
            yield self._fetch_pinned(chunk_name(self.deployment, epoch, index), sha256.hex())

    def _adds(self, delta: WatchlistDelta) -> Iterator[bytes]:
        for index, sha256 in enumerate(delta.adds_sha256):
            yield self._fetch_pinned(adds_name(self.deployment, delta.sequence, index), sha256)

    def _fetch_pinned(self, name: str, sha256: str) -> bytes:
        """A file; asked for anew where what link kept is not what is pinned. The reader refuses it a second time."""
        data = self._fetch(name, False)
        return data if document_sha256(data) == sha256 else self._fetch(name, True)
