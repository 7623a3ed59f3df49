"""Locked memory: pages that are never swapped, dumped or inherited, and are overwritten before they go."""

from __future__ import annotations

import ctypes
import mmap
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

_MADV_DONTFORK = 10
_MADV_DONTDUMP = 16

_libc = ctypes.CDLL(None, use_errno=True)
_libc.mlock.argtypes = [ctypes.c_void_p, ctypes.c_size_t]


class LockedBuffer:
    """Anonymous memory of our own. locked: whether the system let us keep it out of swap."""

    def __init__(self, size_bytes: int) -> None:
        self._map = mmap.mmap(-1, max(size_bytes, 1))
        for advice in (_MADV_DONTDUMP, _MADV_DONTFORK):
            self._map.madvise(advice)
        view = np.frombuffer(self._map, np.uint8)
        self.locked: bool = _libc.mlock(view.ctypes.data, len(self._map)) == 0

    def array(self, dtype: DTypeLike, shape: tuple[int, ...], offset: int = 0) -> NDArray[Any]:
        """A writable array over the buffer, from an offset in bytes."""
        count = int(np.prod(shape))
        return np.frombuffer(self._map, dtype, count=count, offset=offset).reshape(shape)

    def wipe(self) -> None:
        """Overwrite everything with zeros. Arrays over the buffer stay valid, and read zero."""
        np.frombuffer(self._map, np.uint8)[:] = 0
