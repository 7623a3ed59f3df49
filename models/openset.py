"""An open-set identification test: who is enrolled, who is searched for, and what the scores amount to.

Measures as in ISO/IEC 19795-1: FPIR is the share of non-mated searches that return anyone at or above the
threshold, TPIR the share of mated searches that return the mate. A photograph without a face counts: a failure
to enrol or to acquire is a miss.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast, get_args

from edge.errors import OpenSetInvalid
from models.intervals import Interval, clopper_pearson

LIST_NAME = "openset.csv"
COLUMNS = ["role", "identity", "image"]

Role = Literal["gallery", "probe", "impostor"]

NOT_COMPARED = -math.inf
"""The score of a search that could not take place."""


@dataclass(frozen=True)
class Photograph:
    """One picture, and whose it is."""

    role: Role
    identity: str
    path: Path


@dataclass(frozen=True)
class OperatingPoint:
    """What a threshold gives. fpir_max: the FPIR asked for; false_alarms and found are counts."""

    fpir_max: float
    threshold: float
    false_alarms: int
    fpir: Interval
    found: int
    tpir: Interval


def read_open_set(folder: Path) -> tuple[Photograph, ...]:
    """The photographs listed in openset.csv, which lie at images/IDENTITY/IMAGE.jpg. Raises: OpenSetInvalid."""
    path = folder / LIST_NAME
    try:
        with path.open(newline="", encoding="utf-8") as stream:
            reader = csv.DictReader(stream)
            if reader.fieldnames != COLUMNS:
                raise OpenSetInvalid(f"{path}: columns {reader.fieldnames}, need {COLUMNS}")
            photographs = tuple(_photograph(folder, row, reader.line_num) for row in reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise OpenSetInvalid(f"{path}: cannot be read: {error}") from None
    enrolled = {photo.identity for photo in photographs if photo.role == "gallery"}
    for photo in photographs:
        if photo.role != "gallery" and (photo.identity in enrolled) != (photo.role == "probe"):
            raise OpenSetInvalid(
                f"{path}: {photo.role} {photo.path.stem}: a probe's identity must be in the gallery, "
                "an impostor's must not"
            )
    if missing := set(get_args(Role)) - {photo.role for photo in photographs}:
        raise OpenSetInvalid(f"{path}: no line with role {' or '.join(sorted(missing))}")
    return photographs


def operating_point(mated: Sequence[float], non_mated: Sequence[float], fpir_max: float) -> OperatingPoint:
    """The lowest threshold at which no more than fpir_max of the non-mated searches return anyone.

    mated: each search's similarity to its mate; non_mated: each search's highest similarity.
    """
    allowed = math.floor(fpir_max * len(non_mated) + 1e-9)
    worst_first = sorted(non_mated, reverse=True)
    threshold = math.nextafter(worst_first[allowed], math.inf) if allowed < len(worst_first) else -1.0
    false_alarms = sum(score >= threshold for score in non_mated)
    found = sum(score >= threshold for score in mated)
    return OperatingPoint(
        fpir_max=fpir_max,
        threshold=threshold,
        false_alarms=false_alarms,
        fpir=clopper_pearson(false_alarms, len(non_mated)),
        found=found,
        tpir=clopper_pearson(found, len(mated)),
    )


def _photograph(folder: Path, row: dict[str, str], line: int) -> Photograph:
    role, identity, image = row["role"], row["identity"], row["image"]
    if role not in get_args(Role) or None in row or not identity or not image:
        raise OpenSetInvalid(f"{folder / LIST_NAME}: line {line}: need role (gallery, probe, impostor),identity,image")
    for part in (identity, image):
        if "/" in part or part.startswith("."):
            raise OpenSetInvalid(f"{folder / LIST_NAME}: line {line}: {part!r} is no name of a folder or picture")
    return Photograph(cast(Role, role), identity, folder / "images" / identity / f"{image}.jpg")
