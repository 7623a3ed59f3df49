"""Photographs of rendered people to calibrate any network on: faces in every pose and light, no real person.

Run: python -m models.training.photographs FOLDER [--count N] [--seed S]. Then, for one:
lfr-models install street --calibrate-on FOLDER --as NAME. With --sheet, FOLDER is a file: 24 of them in rows, as
models/build/held_out.jpg (--seed 900000).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from hwsim.street.rendered.head.identity import Identity, sample_identity
from hwsim.street.rendered.head.look import sample_look
from hwsim.street.rendered.head.portrait import Pose, render_face, render_portrait
from hwsim.street.rendered.light import sample_light
from hwsim.street.rendered.sensor import expose, sample_sensor
from numpy.typing import NDArray

from models.training.clutter import sample_clutter

FACE_PX = (40.0, 150.0)
PICTURE_SHARE = 2.2
"""A photograph's side in widths of its face."""

SHEET_ROWS, SHEET_COLUMNS, CELL_PX = 4, 6, 150


def render_photograph(seed: int) -> NDArray[np.uint8]:
    """A person as a camera might take one, uint8 BGR (h, w, 3); the same for the same seed."""
    return _photograph(sample_identity(seed), np.random.default_rng([seed, 21]))


def render_photographs(seed: int, count: int) -> list[NDArray[np.uint8]]:
    """One person on so many days: the enrolment photograph first."""
    identity = sample_identity(seed)
    rng = np.random.default_rng([seed, 22])
    return [render_portrait(identity), *(_photograph(identity, rng) for _ in range(count - 1))]


def _photograph(identity: Identity, rng: np.random.Generator) -> NDArray[np.uint8]:
    pose = Pose(
        yaw_deg=float(np.clip(rng.normal(0, 18), -45, 45)),
        pitch_deg=float(np.clip(rng.normal(0, 8), -20, 20)),
        roll_deg=float(rng.normal(0, 5)),
        distance_cm=float(np.exp(rng.uniform(np.log(80), np.log(800)))),
    )
    width_px = float(np.exp(rng.uniform(*np.log(FACE_PX))))
    side = int(np.ceil(PICTURE_SHARE * width_px))
    face = render_face(
        identity, sample_look(identity, rng), pose, sample_light(rng), side, side, face_width_px=width_px,
        background=sample_clutter(rng, side), bust_seed=int(rng.integers(1 << 30)), supersampling=1,
    )  # fmt: skip
    return expose(np.ascontiguousarray(face.pixels[..., ::-1]), sample_sensor(rng, blur=0.5), rng)


def render_sheet(seed: int) -> NDArray[np.uint8]:
    """People from `seed` on, in rows, uint8 BGR (SHEET_ROWS * CELL_PX, SHEET_COLUMNS * CELL_PX, 3)."""
    cells = [
        cv2.resize(render_photograph(seed + i), (CELL_PX, CELL_PX), interpolation=cv2.INTER_AREA)
        for i in range(SHEET_ROWS * SHEET_COLUMNS)
    ]
    rows = [np.hstack(cells[i : i + SHEET_COLUMNS]) for i in range(0, len(cells), SHEET_COLUMNS)]
    return np.asarray(np.vstack(rows), np.uint8)


def main(argv: Sequence[str] | None = None) -> int:
    """The command; its exit code."""
    parser = argparse.ArgumentParser(prog="python -m models.training.photographs", description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--count", type=int, default=160)
    parser.add_argument("--seed", type=int, default=700_000, help="of the first person; each has the next")
    parser.add_argument("--each", type=int, metavar="N", help="a folder for each person, with so many photographs")
    parser.add_argument("--sheet", action="store_true", help="one picture of 24")
    options = parser.parse_args(argv)
    cv2.setNumThreads(1)
    quality = [cv2.IMWRITE_JPEG_QUALITY, 92]
    if options.sheet:
        cv2.imwrite(str(options.folder), render_sheet(options.seed), quality)
        return 0
    options.folder.mkdir(parents=True, exist_ok=True)
    for number in range(options.seed, options.seed + options.count):
        if options.each:
            (options.folder / str(number)).mkdir(exist_ok=True)
            for index, photograph in enumerate(render_photographs(number, options.each)):
                cv2.imwrite(str(options.folder / str(number) / f"{index}.jpg"), photograph, quality)
            continue
        cv2.imwrite(str(options.folder / f"{number}.jpg"), render_photograph(number), quality)
    return 0


if __name__ == "__main__":
    sys.exit(main())
