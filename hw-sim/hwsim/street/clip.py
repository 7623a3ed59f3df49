"""Write a street to files: the clip, its truth, and a sheet of frames to look at."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from hwsim.errors import StreetInvalid
from hwsim.street.camera import FrameSource
from hwsim.street.truth import Truth, TruthFrame, truth_line

SHEET_COLUMNS, SHEET_ROWS = 3, 3
SHEET_TILE_WIDTH_PX = 640
SEEN_BGR, HIDDEN_BGR = (80, 220, 80), (60, 60, 230)
"""Boxes of faces on the sheet: at least half visible, or less."""


def write_clip(
    source: FrameSource,
    clip: Path,
    truth: Path,
    sheet: Path | None = None,
    progress: Callable[[int], None] = lambda done: None,
) -> Truth:
    """Compose every frame into an mp4 (MPEG-4 part 2) and a truth file; both appear whole or not at all.

    Raises: StreetInvalid when OpenCV cannot write such a clip; OSError.
    """
    header = source.header
    tiles = SHEET_COLUMNS * SHEET_ROWS
    on_sheet = {round((i + 0.5) * (header.frames - 1) / tiles): i for i in range(tiles)} if sheet else {}
    pictures: dict[int, NDArray[np.uint8]] = {}
    clip_part, truth_part = clip.with_name(f".{clip.stem}.part.mp4"), truth.with_name(f".{truth.name}.part")
    size = (header.width_px, header.height_px)
    writer = cv2.VideoWriter(str(clip_part), cv2.VideoWriter.fourcc(*"mp4v"), header.frames_per_s, size)
    frames: list[TruthFrame] = []
    try:
        if not writer.isOpened():
            raise StreetInvalid(f"{clip}: OpenCV cannot write an mp4 of {size[0]}x{size[1]} here; check the folder")
        with truth_part.open("w", encoding="utf-8") as lines:
            lines.write(truth_line(header))
            for index in range(header.frames):
                picture, seen = source.frame(index)
                writer.write(picture)
                lines.write(truth_line(seen))
                frames.append(seen)
                if index in on_sheet:
                    pictures[on_sheet[index]] = _tile(picture, seen)
                progress(index + 1)
        writer.release()
        if sheet is not None:
            _write_picture(sheet, _arrange([pictures[i] for i in sorted(pictures)]))
        clip_part.replace(clip)
        truth_part.replace(truth)
    finally:
        writer.release()
        clip_part.unlink(missing_ok=True)
        truth_part.unlink(missing_ok=True)
    return Truth(header, frames)


def _tile(picture: NDArray[np.uint8], seen: TruthFrame) -> NDArray[np.uint8]:
    """A frame with the true boxes drawn in, small."""
    drawn = picture.copy()
    for person in seen.people:
        corner = (round(person.left_px), round(person.top_px))
        opposite = (round(person.left_px + person.width_px), round(person.top_px + person.height_px))
        cv2.rectangle(drawn, corner, opposite, SEEN_BGR if person.visible >= 0.5 else HIDDEN_BGR, 2)
    scale = SHEET_TILE_WIDTH_PX / picture.shape[1]
    return np.asarray(cv2.resize(drawn, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)


def _arrange(tiles: list[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    missing = -len(tiles) % SHEET_COLUMNS
    tiles = tiles + [np.zeros_like(tiles[0])] * missing
    rows = [np.hstack(tiles[i : i + SHEET_COLUMNS]) for i in range(0, len(tiles), SHEET_COLUMNS)]
    return np.vstack(rows)


def _write_picture(path: Path, picture: NDArray[np.uint8]) -> None:
    encoded, data = cv2.imencode(path.suffix or ".png", picture)
    if not encoded:
        raise StreetInvalid(f"{path}: OpenCV cannot write pictures of this kind; give a .png or .jpg")
    path.write_bytes(data.tobytes())
