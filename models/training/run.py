"""A training run: steps in order, checkpoints, curves; cut off anywhere, it goes on from its last checkpoint.

What a step does depends on its number and the seed alone, so a run that was cut off ends as one that was not.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import torch

from edge.clock import Clock
from edge.errors import TrainingInvalid

CHECKPOINT_NAME, CURVES_NAME = "checkpoint.pt", "curves.csv"
CHECKPOINT_EVERY_S = 120.0
LOG_EVERY_STEPS = 20


class Trainee(Protocol):
    """What is trained."""

    def step(self, index: int) -> dict[str, float]:
        """Step number `index`; its figures, the same names each time."""

    def state(self) -> dict[str, Any]:
        """Everything that later steps depend on."""

    def restore(self, state: dict[str, Any]) -> None:
        """Take up a state."""


def run(
    trainee: Trainee,
    folder: Path,
    steps: int,
    settings: dict[str, Any],
    clock: Clock,
    report: Callable[[int, dict[str, float]], None],
) -> None:
    """Train until `steps` are done, from the checkpoint in the folder if there is one.

    settings: what made the run; a checkpoint of other settings is refused. report: told of each step done, and its
    figures, averaged since the last line of the curves. Raises: TrainingInvalid.
    """
    folder.mkdir(parents=True, exist_ok=True)
    start = _resume(trainee, folder, settings)
    figures = _Figures()
    saved_s = clock.monotonic_s()
    for index in range(start, steps):
        figures.add(trainee.step(index))
        done = index + 1
        if done % LOG_EVERY_STEPS == 0 or done == steps:
            _append(folder / CURVES_NAME, done, figures.mean())
            report(done, figures.mean())
            figures = _Figures()
        due = clock.monotonic_s() - saved_s >= CHECKPOINT_EVERY_S and done % LOG_EVERY_STEPS == 0
        if due or done == steps:
            save(folder, {"step": done, "settings": settings, "trainee": trainee.state()})
            saved_s = clock.monotonic_s()


def save(folder: Path, checkpoint: dict[str, Any]) -> None:
    """Write a checkpoint whole or not at all."""
    part = folder / f".{CHECKPOINT_NAME}.part"
    torch.save(checkpoint, part)
    with part.open("rb") as stream:
        os.fsync(stream.fileno())
    part.replace(folder / CHECKPOINT_NAME)


def load(folder: Path) -> dict[str, Any]:
    """The checkpoint of a run. Raises: TrainingInvalid."""
    path = folder / CHECKPOINT_NAME
    try:
        checkpoint: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, ValueError, EOFError) as error:
        raise TrainingInvalid(f"{path}: no checkpoint that can be read: {error}; remove it to begin anew") from None
    return checkpoint


def _resume(trainee: Trainee, folder: Path, settings: dict[str, Any]) -> int:
    if not (folder / CHECKPOINT_NAME).exists():
        (folder / CURVES_NAME).unlink(missing_ok=True)
        return 0
    checkpoint = load(folder)
    if checkpoint["settings"] != settings:
        differing = sorted(k for k in settings if settings[k] != checkpoint["settings"].get(k))
        raise TrainingInvalid(
            f"{folder}: the checkpoint there was made with other settings ({', '.join(differing)}); "
            "name another folder, or remove it to begin anew"
        )
    trainee.restore(checkpoint["trainee"])
    step = int(checkpoint["step"])
    _cut(folder / CURVES_NAME, step)
    return step


class _Figures:
    """Means of what the steps said."""

    def __init__(self) -> None:
        self._sums: dict[str, float] = {}
        self._count = 0

    def add(self, figures: dict[str, float]) -> None:
        self._count += 1
        for name, value in figures.items():
            self._sums[name] = self._sums.get(name, 0.0) + value

    def mean(self) -> dict[str, float]:
        return {name: total / self._count for name, total in self._sums.items()}


def _append(path: Path, step: int, figures: dict[str, float]) -> None:
    new = not path.exists()
    with path.open("a", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        if new:
            writer.writerow(["step", *figures])
        writer.writerow([step, *(f"{value:.6g}" for value in figures.values())])


def _cut(path: Path, step: int) -> None:
    """Drop what the curves say of steps after the checkpoint: they are taken again."""
    if not path.exists():
        return
    head, *lines = path.read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines if int(line.split(",", 1)[0]) <= step]
    path.write_text("\n".join([head, *kept]) + "\n", encoding="utf-8")
