"""Ten thousand photographs out of a few thousand: each a different picture of somebody, and a row for each.

Of each person's pictures as they are, mirrored, brighter or darker, cut a little, compressed again: no two files are
equal, and which rows show one person is known.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from provisioning.entries import REQUIRED

ROW = {
    "category": "wanted",
    "response": "amber",
    "lawful_basis": "none: a benchmark's picture",
    "image_source": "benchmark",
    "image_taken": "2007-10-01",
    "reason": "proof",
    "under_18": "no",
}


@dataclass(frozen=True)
class Made:
    """What was written. person: of each reference, the name of whom it shows."""

    folder: Path
    table: Path
    person: dict[str, str]


def originals_of(images: Path) -> list[Path]:
    """Every picture below a folder that has one folder for each person."""
    return sorted(path for path in images.glob("*/*") if path.suffix.lower() in (".jpg", ".png"))


def make_photographs(originals: Sequence[Path], folder: Path, count: int) -> Made:
    """So many pictures, and entries.csv; the same for the same originals."""
    photographs = folder / "photographs"
    photographs.mkdir(parents=True)
    person: dict[str, str] = {}
    rows = []
    for number in range(count):
        original, turn = originals[number % len(originals)], number // len(originals)
        reference = f"row-{number:05}"
        image = cv2.imread(str(original))
        if image is None:
            raise SystemExit(f"{original}: no picture")
        changed = image if turn == 0 else _changed(image, np.random.default_rng([number]))
        quality = 95 if turn == 0 else int(np.random.default_rng([number, 1]).integers(75, 96))
        cv2.imwrite(str(photographs / f"{reference}.jpg"), changed, [cv2.IMWRITE_JPEG_QUALITY, quality])
        person[reference] = original.parent.name
        rows.append({"reference": reference, "photograph": f"{reference}.jpg", "under_18_rationale": "", **ROW})
    table = folder / "entries.csv"
    with table.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, REQUIRED)
        writer.writeheader()
        writer.writerows(rows)
    return Made(photographs, table, person)


def _changed(image: NDArray[np.uint8], random: np.random.Generator) -> NDArray[np.uint8]:
    """Mirrored or not, cut by up to a twentieth at each side, brighter or darker."""
    height, width = image.shape[:2]
    left, right = random.integers(0, width // 20 + 1, 2)
    top, bottom = random.integers(0, height // 20 + 1, 2)
    cut = image[top : height - bottom, left : width - right]
    if random.random() < 0.5:
        cut = cut[:, ::-1]
    gain, offset = random.uniform(0.8, 1.2), random.uniform(-15, 15)
    return np.asarray(np.clip(cut.astype(np.float32) * gain + offset, 0, 255), np.uint8)
