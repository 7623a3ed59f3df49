"""Installing a pack: each file fetched aside, checked, and only then put beside its manifest, whole."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from edge.errors import InstallFailed, PackHashMismatch, PackMissing
from edge.formats.pack import PackFile
from edge.trust.packs import check_bytes, read_manifest
from models.source import Source

PARTIAL_FOLDER = ".partial"

Progress = Callable[[PackFile, int], None]
"""Told which file is coming, and how many bytes of it are here."""


@dataclass(frozen=True)
class InstalledFile:
    """A file of a pack that is now in place. fetched: false when it already was."""

    name: str
    size_bytes: int
    sha256: str
    fetched: bool


def install_pack(folder: Path, source: Source, progress: Progress) -> tuple[InstalledFile, ...]:
    """Bring every file of the pack in `folder` that is not there, or is not what its manifest pins.

    Nothing is put in place before all of them are here and checked, and each goes in by one rename: whoever
    reads the pack meanwhile sees a file as it was, or as it must be.

    Raises: PackMissing, PackInvalid, PackHashMismatch (file, both hashes), DownloadFailed, InstallFailed.
    """
    manifest, _ = read_manifest(folder)
    wanted = [file for file in manifest.files() if not is_good(folder, file)]
    aside = folder / PARTIAL_FOLDER
    try:
        for file in wanted:
            fetch_aside(aside, file, source, progress)
        with _writing(folder):
            for file in wanted:
                os.replace(_partial_path(aside, file), folder / file.name)
            _sync_folder(folder)
    finally:
        drop_empty(aside)
    return tuple(
        InstalledFile(file.name, file.size_bytes, file.sha256, fetched=file in wanted) for file in manifest.files()
    )


def is_good(folder: Path, file: PackFile) -> bool:
    """Whether a file of a pack is in place, and is what the manifest pins."""
    try:
        check_file(folder, file)
    except (PackMissing, PackHashMismatch):
        return False
    return True


def check_file(folder: Path, file: PackFile) -> None:
    """Raises: PackMissing; PackHashMismatch, with the file and both hashes."""
    path = folder / file.name
    try:
        with path.open("rb") as stream:
            data = stream.read(file.size_bytes + 1)
    except OSError as error:
        raise PackMissing(f"{path}: {error.strerror or error}") from None
    check_bytes(file, data, str(path))


def _partial_path(aside: Path, file: PackFile) -> Path:
    """Named by its hash, so that what another version of the pack left is never taken for it."""
    return aside / f"{file.sha256}.part"


def fetch_aside(aside: Path, file: PackFile, source: Source, progress: Progress) -> bytes:
    """A file's bytes, kept in a folder beside the pack for as long as others are still to come.

    Raises: PackHashMismatch, and then keeps nothing of it; DownloadFailed, InstallFailed.
    """
    partial = _partial_path(aside, file)
    with _writing(partial):
        aside.mkdir(parents=True, exist_ok=True)
        partial.touch()
        out = partial.open("r+b")
    with out:
        if partial.stat().st_size != file.size_bytes or not _holds(partial, file):
            source.fetch(file, out, lambda done: progress(file, done))
        with _writing(partial):
            out.flush()
            os.fsync(out.fileno())
    data = partial.read_bytes()
    try:
        check_bytes(file, data, f"{file.name} (from {file.origin})")
    except PackHashMismatch:
        partial.unlink()
        raise
    return data


def put_in_place(folder: Path, contents: Mapping[str, bytes]) -> None:
    """Write files of a pack, by name: all aside first, then each in by one rename. Raises: InstallFailed."""
    with _writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in contents.items():
            with (folder / f".{name}.new").open("wb") as stream:
                stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())
        for name in contents:
            os.replace(folder / f".{name}.new", folder / name)
        _sync_folder(folder)


def forget(aside: Path) -> None:
    """Drop what was kept for a later attempt, once it has served."""
    for partial in aside.glob("*.part"):
        partial.unlink()
    drop_empty(aside)


def _holds(partial: Path, file: PackFile) -> bool:
    """Whether an earlier, broken-off installation has brought this file already."""
    try:
        check_bytes(file, partial.read_bytes(), partial.name)
    except PackHashMismatch:
        return False
    return True


@contextlib.contextmanager
def _writing(path: Path) -> Iterator[None]:
    """Raises: InstallFailed in place of the system's refusal to write."""
    try:
        yield
    except OSError as error:
        raise InstallFailed(
            f"{path}: cannot be written: {error.strerror or error}; choose another folder with --packs"
        ) from error


def drop_empty(aside: Path) -> None:
    """Leave nothing behind but what a later attempt can go on from."""
    for partial in aside.glob("*.part"):
        if partial.stat().st_size == 0:
            partial.unlink()
    with contextlib.suppress(OSError):
        aside.rmdir()


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
