"""Files that come with a pack's manifest and are pinned by it: put in place, with everything else left as it is."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path

from edge.errors import InstallFailed, PackInvalid
from edge.trust.packs import MANIFEST_NAME

_VERSION_LINE = re.compile(r"^version:[ \t]*(\d+)[ \t]*$", re.MULTILINE)


def write_companion(folder: Path, key: str, name: str, content: bytes) -> None:
    """Write a file beside the manifest and pin it there under a key; the pack's version goes up by one.

    The file comes first: broken off in between, the pack is refused until the command is run again. Raises:
    PackInvalid, InstallFailed.
    """
    manifest = folder / MANIFEST_NAME
    text = pin(manifest.read_text(encoding="utf-8"), key, name, content)
    try:
        _replace(folder / name, content)
        _replace(manifest, text.encode())
    except OSError as error:
        raise InstallFailed(f"{error.filename}: cannot be written: {error.strerror}; is --packs yours?") from error


def pin(manifest: str, key: str, name: str, content: bytes) -> str:
    """The manifest's text with a file pinned and its version one higher. Raises: PackInvalid."""
    versions = _VERSION_LINE.findall(manifest)
    if len(versions) != 1:
        raise PackInvalid(f"{MANIFEST_NAME}: {len(versions)} lines of the form `version: NUMBER`, need one")
    raised = _VERSION_LINE.sub(f"version: {int(versions[0]) + 1}", manifest)
    rest = re.sub(rf"^{key}:.*\n(?:[ \t]+.*\n)*", "", raised, flags=re.MULTILINE).rstrip("\n")
    digest = hashlib.sha256(content).hexdigest()
    return f"{rest}\n{key}: {{ name: {name}, size_bytes: {len(content)},\n  sha256: {digest} }}\n"


def _replace(path: Path, content: bytes) -> None:
    aside = path.with_name(f".{path.name}.new")
    aside.write_bytes(content)
    os.replace(aside, path)
