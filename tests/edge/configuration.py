"""A complete lfr-edge.yaml, as a dict to change and a file to write."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml


def good_configuration() -> dict[str, Any]:
    """Every required key, with paths relative to the file's folder."""
    return {
        "device": {"id": "van-1", "fleet": "fleet-1", "state_dir": "state", "runtime_dir": "run"},
        "camera": {"kind": "file", "path": "clip.mp4"},
        "inference": {"pack_dir": "packs/street"},
        "broker": {"host": "broker.example", "ca_file": "ca.pem", "cert_file": "van.pem", "key_file": "van.key"},
        "keys": {"signing_key_file": "signing.key", "root_file": "root.json"},
    }


def changed(path: str, value: Any) -> dict[str, Any]:
    """The good configuration with one key, named by its path, set."""
    configuration = good_configuration()
    *sections, key = path.split(".")
    section = configuration
    for name in sections:
        section = section.setdefault(name, {})
    section[key] = value
    return configuration


def written(folder: Path, configuration: dict[str, Any]) -> Path:
    path = folder / "lfr-edge.yaml"
    path.write_text(yaml.safe_dump(configuration))
    return path
