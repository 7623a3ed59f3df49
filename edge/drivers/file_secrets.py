"""Secrets in files, for a box without a TPM: overwritten and unlinked, which worn flash may outlive."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from edge.errors import VaultUnusable
from edge.files import write_durably

SECRET_BYTES = 32


class FileSecrets:
    """Implements `edge.devices.SecretSlots` in a folder of the vision half's own."""

    kind: Literal["tpm-nv", "file"] = "file"

    def __init__(self, folder: Path) -> None:
        """Raises: VaultUnusable."""
        self._folder = folder
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise VaultUnusable(f"{folder}: cannot be made: {error.strerror or error}") from None

    def read(self, slot: int) -> bytes | None:
        path = self._path(slot)
        try:
            secret = path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise VaultUnusable(f"{path}: cannot be read: {error.strerror or error}") from None
        # Half a secret is what a power cut left of one that was never used.
        return secret if len(secret) == SECRET_BYTES and any(secret) else None

    def write(self, slot: int, secret: bytes) -> None:
        try:
            write_durably(self._path(slot), secret)
        except OSError as error:
            raise VaultUnusable(f"{self._path(slot)}: cannot be written: {error.strerror or error}") from None

    def destroy(self, slot: int) -> None:
        path = self._path(slot)
        try:
            overwrite_and_unlink(path)
        except OSError as error:
            raise VaultUnusable(f"{path}: cannot be destroyed: {error.strerror or error}") from None

    def floor(self) -> int:
        path = self._folder / "floor"
        try:
            text = path.read_bytes()
        except FileNotFoundError:
            return 0
        except OSError as error:
            raise VaultUnusable(f"{path}: cannot be read: {error.strerror or error}") from None
        if not (text.isdigit() and len(text) <= 19):
            raise VaultUnusable(f"{path}: holds no number; the box has been tampered with, or its disk is failing")
        return int(text)

    def raise_floor(self, number: int) -> None:
        if number > self.floor():
            write_durably(self._folder / "floor", str(number).encode())

    def _path(self, slot: int) -> Path:
        return self._folder / f"secret-{slot}"


def overwrite_and_unlink(path: Path) -> None:
    """Zeros over a file's bytes, to the disk, then its name away. Harmless when it is not there. Raises: OSError."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        os.pwrite(descriptor, bytes(os.fstat(descriptor).st_size), 0)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    path.unlink()
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
