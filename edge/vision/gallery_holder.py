"""Holds the gallery in force: searches read it, a new one takes its place between two of them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from edge.records import SearchResult
from edge.vision.gallery import Gallery

READERS_WAIT_MAX_S = 5.0
"""Far beyond any search. Then templates that are to go are overwritten all the same: erasure comes first."""


class GalleryHolder:
    """One gallery at a time. Any thread may search; swaps and the wipe come one after the other."""

    def __init__(self, gallery: Gallery) -> None:
        self._gallery = gallery
        self._readers: dict[int, int] = {}
        self._changed = threading.Condition()
        self._swapping = threading.Lock()

    def __len__(self) -> int:
        return len(self._gallery)

    @property
    def gallery(self) -> Gallery:
        """The one in force; for searching it, take `current`, which keeps it from being overwritten meanwhile."""
        return self._gallery

    @property
    def locked(self) -> bool:
        """Whether the templates are kept out of swap."""
        return self._gallery.locked

    @contextmanager
    def current(self) -> Iterator[Gallery]:
        """The gallery in force, counted as read until the block ends."""
        with self._changed:
            gallery = self._gallery
            self._readers[id(gallery)] = self._readers.get(id(gallery), 0) + 1
        try:
            yield gallery
        finally:
            with self._changed:
                self._readers[id(gallery)] -= 1
                if not self._readers[id(gallery)]:
                    del self._readers[id(gallery)]
                    self._changed.notify_all()

    def search(self, probe: NDArray[np.float32], threshold: float) -> SearchResult:
        """As `Gallery.search`, on the gallery in force when it is called."""
        with self.current() as gallery:
            return gallery.search(probe, threshold)

    def swap(self, new: Gallery) -> bool:
        """Put another gallery in force, then overwrite what it no longer has, once no search reads the old one.

        Searches wait for nothing. Returns whether the readers were waited out.
        """
        with self._swapping:
            with self._changed:
                old, self._gallery = self._gallery, new
                left = self._changed.wait_for(lambda: id(old) not in self._readers, READERS_WAIT_MAX_S)
            if old is not new:
                old.overwrite_all_but(new)
            return left

    def wipe(self) -> bool:
        """Overwrite everything; a search finds nobody from here on. Returns whether the readers were waited out."""
        return self.swap(Gallery.of_segments(()))
