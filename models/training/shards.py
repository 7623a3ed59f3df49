"""A training set on disk: a settings file, and shards that are made one by one, so that a cut-off run goes on."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.errors import TrainingInvalid

SETTINGS_NAME = "settings.json"

Arrays = dict[str, NDArray[Any]]


def make_shards(
    folder: Path,
    settings: dict[str, Any],
    shards: int,
    make: Callable[[int], Arrays],
    workers: int,
    report: Callable[[int, int], None],
) -> None:
    """Make what is missing of a set. make: a shard's arrays from its number, in a process of its own.

    report: told how many shards are there, of how many. Raises: TrainingInvalid when the folder holds another set.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / SETTINGS_NAME
    text = json.dumps(settings, indent=1, sort_keys=True) + "\n"
    if path.exists() and path.read_text(encoding="utf-8") != text:
        raise TrainingInvalid(f"{folder}: a set made with other settings lies there; name another folder or remove it")
    path.write_text(text, encoding="utf-8")
    missing = [number for number in range(shards) if not shard_path(folder, number).exists()]
    report(shards - len(missing), shards)
    if not missing:
        return
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        futures = [pool.submit(_make_one, folder, number, make) for number in missing]
        for done, future in enumerate(as_completed(futures), shards - len(missing) + 1):
            future.result()
            report(done, shards)


def shard_path(folder: Path, number: int) -> Path:
    return folder / f"shard-{number:04d}.npz"


def read_shards(folder: Path) -> Arrays:
    """Every array of a set, joined along its first axis. Raises: TrainingInvalid."""
    paths = sorted(folder.glob("shard-*.npz"))
    if not paths:
        raise TrainingInvalid(f"{folder}: no training set here; make one with --only-set")
    joined: dict[str, list[NDArray[Any]]] = {}
    for path in paths:
        try:
            with np.load(path) as arrays:
                for name in arrays.files:
                    joined.setdefault(name, []).append(arrays[name])
        except (OSError, ValueError) as error:
            raise TrainingInvalid(f"{path}: cannot be read: {error}; remove it and make the set again") from None
    return {name: np.concatenate(parts) for name, parts in joined.items()}


def _make_one(folder: Path, number: int, make: Callable[[int], Arrays]) -> None:
    path = shard_path(folder, number)
    part = path.with_name(f".{path.stem}.part.npz")
    np.savez(part, **make(number))  # type: ignore[arg-type]
    part.replace(path)
