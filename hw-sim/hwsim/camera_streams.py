"""Lays frames out in memory as libcamera's streams do: byte orders, padded rows, YUV420 planes."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

_ALIGN_BYTES = 64
_BYTES_PER_PX = {"RGB888": 3, "BGR888": 3, "XRGB8888": 4, "XBGR8888": 4, "YUV420": 1}


def stream_settings(defaults: dict[str, Any], updates: dict[str, Any]) -> dict[str, Any]:
    """The defaults with the updates. Raises: ValueError on a key that is no stream setting."""
    for key in updates:
        if key not in ("format", "size"):
            raise ValueError(f"Bad key {key!r}: valid stream configuration keys are ('format', 'size')")
    return defaults | updates


def laid_out(stream: dict[str, Any]) -> dict[str, Any]:
    """The stream with even sizes and a stride of whole cache lines, as the hardware has it. Raises: RuntimeError."""
    if stream["format"] not in _BYTES_PER_PX:
        raise RuntimeError(f"Format {stream['format']} not supported")
    width, height = (side - side % 2 for side in stream["size"])
    row_bytes = width * _BYTES_PER_PX[stream["format"]]
    stride = -(-row_bytes // _ALIGN_BYTES) * _ALIGN_BYTES
    return stream | {"size": (width, height), "stride": stride}


def as_array(buffer: NDArray[np.uint8], stream: dict[str, Any]) -> NDArray[np.uint8]:
    """A stream's buffer as (h, w, channels), or for YUV420 as (h * 3 // 2, stride) with its padding.

    Raises: ValueError when the buffer is short.
    """
    width, height = stream["size"]
    if stream["format"] == "YUV420":
        return buffer.reshape(height * 3 // 2, stream["stride"])
    row_bytes = width * _BYTES_PER_PX[stream["format"]]
    rows = buffer.reshape(height, stream["stride"])[:, :row_bytes]
    return np.ascontiguousarray(rows).reshape(height, width, -1)


def as_buffer(frame: NDArray[np.uint8], stream: dict[str, Any]) -> NDArray[np.uint8]:
    """A BGR frame (h, w, 3) as a stream's bytes (n,), scaled to its size.

    libcamera names byte orders from the high byte of a word: RGB888 lies in memory as B, G, R.
    """
    width, height = stream["size"]
    stride = stream["stride"]
    scaled = frame
    if frame.shape[1::-1] != (width, height):
        scaled = np.asarray(cv2.resize(frame, (width, height), interpolation=cv2.INTER_AREA), dtype=np.uint8)
    if stream["format"] == "YUV420":
        return _padded_planes(scaled, stride)
    if stream["format"] in ("BGR888", "XBGR8888"):
        scaled = scaled[:, :, ::-1]
    if stream["format"].startswith("X"):
        scaled = np.dstack([scaled, np.full((height, width), 255, np.uint8)])
    buffer = np.zeros((height, stride), dtype=np.uint8)
    row_bytes = width * scaled.shape[2]
    buffer[:, :row_bytes] = scaled.reshape(height, row_bytes)
    return buffer.reshape(-1)


def _padded_planes(bgr: NDArray[np.uint8], stride: int) -> NDArray[np.uint8]:
    """Y in rows of `stride` bytes, then U and V in rows of half of it."""
    height, width = bgr.shape[:2]
    tight = cv2.cvtColor(bgr, cv2.COLOR_BGR2YUV_I420).reshape(-1)
    luma, chroma = height * width, height * width // 4
    planes = []
    for start, rows, columns, row_bytes in (
        (0, height, width, stride),
        (luma, height // 2, width // 2, stride // 2),
        (luma + chroma, height // 2, width // 2, stride // 2),
    ):
        plane = np.full((rows, row_bytes), 0x55, dtype=np.uint8)
        plane[:, :columns] = tight[start : start + rows * columns].reshape(rows, columns)
        planes.append(plane.reshape(-1))
    return np.concatenate(planes)
