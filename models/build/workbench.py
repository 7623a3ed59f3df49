"""What a broken-off build leaves for the next one: each finished step, by the hash of all that went into it."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Callable
from pathlib import Path

from edge.errors import InstallFailed

_HASH_BYTES = 32


class Workbench:
    """A folder of results; `clear` it once they are in their place."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def step(self, name: str, inputs: tuple[bytes, ...], make: Callable[[], bytes]) -> bytes:
        """The result of a step, made now unless it was made before from the same inputs and by the same code.

        Raises: InstallFailed when it cannot be kept, and whatever `make` raises.
        """
        path = self._folder / f"{name}-{_key(name, inputs)[:24]}.step"
        with contextlib.suppress(OSError):
            kept = path.read_bytes()
            if hashlib.sha256(kept[_HASH_BYTES:]).digest() == kept[:_HASH_BYTES]:
                return kept[_HASH_BYTES:]
        made = make()
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            aside = path.with_suffix(".new")
            aside.write_bytes(hashlib.sha256(made).digest() + made)
            os.replace(aside, path)
        except OSError as error:
            raise InstallFailed(
                f"{path}: cannot be written: {error.strerror or error}; choose another folder with --packs"
            ) from error
        return made

    def clear(self) -> None:
        """Leave nothing behind."""
        for path in (*self._folder.glob("*.step"), *self._folder.glob("*.new")):
            path.unlink()
        with contextlib.suppress(OSError):
            self._folder.rmdir()


def _key(name: str, inputs: tuple[bytes, ...]) -> str:
    digest = hashlib.sha256(name.encode())
    sources = sorted(Path(__file__).parent.glob("*.py"))
    for part in (*inputs, *(source.read_bytes() for source in sources)):
        digest.update(hashlib.sha256(part).digest())
    return digest.hexdigest()
