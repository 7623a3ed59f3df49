"""A training set goes on where it was cut off, and is never mixed with another."""

from __future__ import annotations

import functools
from pathlib import Path

import numpy as np
import pytest

from edge.errors import TrainingInvalid
from models.training.shards import Arrays, make_shards, read_shards, shard_path


def numbered(seed: int, number: int) -> Arrays:
    return {"rows": np.full((2, 3), 10 * seed + number)}


def nothing(done: int, total: int) -> None:
    pass


def test_missing_shards_alone_are_made(tmp_path: Path) -> None:
    make_shards(tmp_path, {"seed": 1}, 3, functools.partial(numbered, 1), 1, nothing)
    shard_path(tmp_path, 1).unlink()
    kept = shard_path(tmp_path, 0).stat().st_mtime_ns
    told: list[tuple[int, int]] = []
    make_shards(tmp_path, {"seed": 1}, 3, functools.partial(numbered, 1), 1, lambda d, t: told.append((d, t)))
    assert told == [(2, 3), (3, 3)]
    assert shard_path(tmp_path, 0).stat().st_mtime_ns == kept
    assert read_shards(tmp_path)["rows"][:, 0].tolist() == [10, 10, 11, 11, 12, 12]


def test_a_folder_with_another_set_is_refused(tmp_path: Path) -> None:
    make_shards(tmp_path, {"seed": 1}, 1, functools.partial(numbered, 1), 1, nothing)
    with pytest.raises(TrainingInvalid, match="other settings"):
        make_shards(tmp_path, {"seed": 2}, 1, functools.partial(numbered, 2), 1, nothing)


def test_no_set_and_a_broken_shard_say_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(TrainingInvalid, match="no training set"):
        read_shards(tmp_path)
    shard_path(tmp_path, 0).write_bytes(b"PK half of a shard")
    with pytest.raises(TrainingInvalid, match="make the set again"):
        read_shards(tmp_path)
