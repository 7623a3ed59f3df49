"""Small clips and folders for tests, in which a frame's grey level tells its index."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

WIDTH_PX, HEIGHT_PX = 168, 120
FRAMES_PER_S = 10.0
_CODECS = {".mp4": "mp4v", ".avi": "MJPG"}


def frame(index: int) -> NDArray[np.uint8]:
    """Grey of level 20 + 16 * index, with a blue left edge that shows the order of channels."""
    picture = np.full((HEIGHT_PX, WIDTH_PX, 3), 20 + 16 * (index % 12), dtype=np.uint8)
    picture[:, :32] = (220, 40, 10)
    return picture


def index_of(picture: NDArray[np.uint8]) -> int:
    """The index (modulo 12) of a frame that may have been compressed or scaled."""
    height, width = picture.shape[:2]
    level = float(picture[height // 4 : -height // 4, width // 2 : -width // 8].mean())
    return round((level - 20) / 16)


def write_clip(path: Path, count: int) -> Path:
    """A clip of `count` frames; its suffix (.mp4, .avi, .gif) says which kind."""
    if path.suffix == ".gif":
        pictures = [Image.fromarray(np.ascontiguousarray(frame(index)[:, :, ::-1])) for index in range(count)]
        pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=round(1000 / FRAMES_PER_S))
        return path
    fourcc = cv2.VideoWriter.fourcc(*_CODECS[path.suffix])
    writer = cv2.VideoWriter(str(path), fourcc, FRAMES_PER_S, (WIDTH_PX, HEIGHT_PX))
    assert writer.isOpened(), f"OpenCV cannot write {path.suffix}"
    for index in range(count):
        writer.write(frame(index))
    writer.release()
    return path


def write_folder(folder: Path, count: int) -> Path:
    """A folder of `count` PNG files."""
    folder.mkdir()
    for index in range(count):
        cv2.imwrite(str(folder / f"{index:03d}.png"), frame(index))
    return folder
